//! CPython's own tests of a wait for any of several objects, their semantics re-created under their names.

use crate::Outcome;
use crate::synchronisation::SHORT;
use isopod::{ErrorKind, Event, Process, Queue, Sender, Waitable};
use std::time::{Duration, Instant};

/// `_TestWait.test_wait`: the messages of four processes through four pipes, until the end of each.
pub fn wait() -> Outcome {
    let mut open = Vec::new();
    let mut children = Vec::new();
    for number in 0..4_u32 {
        let (receiver, sender) = isopod::one_way_pipe::<(u32, u32)>()?;
        children.push(Process::spawn(
            |number: u32, sender: Sender<(u32, u32)>| -> Outcome {
                for message in 0..10 {
                    sender.send(&(number, message))?;
                }
                Ok(())
            },
            (number, sender),
        )?);
        open.push(receiver);
    }
    let mut received = Vec::new();
    while !open.is_empty() {
        let waitables: Vec<&dyn Waitable> = open.iter().map(|end| end as &dyn Waitable).collect();
        let ready = isopod::wait_any(&waitables)?;
        assert!(!ready.is_empty());
        // From the back, so that removing one does not move the others.
        for position in ready.into_iter().rev() {
            match open[position].recv() {
                Ok(message) => received.push(message),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::EndOfFile);
                    open.remove(position);
                }
            }
        }
    }
    received.sort_unstable();
    let expected: Vec<(u32, u32)> = (0..4).flat_map(|n| (0..10).map(move |m| (n, m))).collect();
    assert_eq!(received, expected);
    for child in children {
        child.join()?;
    }
    Ok(())
}

/// `_TestWait.test_wait_timeout`, `test_wait_integer` (a process's sentinel) and every kind.
pub fn wait_kinds() -> Outcome {
    let event = Event::new()?;
    let queue = Queue::<u32>::new()?;
    let gate = Queue::<u32>::new()?;
    let child = Process::spawn(|gate: Queue<u32>| gate.get().map(drop), (gate.clone(),))?;
    let all: [&dyn Waitable; 3] = [&event, &queue, &child];
    let start = Instant::now();
    assert_eq!(isopod::wait_any_timeout(&all, Duration::ZERO)?, []);
    assert_eq!(isopod::wait_any_timeout(&all, SHORT)?, []);
    assert!(start.elapsed() >= SHORT);
    gate.put(&1)?;
    assert_eq!(isopod::wait_any(&all)?, [2]);
    event.set();
    assert_eq!(isopod::wait_any(&all)?, [0, 2]);
    queue.put(&1)?;
    assert_eq!(isopod::wait_any(&all)?, [0, 1, 2]);
    assert_eq!(queue.len(), 1, "nothing is taken");
    let error = isopod::wait_any(&[]).expect_err("for ever");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    child.join()
}
