//! Queues, as tutorials on Python's `multiprocessing` introduce them.
//!
//! A queue lives in the host: there is no feeder thread, so the message is in the queue when `put` returns,
//! a value that cannot be encoded is an error of `put`, and `len` and `is_empty` are exact. A process that
//! is joined before its queue is read does not hang, however many messages it has put.

use isopod::{Bounds, Error, ErrorKind, Process, Queue};
use std::time::Duration;

#[isopod::main]
fn main() -> Result<(), Error> {
    writer_and_reader()?;
    blocking()?;
    return_values()?;
    join_before_get()?;
    bounded()?;
    joinable()?;
    queue_in_a_queue()
}

fn writer_and_reader() -> Result<(), Error> {
    fn write(queue: Queue<String>) -> Result<(), Error> {
        for value in ["A", "B", "C"] {
            println!("Put {value}");
            queue.put(&value.to_owned())?;
        }
        Ok(())
    }
    fn read(queue: Queue<String>) -> Result<(), Error> {
        while !queue.is_empty() {
            println!("Get {}", queue.get()?);
        }
        Ok(())
    }
    println!("a writer, then a reader:");
    let queue = Queue::new()?;
    Process::spawn(write, (queue.clone(),))?.join()?;
    Process::spawn(read, (queue,))?.join()?;
    println!("\n所有数据都写入并且读完");
    Ok(())
}

/// Python's `get(block, timeout)` is three calls: `get`, `get_timeout` and `try_get`.
fn blocking() -> Result<(), Error> {
    println!("\nwaiting, or not:");
    let queue = Queue::new()?;
    let or_error = |got: Result<String, Error>| got.unwrap_or_else(|error| error.to_string());
    println!("{}", or_error(queue.try_get()));
    println!("{}", or_error(queue.get_timeout(Duration::from_millis(10))));
    let child = Process::spawn(
        |queue: Queue<String>| queue.put(&"from the child".to_owned()),
        (queue.clone(),),
    )?;
    println!("{}", or_error(queue.get()));
    child.join()
}

/// As in Python, although a task's value comes with `join` too: see the example `process`.
fn return_values() -> Result<(), Error> {
    println!("\nreturn values:");
    let results = Queue::<u64>::new()?;
    let first = Process::spawn(|results: Queue<u64>| results.put(&2), (results.clone(),))?;
    let second = Process::spawn(|results: Queue<u64>| results.put(&11), (results.clone(),))?;
    first.join()?;
    second.join()?;
    println!("{}", results.get()? + results.get()?);
    Ok(())
}

/// The classic deadlock of CPython: its child does not exit before its feeder thread has written.
fn join_before_get() -> Result<(), Error> {
    println!("\njoined before it is read:");
    let queue = Queue::new()?;
    let child = Process::spawn(
        |queue: Queue<Vec<u8>>| queue.put(&vec![7; 1_000_000]),
        (queue.clone(),),
    )?;
    child.join()?;
    println!("{} bytes", queue.get()?.len());
    Ok(())
}

fn bounded() -> Result<(), Error> {
    println!("\nat most two:");
    let queue = Queue::bounded(2)?;
    queue.put(&1)?;
    queue.put(&2)?;
    println!("len {}, full: {}", queue.len(), queue.is_full());
    match queue.try_put(&3) {
        Err(error) if error.kind() == ErrorKind::Full => println!("{error}"),
        other => println!("{other:?}"),
    }
    Ok(())
}

/// Python's `JoinableQueue`.
fn joinable() -> Result<(), Error> {
    println!("\nwait until all is done:");
    let tasks = Queue::joinable(Bounds::default())?;
    let worker = |tasks: Queue<u32>| -> Result<(), Error> {
        loop {
            println!("done: {}", tasks.get()?);
            tasks.task_done()?;
        }
    };
    let daemon = Process::builder()
        .daemon(true)
        .spawn(worker, (tasks.clone(),))?;
    for task in 1..=3 {
        tasks.put(&task)?;
    }
    tasks.join()?;
    println!("all done");
    daemon.terminate()
}

/// Python shares a queue only as an argument of a process; a handle can sit in any message.
fn queue_in_a_queue() -> Result<(), Error> {
    println!("\na queue in a message:");
    let requests = Queue::<(u32, Queue<u32>)>::new()?;
    let server = Process::spawn(
        |requests: Queue<(u32, Queue<u32>)>| -> Result<(), Error> {
            let (number, reply) = requests.get()?;
            reply.put(&(number * number))
        },
        (requests.clone(),),
    )?;
    let reply = Queue::new()?;
    requests.put(&(7, reply.clone()))?;
    println!("{}", reply.get()?);
    server.join()
}
