//! Its main process comes in through the door, its children do not.

use isopod::{Error, Process};

fn task() {
    println!("the task runs");
}

fn body() -> Result<(), Error> {
    println!("main runs");
    let status = Process::builder().name("worker").spawn(task, ())?.wait()?;
    println!("success of the child: {}", status.success());
    status.ok()
}

fn main() -> Result<(), Error> {
    if isopod::current_process().parent_id().is_some() {
        println!("the child skips the entry");
        return Ok(());
    }
    isopod::__private::start(body)
}
