//! All operations of pools, and tasks with public names. It must compile; without a host, main does not run.

use isopod::{AsyncResult, Callbacks, Error, ErrorKind, MapResult, Pool, Queue, Submission};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

#[isopod::task]
fn square(number: u64) -> u64 {
    number * number
}

#[isopod::task(name = "text.repeat")]
fn repeat(text: String, count: usize) -> Result<String, String> {
    if count > 9 {
        return Err(format!("{count} is more than 9"));
    }
    Ok(text.repeat(count))
}

#[isopod::task]
fn nothing() {}

#[isopod::task]
fn run(r#type: u64) -> u64 {
    r#type
}

#[allow(dead_code, reason = "outside of a host it cannot run")]
fn pools() -> Result<(), Error> {
    let pool = Pool::builder()
        .workers(2)
        .initializer(|queue: Queue<u8>| queue.put(&1), (Queue::new()?,))
        .max_jobs_per_worker(3)
        .job_timeout(LONG)
        .memory_limit(1 << 20)
        .fail_fast(true)
        .build()?;
    let _: u64 = pool.apply(square, (7,))?;
    let _: String = pool.apply(repeat, ("a".to_owned(), 2))?;
    let result: AsyncResult<u64> = pool.apply_async(square, (7,))?;
    let _: bool = result.is_ready() && result.is_successful()?;
    let _: bool = result.wait_timeout(LONG)?;
    let _: u64 = result.get_timeout(LONG)?;
    result.wait()?;
    let callbacks = Callbacks::new()
        .on_value(|value: &u64| println!("{value}"))
        .on_error(|error| assert_eq!(error.kind(), ErrorKind::TaskFailed));
    let _: u64 = pool.apply_async_with(square, (7,), callbacks)?.get()?;
    let _: Vec<u64> = pool.map(square, 0..10)?;
    let _: Vec<u64> = pool.map(|number: u64| number + 1, 0..10)?;
    let _: MapResult<u64> = pool.map_async(square, vec![1, 2])?;
    let total = Callbacks::new().on_value(|values: &Vec<u64>| println!("{}", values.len()));
    pool.map_async_with(square, [1, 2], total)?.wait()?;
    let words = [("a".to_owned(), 1), ("b".to_owned(), 2)];
    let _: Vec<String> = pool.starmap(repeat, words.clone())?;
    let _: MapResult<String> = pool.starmap_async(repeat, words.clone())?;
    let _: MapResult<String> = pool.starmap_async_with(repeat, words, Callbacks::new())?;
    let borrowed = vec![1_u64, 2, 3];
    for value in pool.imap(square, borrowed.iter().copied())? {
        let _: u64 = value?;
    }
    let mut values = pool.chunks(8).imap_unordered(square, 0..)?;
    let _: Option<Result<u64, Error>> = values.next_timeout(LONG);
    let submission: Submission<'_> = pool.job_timeout(LONG).chunks(2);
    let _: Vec<u64> = submission.map(square, 0..10)?;
    let _: usize = pool.worker_count();
    pool.poll();
    isopod::sleep(Duration::ZERO);
    pool.close();
    pool.join_timeout(LONG)?;
    pool.terminate();
    pool.join()
}

mod program {
    #[isopod::main]
    pub(super) fn main() -> isopod::Result<()> {
        super::pools()
    }
}

fn main() {
    // Taking the address makes the compiler generate the code; a call needs a host.
    let main: fn() -> std::process::ExitCode = program::main;
    assert_ne!(main as usize, 0);
    assert_eq!((square(3), run(4)), (9, 4), "they stay ordinary functions");
    assert_eq!(repeat("ab".to_owned(), 2).as_deref(), Ok("abab"));
    nothing();
}
