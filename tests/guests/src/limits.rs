//! Guests that reach their limits, and others that go on beside them.

use crate::Outcome;
use isopod::{Error, ErrorKind, ExitStatus, Process, Queue};
use std::io::Write as _;
use std::time::Duration;

/// Makes queues up to its limit of handles; can do so again after it has dropped them.
pub fn hold_handles() -> Outcome {
    let mut counts = Vec::new();
    let mut texts = Vec::new();
    for _ in 0..2 {
        let mut queues = Vec::new();
        let error = loop {
            match Queue::<u8>::new() {
                Ok(queue) => queues.push(queue),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        counts.push(queues.len());
        // A process is not started if its handle has no room. The options of its start take the one that is
        // left.
        queues.pop();
        let refused = Process::spawn(|| (), ()).expect_err("no room for its handle");
        assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
        drop(queues);
        assert!(isopod::active_children().is_empty());
        texts.push(error.to_string());
    }
    assert_eq!(counts[0], counts[1]);
    // Printing takes handles too.
    println!("{}", texts.join("\n"));
    Ok(())
}

/// Calls that give several handles fail where there is room for some of them only, and leave the table as it was.
pub fn fail_with_a_full_table() -> Outcome {
    let stored = isopod::Dict::<u8, Vec<Queue<u8>>>::new()?;
    stored.set(&1, &vec![Queue::new()?, Queue::new()?])?;
    let list = isopod::List::<Vec<Queue<u8>>>::new()?;
    list.push(&vec![Queue::new()?])?;
    list.push(&vec![Queue::new()?])?;
    let mut queues = Vec::new();
    while let Ok(queue) = Queue::<u8>::new() {
        queues.push(queue);
    }
    for _ in 0..50 {
        // One handle is free, and each of these calls gives two.
        queues.pop();
        let refused = [
            isopod::pipe::<u8, u8>().map(drop),
            stored.get(&1).map(drop),
            stored.values().map(drop),
            stored.items().map(drop),
            list.to_vec().map(drop),
        ];
        for refused in refused {
            let error = refused.expect_err("no room for the second handle");
            assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        }
        queues.push(Queue::new()?);
    }
    Ok(())
}

/// A child takes a message with more handles than it may hold; its sibling takes it too.
pub fn take_handles() -> Outcome {
    let letters = Queue::<Vec<Queue<u8>>>::new()?;
    let queues = (0..100)
        .map(|_| Queue::new())
        .collect::<Result<Vec<_>, Error>>()?;
    let take = |letters: Queue<Vec<Queue<u8>>>| letters.get().map(|queues| queues.len());
    for limit in [60, 1_000] {
        letters.put(&queues)?;
        let child = Process::builder().handle_limit(limit);
        let child = child.spawn(take, (letters.clone(),))?;
        match child.wait()? {
            ExitStatus::Limit(text) => println!("{text}"),
            other => println!("{:?}, {}", other, child.join()?),
        }
    }
    Ok(())
}

/// Puts two messages of this many bytes, spawns with one, puts a small one.
pub fn put_bytes(count: &str) -> Outcome {
    let count: usize = count.parse().expect("a number");
    let queue = Queue::<Vec<u8>>::new()?;
    for _ in 0..2 {
        match queue.put(&vec![0; count]) {
            Ok(()) => println!("put"),
            Err(error) => println!("{:?}: {error}", error.kind()),
        }
    }
    match Process::spawn(|_: Vec<u8>| (), (vec![0; count],)) {
        Ok(child) => child.join()?,
        Err(error) => println!("{:?}", error.kind()),
    }
    queue.put(&vec![1])
}

/// Writes lines for ever, a child first: its limit is lower.
pub fn write_for_ever() -> Outcome {
    let write = || -> () {
        loop {
            let _ = std::io::stdout().write_all(b"123456789\n");
        }
    };
    let child = Process::builder().output_limit(50).spawn(write, ())?;
    assert!(matches!(child.wait()?, ExitStatus::Limit(_)));
    write();
    Ok(())
}

/// Spawns and joins until a start is refused.
pub fn start_until_refused() -> Outcome {
    let mut started = 1;
    loop {
        match Process::spawn(|| (), ()) {
            Ok(child) => child.join()?,
            Err(error) => {
                println!("{started}, then {:?}: {error}", error.kind());
                return Ok(());
            }
        }
        started += 1;
    }
}

/// A child computes for ever; its parent, which waits, has the same limit.
pub fn compute_for_ever() -> Outcome {
    let child = Process::builder().cpu_time_limit(Duration::from_millis(50));
    let child = child.spawn(|| crate::blocked::busy_quietly(), ())?;
    println!("{:?}", child.wait()?);
    Ok(())
}

/// No limit of a child can exceed its parent's.
pub fn limits_only_shrink() -> Outcome {
    let hour = Duration::from_secs(3600);
    for child in [
        Process::builder().cpu_time_limit(hour),
        Process::builder().handle_limit(u32::MAX),
        Process::builder().message_limit(u64::MAX),
        Process::builder().output_limit(u64::MAX),
    ] {
        let error = child.spawn(|| (), ()).expect_err("more than its parent");
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        println!("{error}");
    }
    // A grandchild that asks for no limits has those of its parent.
    let child = Process::builder().message_limit(1_000).spawn(
        || -> Outcome {
            let put = || -> Outcome {
                let refused = Queue::new()?.put(&vec![0_u8; 2_000]);
                let error = refused.expect_err("above its parent's limit");
                assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
                Ok(())
            };
            Process::spawn(put, ())?.join()
        },
        (),
    )?;
    child.join()
}
