//! Main and its children never end by themselves. Each stays in the state that an argument names (the first
//! is main's), and reports when it has reached it.

use isopod::{Error, Lock, Process, Queue};
use std::hint::black_box;
use std::time::Duration;

fn stay(state: &str) -> Result<(), Error> {
    println!("{state}");
    match state {
        "busy" => loop {
            black_box(());
        },
        "queue" => Queue::<u8>::new()?.get().map(drop),
        "lock" => {
            let lock = Lock::new()?;
            let _guard = lock.acquire()?;
            lock.acquire().map(drop)
        }
        "sleep" => {
            std::thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        "stdin" => {
            let mut line = String::new();
            // Also if there is nothing to read, which is the end of the file.
            while std::io::stdin().read_line(&mut line).is_ok_and(|count| count > 0) {}
            println!("the end of the input");
            Ok(())
        }
        // Fills both streams, and more.
        "flood" => loop {
            println!("this line is of no use to anybody");
            eprintln!("nor is this one");
        },
        "return" => Ok(()),
        "join" => {
            for child in isopod::active_children() {
                child.join()?;
            }
            Ok(())
        }
        other => panic!("no state {other}"),
    }
}

#[isopod::main]
fn main() -> Result<(), Error> {
    let states: Vec<String> = std::env::args().skip(1).collect();
    let (own, children) = states.split_first().expect("states are given");
    for state in children {
        let child = Process::builder().name(state);
        child.spawn(|state: String| stay(&state), (state.clone(),))?;
    }
    stay(own)
}
