//! Too many processes, and processes that never end.

use crate::{Outcome, ready, refused};
use isopod::{ErrorKind, Event, Pool, Process, Queue};
use std::hint::black_box;
use std::time::Duration;

pub fn endless_loop() -> Outcome {
    ready()?;
    loop_quietly()
}

pub fn loop_quietly() -> Outcome {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_mul(31).wrapping_add(7));
    }
}

pub fn deep_recursion() -> Outcome {
    #[allow(unconditional_recursion, reason = "until the stack is full")]
    fn deeper(depth: u64) -> u64 {
        black_box(deeper(black_box(depth + 1)) + 1)
    }
    println!("{}", deeper(0));
    Ok(())
}

pub fn sleep_for_ever() -> Outcome {
    Process::spawn(|| std::thread::sleep(Duration::MAX), ())?;
    Process::spawn(|| isopod::sleep(Duration::MAX), ())?;
    ready()?;
    loop {
        std::thread::park();
    }
}

/// Every process starts others for as long as it lives.
pub fn fork_bomb() -> Outcome {
    let refused = Queue::<()>::bounded(1)?;
    bomb_from(true, refused)
}

fn bomb(refused: Queue<()>) -> Outcome {
    bomb_from(false, refused)
}

fn bomb_from(is_main: bool, refused: Queue<()>) -> Outcome {
    let mut is_told = false;
    loop {
        if let Err(error) = Process::spawn(bomb, (refused.clone(),)) {
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
            if is_main && !is_told {
                is_told = true;
                ready()?;
            }
        }
    }
}

/// Each process starts one and waits for it, until the next start is refused.
pub fn fork_chain() -> Outcome {
    fn link() -> u64 {
        match Process::spawn(link, ()) {
            Ok(child) => child.join().unwrap_or_default() + 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
                1
            }
        }
    }
    println!("a chain of {}", link());
    Ok(())
}

/// Each process starts the next one and fails, so that the chain of births has no end.
pub fn relay_of_orphans() -> Outcome {
    fn runner(left: u32, goal: Queue<String>) {
        if left == 0 {
            goal.put(&isopod::current_process().name())
                .expect("main gets it");
        }
        // On a busy machine, births are faster than ends.
        while left > 0
            && let Err(error) = Process::spawn(runner, (left - 1, goal.clone()))
        {
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
            isopod::sleep(Duration::from_millis(1));
        }
        std::process::abort();
    }
    let goal = Queue::new()?;
    Process::spawn(runner, (500, goal.clone()))?;
    let name: String = goal.get()?;
    assert!(name.len() <= 255, "a name of {} bytes", name.len());
    println!("the last one is {name}");
    Ok(())
}

/// Chains of processes, each the child of the one before, all fail at the same moment: each passes its
/// child on to a process that is about to end as well.
pub fn chains_that_break_everywhere() -> Outcome {
    fn link(left: u32, start: Event, births: Queue<()>) {
        if left > 0 {
            let next = (left - 1, start.clone(), births.clone());
            Process::spawn(link, next).expect("there is room for a link");
        }
        births.put(&()).expect("the queue is open");
        start.wait().expect("main lives");
        std::process::abort();
    }
    const LINKS: u32 = 12;
    for _ in 0..40 {
        let (start, births) = (Event::new()?, Queue::new()?);
        Process::spawn(link, (LINKS - 1, start.clone(), births.clone()))?;
        for _ in 0..LINKS {
            births.get()?;
        }
        start.set();
        // Its own child and all children that it has inherited.
        while let Some(child) = isopod::active_children().pop() {
            child.wait()?;
        }
    }
    println!("main has outlived them");
    Ok(())
}

pub fn thousands_of_tiny_processes() -> Outcome {
    for _ in 0..40 {
        let children: Vec<_> = (0..50)
            .map(|number: u64| Process::spawn(|number: u64| number, (number,)))
            .collect::<Result<_, _>>()?;
        let mut sum = 0;
        for child in children {
            sum += child.join()?;
        }
        assert_eq!(sum, 50 * 49 / 2);
    }
    println!("2000 came and went");
    Ok(())
}

/// Main traps while its children start others as fast as they can.
pub fn spawn_during_exit() -> Outcome {
    let born = Queue::new()?;
    for _ in 0..4 {
        let child = |born: Queue<()>| loop {
            match Process::spawn(|| (), ()) {
                Ok(_) => born.put(&()).expect("the queue is open"),
                Err(error) => assert!(
                    [ErrorKind::LimitExceeded, ErrorKind::AccessDenied].contains(&error.kind()),
                    "{error}"
                ),
            }
        };
        Process::spawn(child, (born.clone(),))?;
    }
    for _ in 0..40 {
        born.get()?;
    }
    std::process::abort()
}

/// Processes end just after they have started others, while these still run.
pub fn exit_during_spawn() -> Outcome {
    let ended = Queue::<u64>::new()?;
    for code in [0, 3] {
        let child = |code: i32, ended: Queue<u64>| {
            for number in 0..4 {
                let grandchild = |number: u64, ended: Queue<u64>| ended.put(&number);
                Process::spawn(grandchild, (number, ended.clone())).expect("there is room");
            }
            std::process::exit(code)
        };
        let children: Vec<Process<()>> = (0..10)
            .map(|_| Process::spawn(child, (code, ended.clone())))
            .collect::<Result<_, _>>()?;
        for child in children {
            assert_eq!(child.wait()?.code(), code);
        }
    }
    let sum: u64 = ended
        .iter()
        .take(80)
        .map(|number| number.expect("the queue is open"))
        .sum();
    println!("sum {sum}");
    Ok(())
}

/// Main waits for its child; the child waits for main, and cannot end it.
pub fn waits_for_its_parent() -> Outcome {
    let child = Process::spawn(
        || -> Outcome {
            let parent = isopod::parent_process().expect("main is its parent");
            refused(parent.kill(), ErrorKind::NotAChild);
            refused(parent.terminate(), ErrorKind::NotAChild);
            ready()?;
            parent.wait().map(drop)
        },
        (),
    )?;
    child.join()
}

pub fn ten_thousand_workers() -> Outcome {
    for count in [10_000, usize::try_from(u32::MAX).unwrap_or(usize::MAX)] {
        refused(Pool::with_workers(count), ErrorKind::LimitExceeded);
        // The host ends the processes that were started, and does not wait for them.
        while !isopod::active_children().is_empty() {
            for child in isopod::active_children() {
                child.wait()?;
            }
        }
    }
    let pool = Pool::with_workers(2)?;
    println!("{:?}", pool.map(|number: u32| number + 1, [1, 2, 3])?);
    Ok(())
}
