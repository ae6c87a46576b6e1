//! The relations between processes.

use crate::{Outcome, ready};
use isopod::{ErrorKind, Process, Queue};
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static NUMBER: AtomicU64 = AtomicU64::new(100);

/// Names and numbers as in Python.
pub fn names() -> Outcome {
    fn tell() -> String {
        isopod::current_process().name()
    }
    println!("{}", tell());
    println!("{}", Process::spawn(tell, ())?.join()?);
    println!(
        "{}",
        Process::builder().name("worker").spawn(tell, ())?.join()?
    );
    let nested = Process::spawn(
        || -> isopod::Result<Vec<String>> { Ok(vec![tell(), Process::spawn(tell, ())?.join()?]) },
        (),
    )?;
    println!("{}", nested.join()?.join(" "));
    let child = Process::spawn(|| isopod::current_process().parent_id(), ())?;
    assert_eq!(child.join()?, Some(isopod::current_process().id()));
    let error = Process::builder()
        .name("")
        .spawn(tell, ())
        .expect_err("no empty names");
    println!("{error}");
    Ok(())
}

/// A global that one process changes is unchanged in the other.
pub fn globals() -> Outcome {
    let child = Process::spawn(|| NUMBER.fetch_add(1, Ordering::Relaxed) + 1, ())?;
    println!("child {}", child.join()?);
    println!("main {}", NUMBER.load(Ordering::Relaxed));
    Ok(())
}

/// Values come back, large ones too.
pub fn values() -> Outcome {
    let large = Process::spawn(|count: usize| vec![7_u8; count], (3 << 20,))?;
    println!("{} bytes", large.join()?.len());
    let failed = Process::spawn(|| -> Result<u32, String> { Err("no value".to_owned()) }, ())?;
    println!("{}", failed.join().expect_err("the task fails"));
    Ok(())
}

/// As in Python.
pub fn daemons_may_not_spawn() -> Outcome {
    let daemon = Process::builder().daemon(true).spawn(
        || -> String {
            match Process::spawn(|| (), ()) {
                Ok(_) => "spawned".to_owned(),
                Err(error) => error.to_string(),
            }
        },
        (),
    )?;
    println!("{}", daemon.join()?);
    Ok(())
}

/// Many processes at once, and an answer from each.
pub fn many(count: &str) -> Outcome {
    let count: u64 = count.parse().expect("a number");
    let answers = Queue::<u64>::new()?;
    let children = (0..count)
        .map(|number| {
            Process::spawn(
                |number: u64, answers: Queue<u64>| answers.put(&number),
                (number, answers.clone()),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    for child in children {
        child.join()?;
    }
    let sum: u64 = answers
        .iter()
        .take(count as usize)
        .map(Result::unwrap_or_default)
        .sum();
    println!("sum {sum}");
    Ok(())
}

/// Children of children of children.
pub fn recursion() -> Outcome {
    fn descend(trace: Queue<Vec<u32>>, path: Vec<u32>) -> Outcome {
        trace.put(&path)?;
        if path.len() < 3 {
            for branch in 0..2 {
                let mut path = path.clone();
                path.push(branch);
                Process::spawn(descend, (trace.clone(), path))?.join()?;
            }
        }
        Ok(())
    }
    let trace = Queue::new()?;
    descend(trace.clone(), vec![])?;
    let mut paths = Vec::new();
    while !trace.is_empty() {
        paths.push(trace.get()?);
    }
    println!("{paths:?}");
    Ok(())
}

/// An endless series of short-lived children, one after the other.
pub fn start_for_ever() -> Outcome {
    loop {
        Process::spawn(|| (), ())?.join()?;
    }
}

/// Computes for about this long.
fn compute(duration: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < duration {
        std::hint::black_box(0_u64);
    }
}

/// Children that by turns compute for a moment and rest for a shorter one.
pub fn dodging_children(count: &str) -> Outcome {
    let count: u32 = count.parse().expect("a number");
    let dodge = || -> Outcome {
        ready()?;
        loop {
            compute(Duration::from_millis(1));
            std::thread::sleep(Duration::from_micros(20));
        }
    };
    let children = (0..count)
        .map(|_| Process::spawn(dodge, ()))
        .collect::<Result<Vec<_>, _>>()?;
    for child in children {
        child.wait()?;
    }
    Ok(())
}

/// Always this many children, each of which computes for a moment and ends.
pub fn short_lived_children(count: &str) -> Outcome {
    let count: usize = count.parse().expect("a number");
    ready()?;
    let mut children = std::collections::VecDeque::new();
    loop {
        while children.len() < count {
            children.push_back(Process::spawn(|| compute(Duration::from_millis(3)), ())?);
        }
        if let Some(child) = children.pop_front() {
            child.wait()?;
        }
    }
}

/// Endless loops below a parent that waits.
pub fn busy_children(count: &str) -> Outcome {
    let count: u32 = count.parse().expect("a number");
    let children = (0..count)
        .map(|_| Process::spawn(crate::blocked::busy, ()))
        .collect::<Result<Vec<_>, _>>()?;
    for child in children {
        child.wait()?;
    }
    Ok(())
}

/// A child cannot have more rights than its parent.
pub fn rights_only_shrink() -> Outcome {
    let error = Process::builder()
        .memory_limit(1 << 40)
        .spawn(|| (), ())
        .expect_err("more than the parent's");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    println!("{error}");
    // A grandchild that asks for nothing has the rights of its parent, not those of main.
    let child = Process::builder().memory_limit(4 << 20).spawn(
        || -> String {
            match Process::spawn(|| crate::endings::end("memory"), ()) {
                Ok(grandchild) => format!("{:?}", grandchild.wait().map(|status| status.code())),
                Err(error) => error.to_string(),
            }
        },
        (),
    )?;
    println!("{}", child.join()?);
    Ok(())
}

/// Spawns until the engine is full; the error names the limit.
pub fn spawn_until_refused() -> Outcome {
    let gate = Queue::<()>::new()?;
    let mut children = Vec::new();
    let error = loop {
        let child = Process::spawn(
            |gate: Queue<()>| gate.get().map_or((), drop),
            (gate.clone(),),
        );
        match child {
            Ok(child) => children.push(child),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    println!("{} children, then: {error}", children.len());
    gate.close();
    for child in children {
        child.join()?;
    }
    Ok(())
}

/// Each child writes lines in pieces; no line may tear.
pub fn lines(count: &str) -> Outcome {
    let count: u32 = count.parse().expect("a number");
    let children = (0..4)
        .map(|letter: u8| {
            Process::spawn(
                |letter: u8, count: u32| {
                    let letter = char::from(b'a' + letter).to_string();
                    for _ in 0..count {
                        for _ in 0..8 {
                            print!("{letter}");
                            let _ = std::io::stdout().flush();
                        }
                        println!();
                    }
                },
                (letter, count),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    for child in children {
        child.join()?;
    }
    Ok(())
}

/// Asks on one line, and answers on the next.
pub fn echo() -> Outcome {
    print!("name? ");
    let mut name = String::new();
    if std::io::stdin().lock().read_line(&mut name).is_err() {
        name.clear();
    }
    println!("hello {}", name.trim());
    print!("unfinished");
    let _ = std::io::stdout().flush();
    ready().or(Ok(()))
}
