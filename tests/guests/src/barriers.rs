//! CPython's own tests of barriers, their semantics re-created under their names.

use crate::Outcome;
use crate::synchronisation::SHORT;
use isopod::{Barrier, ErrorKind, Lock, Process, Queue, Sender};
use std::collections::BTreeMap;

/// As in CPython's tests.
const PARTIES: u32 = 5;

/// `_TestBarrier.test_wait_return` and `test_action`: each index once, and the action once, before any
/// party goes on.
pub fn wait_return() -> Outcome {
    let barrier = Barrier::new(5)?;
    let indices = Queue::<(u32, u64)>::new()?;
    let actions = Queue::<()>::new()?;
    let arrive = |barrier: Barrier, indices: Queue<(u32, u64)>, actions: Queue<()>| -> Outcome {
        let index = barrier.wait_with(|| actions.put(&()).unwrap_or_default())?;
        indices.put(&(index, actions.len()))
    };
    let children = (0..4)
        .map(|_| Process::spawn(arrive, (barrier.clone(), indices.clone(), actions.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    arrive(barrier.clone(), indices.clone(), actions)?;
    for child in children {
        child.join()?;
    }
    let mut seen = Vec::new();
    for entry in indices.iter().take(5) {
        let (index, actions) = entry?;
        assert_eq!(actions, 1);
        seen.push(index);
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!((barrier.parties(), barrier.waiting()), (5, 0));
    Ok(())
}

/// `_TestBarrier.test_abort`, `test_reset`, `test_abort_and_reset`, `test_timeout`,
/// `test_single_thread`.
pub fn abort_and_reset() -> Outcome {
    let barrier = Barrier::new(PARTIES)?;
    let meeting = Barrier::new(PARTIES)?;
    let results = Queue::<String>::new()?;
    let children = (1..PARTIES)
        .map(|_| {
            let objects = (barrier.clone(), meeting.clone(), results.clone());
            Process::spawn(party, objects)
        })
        .collect::<Result<Vec<_>, _>>()?;
    party(barrier, meeting, results.clone())?;
    for child in children {
        child.join()?;
    }
    let mut counts = BTreeMap::new();
    while !results.is_empty() {
        *counts.entry(results.get()?).or_insert(0) += 1;
    }
    let expected = [("BrokenBarrier", PARTIES - 1), ("passed again", PARTIES)];
    let expected = expected.map(|(what, count)| (what.to_owned(), count));
    assert_eq!(counts, BTreeMap::from(expected));

    let barrier = Barrier::new(2)?;
    let broken = |error: isopod::Error| assert_eq!(error.kind(), ErrorKind::BrokenBarrier);
    broken(barrier.wait_timeout(SHORT).expect_err("alone"));
    assert!(barrier.is_broken(), "a time-out breaks it for all");
    broken(barrier.wait().expect_err("broken"));
    barrier.reset();
    assert!(!barrier.is_broken());

    let single = Barrier::new(1)?;
    assert_eq!((single.wait()?, single.wait()?), (0, 0));
    Ok(())
}

/// Passes once. Then one party breaks the barrier while the others wait at it, one makes it usable again,
/// and all pass.
fn party(barrier: Barrier, meeting: Barrier, results: Queue<String>) -> Outcome {
    if barrier.wait()? == PARTIES / 2 {
        barrier.abort();
    } else {
        match barrier.wait() {
            Ok(_) => results.put(&"passed a broken barrier".to_owned())?,
            Err(error) => results.put(&format!("{:?}", error.kind()))?,
        }
    }
    // All have left before the reset, and nobody arrives before it.
    if meeting.wait()? == PARTIES / 2 {
        assert!(barrier.is_broken());
        barrier.reset();
    }
    meeting.wait()?;
    barrier.wait()?;
    results.put(&"passed again".to_owned())
}

/// `_TestBarrier.test_barrier`, `test_barrier_10`, `test_thousand`: no party is a round ahead.
pub fn thousand() -> Outcome {
    const ROUNDS: u32 = 1000;
    let barrier = Barrier::new(PARTIES)?;
    let lock = Lock::new()?;
    let (receiver, sender) = isopod::one_way_pipe::<u32>()?;
    let children = (0..PARTIES)
        .map(|_| {
            Process::spawn(
                |barrier: Barrier, lock: Lock, sender: Sender<u32>| -> Outcome {
                    for round in 0..ROUNDS {
                        barrier.wait()?;
                        let _guard = lock.acquire()?;
                        sender.send(&round)?;
                    }
                    Ok(())
                },
                (barrier.clone(), lock.clone(), sender.clone()),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    for round in 0..ROUNDS {
        for _ in 0..PARTIES {
            assert_eq!(receiver.recv()?, round);
        }
    }
    for child in children {
        child.join()?;
    }
    assert_eq!(barrier.waiting(), 0);
    assert!(!barrier.is_broken());
    Ok(())
}
