//! Starts a process from a main that is not marked.

use isopod::Process;

fn task() {
    println!("the task runs");
}

fn main() -> isopod::Result<()> {
    println!("main runs");
    Process::spawn(task, ())?.join()
}
