//! Ends in the way that its first argument names.

use isopod::{Error, Process};
use std::hint::black_box;
use std::io::Write as _;

fn end(way: &str) -> Result<(), Error> {
    match way {
        "normal" => println!("done"),
        "error" => {
            let (ours, theirs) = isopod::one_way_pipe::<u8>()?;
            drop(theirs);
            ours.recv()?;
        }
        "panic" => panic!("the number is {}", black_box(7)),
        "exit" => std::process::exit(3),
        "large-exit" => std::process::exit(259),
        "trap" => abort(),
        "recursion" => println!("{}", deeper(0)),
        "memory" => {
            let mut blocks = Vec::new();
            loop {
                blocks.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "busy" => {
            println!("busy");
            loop {
                black_box(());
            }
        }
        "unfinished" => {
            print!("an unfinished line");
            // Otherwise std keeps it in the program, which ends without writing it.
            std::io::stdout().flush().expect("standard output is open");
            panic!("after it");
        }
        other => match other.strip_prefix("child-") {
            Some(way) => {
                let child = Process::builder().name("worker");
                let child = child.spawn(|way: String| end(&way), (way.to_owned(),))?;
                let ended = child.join();
                println!("main goes on: {}", ended.is_err());
                return ended;
            }
            None => panic!("no way {other}"),
        },
    }
    Ok(())
}

#[inline(never)]
fn abort() {
    std::process::abort()
}

#[allow(unconditional_recursion, reason = "until the stack is full")]
fn deeper(depth: u64) -> u64 {
    black_box(deeper(black_box(depth + 1)) + 1)
}

#[isopod::main]
fn main() -> Result<(), Error> {
    let way = std::env::args().nth(1).unwrap_or_default();
    end(&way)
}
