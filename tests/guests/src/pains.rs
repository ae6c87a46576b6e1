//! The troubles of the users of CPython's `multiprocessing`: each scenario runs a case that hangs, leaks or
//! lies there. The numbers are those of the list in `tests/ACCEPTANCE.md`.

use crate::{Outcome, deadlocks, ready};
use isopod::{Bounds, Event, ExitStatus, Lock, Process, Queue, Semaphore, SharedMemory, Waitable};
use std::hint::black_box;
use std::sync::Mutex;
use std::time::Duration;

/// A scenario by its number.
pub fn run(number: &str) -> Outcome {
    match number {
        "1" => deadlocks::each_way_to_lose_a_worker(),
        "2" => join_before_drain(),
        "3" => ended_at_a_queue(),
        "4" => spawned_under_a_mutex(),
        "5" => started_from_the_module(),
        "6" => the_creator_goes_first(),
        "6-ended" => the_creator_is_ended(),
        "8" => each_has_its_limits(),
        "8-jobs" => deadlocks::limits_of_jobs(),
        "9" => three_generations(),
        "9-unjoined" => nobody_joins(),
        "10" => memory_outlives_who_attaches(),
        "11" => a_trap_says_where(),
        "12" => {
            println!("{}", isopod::cpu_count());
            Ok(())
        }
        "13" => large_data_stays_where_it_is(),
        "16" => deadlocks::fails_fast(),
        other => panic!("no pain {other}"),
    }
}

/// 2. A child's items do not fit into any pipe, and its parent joins before it takes them.
fn join_before_drain() -> Outcome {
    let queue = Queue::<Vec<u8>>::new()?;
    let child = Process::spawn(
        |queue: Queue<Vec<u8>>| -> Outcome {
            (0..4).try_for_each(|number| queue.put(&vec![number; 1 << 20]))
        },
        (queue.clone(),),
    )?;
    child.join()?;
    assert_eq!(queue.len(), 4);
    for number in 0..4 {
        assert_eq!(queue.get()?, vec![number; 1 << 20]);
    }
    assert!(queue.is_empty());
    Ok(())
}

/// 3. A process that is ended while it waits at a queue, or puts into it, leaves the queue whole.
fn ended_at_a_queue() -> Outcome {
    let queue = Queue::<Vec<u8>>::new()?;
    let begun = Queue::<()>::new()?;
    let reader = Process::spawn(
        |queue: Queue<Vec<u8>>, begun: Queue<()>| -> Outcome {
            begun.put(&())?;
            queue.get().map(drop)
        },
        (queue.clone(), begun.clone()),
    )?;
    begun.get()?;
    reader.terminate()?;
    reader.wait()?;
    queue.put(&vec![1, 2, 3])?;
    assert_eq!(queue.get()?, [1, 2, 3], "the dead reader took nothing");

    for _ in 0..20 {
        let writer = Process::spawn(
            |queue: Queue<Vec<u8>>, begun: Queue<()>| -> Outcome {
                begun.put(&())?;
                for number in 0_u8..=255 {
                    queue.put(&vec![number; 10_000])?;
                }
                crate::endings::end("busy-quietly")
            },
            (queue.clone(), begun.clone()),
        )?;
        begun.get()?;
        queue.get()?;
        writer.kill()?;
        writer.wait()?;
        // Each message that it has put is whole and in order; no message is there in part.
        let left = u8::try_from(queue.len()).expect("at most 255 are left");
        for number in 1..=left {
            assert_eq!(queue.get()?, vec![number; 10_000]);
        }
    }
    assert!(queue.is_empty());
    Ok(())
}

static GLOBAL: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// 4. The parent holds a mutex when it starts a child: the child does not hold it.
fn spawned_under_a_mutex() -> Outcome {
    let mut held = GLOBAL.lock().expect("nobody has panicked");
    held.push(7);
    let lock = Lock::new()?;
    let guard = lock.acquire()?;
    let child = Process::spawn(
        |lock: Lock| -> isopod::Result<(usize, bool)> {
            let fresh = GLOBAL.try_lock().expect("nobody holds this one").len();
            Ok((fresh, lock.try_acquire()?.is_some()))
        },
        (lock.clone(),),
    )?;
    assert_eq!(child.join()?, (0, false), "what the host made is shared");
    drop(guard);
    assert_eq!(*held, [7]);
    Ok(())
}

/// 5. A child begins in the initial state of the module, whatever the state of its parent: main does not
///   run again, and the parent's memory is not copied.
fn started_from_the_module() -> Outcome {
    println!("main runs");
    let large = black_box(vec![1_u8; 64 << 20]);
    GLOBAL.lock().expect("nobody has panicked").push(7);
    let children = (0..100_u64)
        .map(|number| {
            Process::builder().memory_limit(4 << 20).spawn(
                |number: u64| {
                    let globals = GLOBAL.lock().expect("nobody has panicked").len();
                    (number, globals)
                },
                (number,),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    for (number, child) in (0..).zip(children) {
        assert_eq!(child.join()?, (number, 0));
    }
    assert_eq!(large.last(), Some(&1));
    Ok(())
}

/// 6. Main drops its lock and ends before its children have opened theirs.
fn the_creator_goes_first() -> Outcome {
    let lock = Lock::new()?;
    for number in 0..10_u32 {
        Process::spawn(
            |number: u32, lock: Lock| -> Outcome {
                let _guard = lock.acquire()?;
                println!("hello world {number}");
                Ok(())
            },
            (number, lock.clone()),
        )?;
    }
    Ok(())
}

/// 6. The process that made the objects is killed; its child opens them after that.
fn the_creator_is_ended() -> Outcome {
    type Objects = (Lock, Semaphore, SharedMemory, Queue<u32>);
    let go = Event::new()?;
    let answers = Queue::<u32>::new()?;
    let creator = Process::spawn(
        |go: Event, answers: Queue<u32>| -> Outcome {
            let memory = SharedMemory::new(8)?;
            memory.store_u32(0, 41)?;
            let message = Queue::<Objects>::new()?;
            message.put(&(Lock::new()?, Semaphore::new(1)?, memory, Queue::new()?))?;
            Process::spawn(
                |go: Event, answers: Queue<u32>, message: Queue<Objects>| -> Outcome {
                    go.wait()?;
                    let (lock, semaphore, memory, queue) = message.get()?;
                    let _held = (lock.acquire()?, semaphore.acquire()?);
                    queue.put(&memory.load_u32(0)?)?;
                    answers.put(&(queue.get()? + 1))
                },
                (go, answers.clone(), message),
            )?;
            answers.put(&0)?;
            crate::endings::end("busy-quietly")
        },
        (go.clone(), answers.clone()),
    )?;
    assert_eq!(answers.get()?, 0);
    creator.kill()?;
    creator.wait()?;
    go.set();
    assert_eq!(answers.get()?, 42);
    Ok(())
}

/// 8. Each process has limits of its own, and one that reaches its limit harms no other.
fn each_has_its_limits() -> Outcome {
    let go = Event::new()?;
    let sibling = Process::spawn(
        |go: Event| -> isopod::Result<u32> { go.wait().map(|()| 42) },
        (go.clone(),),
    )?;
    let greedy = Process::builder()
        .memory_limit(8 << 20)
        .spawn(|| crate::endings::end("memory"), ())?;
    let ExitStatus::MemoryLimit(text) = greedy.wait()? else {
        panic!("it had no memory limit: {:?}", greedy.exit_status());
    };
    assert!(text.contains("limit of 8 MiB"), "{text}");
    let slow = Process::builder()
        .timeout(Duration::from_millis(30))
        .spawn(|| crate::endings::end("busy-quietly"), ())?;
    let ExitStatus::Deadline(text) = slow.wait()? else {
        panic!("it had no deadline: {:?}", slow.exit_status());
    };
    assert!(text.contains("30ms"), "{text}");
    go.set();
    assert_eq!(sibling.join()?, 42);
    Ok(())
}

/// 9. A child and a daemon, with a grandchild, all busy; the embedder kills main.
fn three_generations() -> Outcome {
    Process::builder()
        .daemon(true)
        .spawn(|| crate::endings::end("busy"), ())?;
    let child = Process::spawn(
        || -> Outcome {
            Process::spawn(|| crate::endings::end("queue-get"), ())?;
            crate::endings::end("busy")
        },
        (),
    )?;
    child.join()
}

/// 9. Children end, and no process joins them.
fn nobody_joins() -> Outcome {
    let children = (0..50)
        .map(|_| Process::spawn(|| (), ()))
        .collect::<Result<Vec<_>, _>>()?;
    for child in &children {
        let child: [&dyn Waitable; 1] = [child];
        isopod::wait_any(&child)?;
    }
    assert!(isopod::active_children().is_empty());
    ready()?;
    Queue::<u32>::new()?.get().map(drop)
}

/// 10. Memory exists while any process holds it, even if others attach and leave, and is gone after that.
fn memory_outlives_who_attaches() -> Outcome {
    let memory = SharedMemory::create("pain", 64)?;
    let begun = Queue::<()>::new()?;
    let attach = |begun: Queue<()>, way: String| -> Outcome {
        let memory = SharedMemory::find("pain")?;
        memory.add_u32(0, 1)?;
        begun.put(&())?;
        crate::endings::end(&way)
    };
    for (attached, way) in (1..).zip(["return", "exit-3", "busy-quietly"]) {
        let child = Process::spawn(attach, (begun.clone(), way.to_owned()))?;
        begun.get()?;
        if way == "busy-quietly" {
            child.kill()?;
        }
        child.wait()?;
        assert_eq!(memory.load_u32(0)?, attached);
        assert_eq!(SharedMemory::find("pain")?.load_u32(0)?, attached);
    }
    // The limit on the tree's bytes, 1 GiB, is below the total of these.
    for _ in 0..12 {
        let child = Process::spawn(
            |begun: Queue<()>| -> Outcome {
                let _memory = SharedMemory::create("left behind", 100 << 20)?;
                begun.put(&())?;
                crate::endings::end("busy-quietly")
            },
            (begun.clone(),),
        )?;
        begun.get()?;
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}

/// 11. The exit status of a process names the trap, its place and the process.
fn a_trap_says_where() -> Outcome {
    #[inline(never)]
    fn divide(numbers: &[u64]) -> u64 {
        if black_box(numbers.is_empty()) {
            // Like C's `abort`, a failed assertion of a library, or an access beyond the memory.
            std::process::abort();
        }
        numbers.iter().sum()
    }
    let child = Process::builder()
        .name("divider")
        .spawn(|numbers: Vec<u64>| divide(&numbers), (vec![],))?;
    let status = child.wait()?;
    assert_eq!(status.code(), -6);
    println!("{status}");
    let error = child.join().expect_err("it has trapped");
    println!("{error}");
    Ok(())
}

/// 13. Processes share 64 MiB through a queue that takes a hundred bytes.
fn large_data_stays_where_it_is() -> Outcome {
    let narrow = Queue::<SharedMemory>::with_bounds(Bounds {
        max_messages: None,
        max_bytes: Some(100),
    })?;
    let child = Process::spawn(
        |narrow: Queue<SharedMemory>| -> Outcome {
            let memory = narrow.get()?;
            let middle = memory.size() / 2;
            let bytes = memory.read(middle, 5)?;
            memory.write(middle + 5, &bytes)
        },
        (narrow.clone(),),
    )?;
    let memory = SharedMemory::new(64 << 20)?;
    memory.write(32 << 20, b"hello")?;
    narrow.put(&memory)?;
    child.join()?;
    assert_eq!(memory.read(32 << 20, 10)?, b"hellohello");
    Ok(())
}
