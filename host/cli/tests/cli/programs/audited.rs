//! Asks for rights that it lacks, reaches a limit, and ends a child: the events of an audit.

use isopod::{Error, Process};
use std::fs;
use std::time::Duration;

#[isopod::main]
fn main() -> Result<(), Error> {
    for _ in 0..3 {
        fs::read("data/../secret").expect_err("it leads out");
        fs::write("fixed/new", "x").expect_err("it may only be read");
    }
    fs::read("data/fifo").expect_err("it is a FIFO");
    let builder = Process::builder().environment(["SECRET"]);
    let refused = builder.spawn(|| (), ());
    println!("{}", refused.err().expect("it has no such variable"));

    let child = Process::builder().name("slee\u{202e}per");
    let child = child.spawn(|| std::thread::sleep(Duration::from_secs(3600)), ())?;
    child.kill()?;
    child.wait()?;

    // Each attempt is refused, and counted.
    for _ in 0..100 {
        let mut bytes = Vec::<u8>::new();
        bytes.try_reserve_exact(64 << 20).expect_err("it has 16 MiB");
    }
    Ok(())
}
