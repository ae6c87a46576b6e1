//! Pools, as tutorials on Python's `multiprocessing` introduce them.
//!
//! A job is one call of a task. `apply_async` is `apply_async` in Python; its callbacks run in the process
//! that submitted the job, whenever that process waits for something in the library: there is no thread
//! that could run them meanwhile. So this program waits with `isopod::sleep`.

use isopod::{Callbacks, Error, Pool, Queue, current_process};
use std::time::Duration;

#[isopod::main]
fn main() -> Result<(), Error> {
    start_and_end()?;
    apply()?;
    apply_async()?;
    callbacks()?;
    map()?;
    imap()?;
    initializer()?;
    jobs_per_worker()?;
    errors()?;
    order_of_calls()?;
    queue_as_argument()?;
    lost_worker()?;
    the_end_of_main()
}

fn square(number: u64) -> u64 {
    number * number
}

/// Ten jobs for three workers: the rest wait for their turn.
fn start_and_end() -> Result<(), Error> {
    fn work(number: u32) {
        println!("{number} begins");
        isopod::sleep(Duration::from_millis(2));
        println!("{number} ends");
    }
    println!("three workers, ten jobs:");
    println!("----start----");
    let pool = Pool::with_workers(3)?;
    println!("\nin any order:");
    for number in 0..10 {
        // The result is dropped; the job runs all the same.
        pool.apply_async(work, (number,))?;
    }
    pool.close();
    pool.join()?;
    println!("\n-----end-----");
    Ok(())
}

/// One job after the other: each `apply` waits for its value.
fn apply() -> Result<(), Error> {
    println!("\napply:");
    let pool = Pool::with_workers(4)?;
    for number in 1..=3 {
        println!("{}", pool.apply(square, (number,))?);
    }
    // Dropping a pool terminates it, as leaving Python's `with Pool(4) as pool:` does.
    Ok(())
}

/// All jobs at once; the values come in the order of submission, also after `join`.
fn apply_async() -> Result<(), Error> {
    println!("\napply_async:");
    let pool = Pool::new()?;
    let results = (0..10)
        .map(|number| pool.apply_async(square, (number,)))
        .collect::<Result<Vec<_>, _>>()?;
    pool.close();
    pool.join()?;
    for result in results {
        print!("{} ", result.get()?);
    }
    println!();
    Ok(())
}

/// A callback runs in the parent, as soon as its job is done.
fn callbacks() -> Result<(), Error> {
    println!("\na callback:");
    let pool = Pool::with_workers(5)?;
    let main = current_process().id();
    let callbacks = Callbacks::new().on_value(move |text: &String| {
        assert_eq!(current_process().id(), main);
        println!("---callback func--args={text}");
    });
    pool.apply_async_with(|| "hahah".to_owned(), (), callbacks)?
        .wait()?;
    println!("the parent goes on");

    println!("\nten callbacks:");
    for number in 100..110_u32 {
        let callbacks = Callbacks::new().on_value(|number: &u32| println!("end_call {number}"));
        pool.apply_async_with(|number: u32| number, (number,), callbacks)?;
    }
    println!("end");
    println!("\nin any order:");
    pool.close();
    pool.join()?;

    println!("\na callback for the list of a map, and one for an error:");
    let pool = Pool::with_workers(2)?;
    let callbacks = Callbacks::new().on_value(|squares: &Vec<u64>| println!("{squares:?}"));
    pool.map_async_with(square, 0..5, callbacks)?.wait()?;
    let callbacks = Callbacks::new().on_error(|error| println!("error: {error}"));
    pool.apply_async_with(half, (7,), callbacks)?.wait()
}

fn map() -> Result<(), Error> {
    println!("\nmap and starmap:");
    let pool = Pool::with_workers(4)?;
    println!("{:?}", pool.map(square, 0..10)?);
    println!("{:?}", pool.map(square, [])?);
    let powers = pool.starmap(
        |base: u64, exponent: u32| base.pow(exponent),
        [(2, 3), (3, 2)],
    )?;
    println!("{powers:?}");
    Ok(())
}

/// The values come while later jobs still run. The numbers are endless: the pool draws them as it needs
/// them. CPython would first draw all of them.
fn imap() -> Result<(), Error> {
    println!("\nimap:");
    let pool = Pool::with_workers(4)?;
    for value in pool.imap(square, 1..)?.take(5) {
        println!("{}", value?);
    }
    println!("\nimap_unordered, in any order:");
    for value in pool.imap_unordered(square, 1..=5)? {
        println!("{}", value?);
    }
    Ok(())
}

/// Runs once in each worker, before its first job.
fn initializer() -> Result<(), Error> {
    println!("\nan initializer, in any order:");
    let ready = Queue::<u8>::new()?;
    let pool = Pool::builder()
        .workers(2)
        .initializer(
            |greeting: String, ready: Queue<u8>| -> Result<(), Error> {
                println!("{greeting} from {}", current_process().name());
                ready.put(&1)
            },
            ("hello".to_owned(), ready.clone()),
        )
        .build()?;
    ready.get()?;
    ready.get()?;
    drop(pool);
    Ok(())
}

/// Python's `maxtasksperchild`: after three jobs a worker is replaced.
fn jobs_per_worker() -> Result<(), Error> {
    println!("\nthree jobs per worker:");
    let pool = Pool::builder().workers(1).max_jobs_per_worker(3).build()?;
    let mut ids = Vec::new();
    for _ in 0..9 {
        ids.push(pool.apply(|| current_process().id(), ())?);
    }
    let counts: Vec<usize> = ids.chunk_by(|a, b| a == b).map(<[u64]>::len).collect();
    println!("{counts:?}");
    Ok(())
}

/// A task that returns an error; an exception in Python.
fn half(number: u64) -> Result<u64, String> {
    match number % 2 {
        0 => Ok(number / 2),
        _ => Err(format!("{number} is odd")),
    }
}

fn errors() -> Result<(), Error> {
    println!("\nan error of a task:");
    let pool = Pool::with_workers(2)?;
    match pool.apply(half, (7,)) {
        Err(error) => println!("{:?}: {error}", error.kind()),
        Ok(value) => println!("{value}"),
    }
    println!("the pool goes on: {}", pool.apply(half, (8,))?);
    let result = pool.apply_async(|| isopod::sleep(Duration::from_secs(3600)), ())?;
    if let Err(error) = result.get_timeout(Duration::from_millis(10)) {
        println!("{:?}, ready: {}", error.kind(), result.is_ready());
    }
    Ok(())
}

/// Python's `ValueError`s.
fn order_of_calls() -> Result<(), Error> {
    println!("\nwhat must come before:");
    let pool = Pool::with_workers(2)?;
    if let Err(error) = pool.join() {
        println!("{:?}", error.kind());
    }
    pool.close();
    if let Err(error) = pool.apply(square, (1,)) {
        println!("{:?}", error.kind());
    }
    pool.join()
}

/// In Python only a manager's queue can be an argument of a job; here any handle can.
fn queue_as_argument() -> Result<(), Error> {
    println!("\na queue as argument:");
    let queue = Queue::new()?;
    let pool = Pool::with_workers(2)?;
    let put = |letter: char, queue: Queue<char>| queue.put(&letter);
    pool.apply(put, ('a', queue.clone()))?;
    pool.apply(put, ('b', queue.clone()))?;
    println!("{}{}", queue.get()?, queue.get()?);
    Ok(())
}

/// In CPython `get` would wait for ever.
fn lost_worker() -> Result<(), Error> {
    println!("\na worker that exits in the middle of a job:");
    let pool = Pool::with_workers(1)?;
    if let Err(error) = pool.apply(|| std::process::exit(3), ()) {
        let exit_code = error.exit_status().map(|status| status.code());
        println!("{:?}, {exit_code:?}", error.kind());
    }
    println!("the pool goes on: {}", pool.apply(square, (5,))?);
    Ok(())
}

/// The workers end with main, and their unfinished jobs are lost: `close` and `join` wait for these.
fn the_end_of_main() -> Result<(), Error> {
    println!("\nthe end of main:");
    let pool = Pool::with_workers(2)?;
    let task = || {
        isopod::sleep(Duration::from_secs(3600));
        println!("never printed");
    };
    pool.apply_async(task, ())?;
    println!("main ends");
    Ok(())
}
