//! The ways in which a process ends, and the fate of everything that it leaves.

use crate::{Outcome, ready};
use isopod::{ErrorKind, ExitStatus, Lock, Process, Queue};
use std::hint::black_box;
use std::time::Duration;

/// Ends this process in one of the ways.
pub fn end(way: &str) -> Outcome {
    match way {
        "return" => Ok(()),
        "error" => {
            let (ours, theirs) = isopod::pipe::<u8, u8>()?;
            drop(theirs);
            ours.recv().map(drop)
        }
        "exit-3" => std::process::exit(3),
        "panic" => panic!("the scenario panics"),
        "trap" => std::process::abort(),
        "recursion" => {
            #[allow(unconditional_recursion, reason = "until the stack is full")]
            fn deeper(depth: u64) -> u64 {
                black_box(deeper(black_box(depth + 1)) + 1)
            }
            println!("{}", deeper(0));
            Ok(())
        }
        "memory" => {
            let mut blocks = Vec::new();
            loop {
                blocks.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "deep-exit" => {
            // From inside a call-back of a library.
            let mut numbers = [3, 1, 2];
            numbers.sort_by(|_, _| std::process::exit(4));
            Ok(())
        }
        "busy-quietly" => crate::blocked::busy_quietly(),
        other => crate::blocked::blocked(other),
    }
}

/// Starts a child that ends in this way, and prints its parent's view.
pub fn end_child(way: &str) -> Outcome {
    let spawned = match way {
        "terminate" | "kill" => Process::spawn(|| end("busy"), ())?,
        "deadline" => Process::builder()
            .timeout(Duration::from_millis(20))
            .spawn(|| end("queue-get"), ())?,
        "memory" => Process::builder()
            .memory_limit(4 << 20)
            .spawn(|| end("memory"), ())?,
        way => Process::spawn(|way: String| end(&way), (way.to_owned(),))?,
    };
    match way {
        "terminate" => spawned.terminate()?,
        "kill" => spawned.kill()?,
        _ => {}
    }
    let status = spawned.wait()?;
    let text = status.to_string();
    println!(
        "code {}: {}",
        status.code(),
        text.lines().next().unwrap_or_default()
    );
    Ok(())
}

/// The parent of a child that panics gets an error with the message and the place.
pub fn child_panic_is_an_error() -> Outcome {
    let child = Process::spawn(|| -> u32 { panic!("on purpose") }, ())?;
    let error = child.join().expect_err("the child panics");
    assert_eq!(error.kind(), ErrorKind::ProcessFailed);
    let Some(ExitStatus::Failed(text)) = error.exit_status() else {
        panic!("the exit status is {:?}", error.exit_status());
    };
    assert!(text.contains("on purpose"), "{text}");
    assert!(text.contains("endings.rs:"), "{text}");
    println!("the parent goes on");
    Ok(())
}

/// Main returns at once; the child's line is there nevertheless, the daemon's is not.
pub fn normal_end_joins_children() -> Outcome {
    let gate = Queue::<()>::new()?;
    Process::spawn(
        |gate: Queue<()>| -> Outcome {
            gate.get()?;
            println!("the child was waited for");
            Ok(())
        },
        (gate.clone(),),
    )?;
    Process::builder().daemon(true).spawn(
        || -> Outcome {
            Queue::<()>::new()?.get()?;
            println!("a daemon is never waited for");
            Ok(())
        },
        (),
    )?;
    gate.put(&())
}

/// A child is killed; its own child goes on as a child of main.
pub fn orphans_find_an_ancestor() -> Outcome {
    let gate = Queue::<()>::new()?;
    let born = Queue::<u64>::new()?;
    let child = Process::spawn(
        |gate: Queue<()>, born: Queue<u64>| -> Outcome {
            let grandchild = Process::spawn(
                |gate: Queue<()>| -> Outcome {
                    gate.get()?;
                    let parent = isopod::current_process().parent_id();
                    println!("orphan of {parent:?}");
                    Ok(())
                },
                (gate,),
            )?;
            born.put(&grandchild.id())?;
            end("busy")
        },
        (gate.clone(), born.clone()),
    )?;
    let orphan = born.get()?;
    child.kill()?;
    child.wait()?;
    let children = isopod::active_children();
    assert_eq!(children.len(), 1, "main adopts the orphan");
    assert_eq!(children[0].id(), orphan);
    let main = isopod::current_process().id();
    println!("main is {:?}", Some(main));
    gate.put(&())
    // The normal end of main waits for the orphan too.
}

/// A process is killed while it holds a lock: the next owner gets the lock and learns of the death.
pub fn abandoned_lock() -> Outcome {
    let lock = Lock::new()?;
    let held = Queue::<()>::new()?;
    let child = Process::spawn(
        |lock: Lock, held: Queue<()>| -> Outcome {
            let _guard = lock.acquire()?;
            held.put(&())?;
            end("busy")
        },
        (lock.clone(), held.clone()),
    )?;
    held.get()?;
    assert!(lock.try_acquire()?.is_none(), "the child holds the lock");
    child.kill()?;
    let guard = lock.acquire()?;
    assert!(guard.is_abandoned());
    drop(guard);
    assert!(
        !lock.acquire()?.is_abandoned(),
        "only the next owner is told"
    );
    println!("abandoned, then free");
    ready()
}
