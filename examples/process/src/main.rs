//! Processes, as tutorials on Python's `multiprocessing` introduce them.
//!
//! `Process::spawn(f, (a, b))` is `Process(target=f, args=(a, b))` and `start()` in one: a process that is
//! made but not started does not exist here. A task is a function or a closure that captures nothing: it
//! receives its data as arguments, which are copied.

use isopod::{Error, ErrorKind, Event, Process, current_process, parent_process};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[isopod::main]
fn main() -> Result<(), Error> {
    names()?;
    parent_and_child()?;
    arguments()?;
    children_in_parallel()?;
    own_type()?;
    current()?;
    globals()?;
    ends()?;
    parent()?;
    daemons()?;
    the_end_of_main()
}

/// Every process takes a number from its parent, with or without a name of its own.
fn names() -> Result<(), Error> {
    fn tell() {
        println!("{}", current_process().name());
    }
    println!("names:");
    tell();
    Process::spawn(tell, ())?.join()?;
    Process::builder().name("worker").spawn(tell, ())?.join()?;
    Process::spawn(tell, ())?.join()?;
    // A task may return a `Result`: an error ends its process with the exit code 1.
    let nested = Process::spawn(|| Process::spawn(tell, ())?.join(), ())?;
    nested.join()
}

/// The parent with its id; the child is about to run, runs, and has ended.
fn parent_and_child() -> Result<(), Error> {
    println!("\nparent and child:");
    println!("父进程 {}", current_process().id());
    println!("子进程将要执行");
    let child = Process::spawn(
        |name: String| println!("子进程运行中, name={name}"),
        ("test".to_owned(),),
    )?;
    child.join()?;
    println!("子进程已经结束");
    Ok(())
}

/// Python's `args` and `kwargs` are one tuple here, checked by the compiler.
fn arguments() -> Result<(), Error> {
    fn add_one(number: u32) -> u32 {
        number + 1
    }
    println!("\nan argument, and the value that comes back with `join`:");
    println!("{}", Process::spawn(add_one, (1,))?.join()?);

    println!("\nseveral arguments, in any order:");
    let print = |a: u32, b: u32, c: u32| println!("{a} {b} {c}");
    let children = [
        Process::spawn(print, (1, 2, 3))?,
        Process::spawn(print, (4, 5, 6))?,
    ];
    children.into_iter().try_for_each(Process::join)
}

/// Python's module name is `__main__` or `__mp_main__`, according to the start method. Here the function is
/// the same one, so it has one module.
fn children_in_parallel() -> Result<(), Error> {
    fn hello(nth: u32, main: u64) {
        let current = current_process();
        assert_eq!(current.parent_id(), Some(main));
        // One line is one write: lines of different processes are never torn.
        println!(
            "module {}, parent {main}, process {}: hello the {nth}-th bob",
            module_path!(),
            current.id()
        );
    }
    println!("\nfive children at once, in any order:");
    let main = current_process().id();
    let children: Vec<Process> = (1..=5)
        .map(|nth| Process::spawn(hello, (nth, main)))
        .collect::<Result<_, _>>()?;
    children.into_iter().try_for_each(Process::join)
}

/// Python's subclass of `Process` with a `run` method is a type with a method: the value is the
/// argument, the method the task.
#[derive(Serialize, Deserialize)]
struct ClockProcess {
    interval: Duration,
}

impl ClockProcess {
    fn run(self) {
        let begin = Instant::now();
        sleep(self.interval);
        println!("child: {:.2} s", begin.elapsed().as_secs_f64());
    }
}

fn own_type() -> Result<(), Error> {
    println!("\na type of one's own with a `run`:");
    let begin = Instant::now();
    let interval = Duration::from_millis(200);
    let child = Process::spawn(ClockProcess::run, (ClockProcess { interval },))?;
    child.join()?;
    println!("parent: {:.2} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn current() -> Result<(), Error> {
    println!("\nthe current process:");
    let child = Process::spawn(
        || {
            for number in 0..10 {
                println!("{number} {}", current_process());
            }
        },
        (),
    )?;
    child.join()
}

static NUMBER: AtomicU32 = AtomicU32::new(100);

fn globals() -> Result<(), Error> {
    println!("\nglobals are not shared:");
    let child = Process::spawn(
        || {
            NUMBER.fetch_add(1, Ordering::Relaxed);
            println!("now num:  {}", NUMBER.load(Ordering::Relaxed));
        },
        (),
    )?;
    child.join()?;
    println!("now num {}", NUMBER.load(Ordering::Relaxed));
    Ok(())
}

/// `is_alive`, `join` with a time-out, `terminate`, `kill`, and the exit codes.
fn ends() -> Result<(), Error> {
    println!("\nhow processes end:");
    let endless = || loop {
        std::hint::spin_loop();
    };
    let child = Process::spawn(endless, ())?;
    println!("alive: {}", child.is_alive());
    // Python's `join(timeout)` returns None both ways; here the time-out is an error that the caller can
    // check.
    match child.wait_timeout(Duration::from_millis(20)) {
        Err(error) if error.kind() == ErrorKind::TimedOut => println!("join: {error}"),
        other => println!("join: {other:?}"),
    }
    child.terminate()?;
    println!("terminated: {}", child.wait()?.code());
    println!("alive: {}", child.is_alive());
    let child = Process::spawn(endless, ())?;
    child.kill()?;
    println!("killed: {}", child.wait()?.code());
    let child = Process::spawn(|| std::process::exit(3), ())?;
    println!("exited: {}", child.wait()?.code());
    let child = Process::spawn(|| (), ())?;
    println!("returned: {}", child.wait()?.code());
    Ok(())
}

/// Only the parent of a process can end it, so a child cannot end its parent.
fn parent() -> Result<(), Error> {
    println!("\nthe parent process:");
    println!(
        "of main: {:?}",
        parent_process().map(|parent| parent.name())
    );
    let child = Process::spawn(
        || {
            let Some(parent) = parent_process() else {
                return;
            };
            println!(
                "of the child: {}, alive: {}",
                parent.name(),
                parent.is_alive()
            );
            match parent.terminate() {
                Err(error) if error.kind() == ErrorKind::NotAChild => println!("{error}"),
                other => println!("{other:?}"),
            }
        },
        (),
    )?;
    child.join()
}

fn daemons() -> Result<(), Error> {
    println!("\na daemon that is joined comes to its end, and has no children:");
    let daemon = Process::builder().daemon(true).spawn(
        || {
            match Process::spawn(|| (), ()) {
                Ok(_) => println!("daemon: it has a child"),
                Err(error) => println!("daemon: {error}"),
            }
            println!("daemon ends");
        },
        (),
    )?;
    daemon.join()
}

/// When main's code ends, it waits for its children, but ends the daemons.
fn the_end_of_main() -> Result<(), Error> {
    println!("\nthe end of main:");
    let has_begun = Event::new()?;
    Process::builder().daemon(true).spawn(
        |has_begun: Event| {
            println!("egon is piaoing");
            has_begun.set();
            sleep(Duration::from_secs(3600));
            println!("egon is piao end");
        },
        (has_begun.clone(),),
    )?;
    has_begun.wait()?;
    let main_is_done = Event::new()?;
    Process::spawn(
        |main_is_done: Event| -> Result<(), Error> {
            main_is_done.wait()?;
            println!("a child that nobody joined");
            Ok(())
        },
        (main_is_done.clone(),),
    )?;
    println!("主......");
    main_is_done.set();
    Ok(())
}
