//! Globals are not shared: each process has its own, from the start.

use isopod::Process;
use std::sync::atomic::{AtomicU32, Ordering};

static COUNTER: AtomicU32 = AtomicU32::new(100);

fn count_on() {
    COUNTER.fetch_add(1, Ordering::Relaxed);
    println!("child: {}", COUNTER.load(Ordering::Relaxed));
}

#[isopod::main]
fn main() -> isopod::Result<()> {
    Process::spawn(count_on, ())?.join()?;
    println!("main: {}", COUNTER.load(Ordering::Relaxed));
    Ok(())
}
