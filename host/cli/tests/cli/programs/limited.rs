//! Repeats the action that its first argument names until it is refused, prints the error, and goes on.
//! Some actions have no error: the process ends at their limit.

use isopod::{Pool, Process, Queue};
use std::fmt::Display;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

/// Repeats a request until it is refused, and some times more: the audit counts refusals and does not list
/// each.
fn until_refused<T, E: Display>(mut ask: impl FnMut() -> Result<T, E>) {
    let mut held = Vec::new();
    let error = loop {
        match ask() {
            Ok(got) => held.push(got),
            Err(error) => break error,
        }
    };
    for _ in 0..20 {
        if let Ok(got) = ask() {
            held.push(got);
        }
    }
    // The objects held may use up the room that printing needs.
    drop(held);
    println!("refused: {error}");
}

/// Far more than a tenth of a core computes in a tenth of a second, however busy the machine is.
fn compute_a_little() {
    for number in 0..1_000_000_000_u32 {
        black_box(number);
    }
}

#[isopod::main]
fn main() -> isopod::Result<()> {
    let way = std::env::args().nth(1).expect("a way");
    let mut number = 0;
    let mut path = move || {
        number += 1;
        format!("/tmp/{number}")
    };
    match way.as_str() {
        "memory" => {
            let mut blocks = Vec::new();
            loop {
                blocks.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "compute" => loop {
            black_box(());
        },
        "compute-a-little" => compute_a_little(),
        "child-timeout" => {
            let child = Process::builder().timeout(Duration::from_millis(50));
            let child = child.spawn(|| std::thread::sleep(Duration::from_secs(3600)), ())?;
            println!("{:?}", child.wait()?);
        }
        "child-memory" => {
            let child = Process::builder().memory_limit(4 << 20);
            let fill = || drop(black_box(vec![1_u8; 64 << 20]));
            println!("{:?}", child.spawn(fill, ())?.wait()?);
        }
        // One after the other, each until its end.
        "children-memory" => {
            for _ in 0..150 {
                let child = Process::builder().memory_limit(4 << 20);
                let fill = || drop(black_box(vec![1_u8; 64 << 20]));
                child.spawn(fill, ())?.wait()?;
            }
        }
        "output" => loop {
            println!("this line is of no use to anybody");
        },
        "queues" => until_refused(Queue::<u8>::new),
        "message" => {
            let queue = Queue::<Vec<u8>>::new()?;
            until_refused(|| queue.put(&vec![0; 100_000]));
        }
        "processes" => {
            until_refused(|| {
                Process::spawn(|| std::thread::sleep(Duration::from_secs(3600)), ())
            });
            for child in isopod::active_children() {
                child.kill()?;
            }
        }
        "jobs" => {
            let pool = Pool::with_workers(1)?;
            until_refused(|| {
                pool.apply_async(|| std::thread::sleep(Duration::from_secs(3600)), ())
            });
            pool.terminate();
        }
        "descriptors" => {
            fs::write("/tmp/file", "x").expect("written");
            until_refused(|| File::open("/tmp/file"));
        }
        "files" => until_refused(|| File::create(path()).map(drop)),
        "written" => {
            let mut file = File::create("/tmp/file").expect("made");
            until_refused(|| file.write_all(&[0; 1_000]));
        }
        // Its child's operation never returns.
        "operations" => {
            let child = Process::builder().daemon(true);
            let opened = Queue::<()>::new()?;
            let open = |opened: Queue<()>| {
                opened.put(&()).expect("told");
                drop(File::open("data/fifo"));
            };
            child.spawn(open, (opened.clone(),))?;
            opened.get()?;
            let error = loop {
                if let Err(error) = fs::metadata("data/fifo") {
                    break error;
                }
            };
            println!("refused: {error}");
        }
        other => panic!("no way {other}"),
    }
    Ok(())
}
