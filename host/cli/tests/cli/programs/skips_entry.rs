//! Its main process comes in through the door, its children do not.

use isopod::{Error, Process};

fn task() {
    println!("the task runs");
}

fn run() -> Result<(), Error> {
    println!("main runs");
    let status = Process::builder().name("worker").spawn(task, ())?.wait()?;
    println!("success of the child: {}", status.success());
    status.ok()
}

fn body() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn main() {
    if isopod::current_process().parent_id().is_some() {
        println!("the child skips the entry");
        return;
    }
    let _ = isopod::__private::start(body);
}
