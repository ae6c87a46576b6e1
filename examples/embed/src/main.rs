//! Loads a program, gives it two queues that this application holds, feeds it and reads the results.

use anyhow::{Context, Result, ensure};
use isopod_host::sync::{Bounds, Message, Queue};
use isopod_host::{Command, Engine, Output, Program};

fn main() -> Result<()> {
    let path = std::env::args()
        .nth(1)
        .context("usage: embed PROGRAM.wasm")?;
    let engine = Engine::new()?;
    let program = Program::from_file(&engine, path)?;

    // Bounded: the faster side waits for the other.
    let numbers = Queue::new(Bounds {
        max_messages: Some(4),
        ..Bounds::default()
    });
    let squares = Queue::new(Bounds::default());
    let process = Command::new(&program)
        .handle("numbers", &numbers.to_handle())
        .handle("squares", &squares.to_handle())
        .stdout(Output::Inherit)
        .stderr(Output::Inherit)
        .spawn()?;

    for number in 1..=10_u64 {
        // Rust guests encode their values with postcard.
        numbers.put(Message::from_bytes(postcard::to_stdvec(&number)?))?;
    }
    numbers.close();

    let mut sum = 0;
    for _ in 1..=10 {
        let square: u64 = postcard::from_bytes(&squares.get()?.bytes)?;
        sum += square;
    }
    let status = process.join_tree();
    ensure!(status.success(), "the program ended with: {status}");
    show(&format!("the sum of the squares of 1 to 10 is {sum}"))
}

fn show(line: &str) -> Result<()> {
    use std::io::Write;
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
