//! All kinds of tasks. It must compile; without a host, main does not run.

use isopod::{Connection, Lock, Process, Queue, Sender};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Job {
    name: String,
    results: Vec<Queue<u64>>,
    lock: Option<Lock>,
}

fn nothing() {}

fn value(job: Job, factor: u64) -> Result<Vec<u64>, String> {
    Ok(vec![factor, job.results.len() as u64])
}

fn generic<T: Serialize>(value: T, output: Sender<T>) -> isopod::Result<()> {
    output.send(&value)
}

fn connected(both: Connection<u8, String>) -> usize {
    both.recv().map_or(0, |text| text.len())
}

fn eight(a: u8, b: u16, c: u32, d: u64, e: i8, f: i16, g: i32, h: i64) -> (u64, i64) {
    (
        u64::from(a) + u64::from(b) + u64::from(c) + d,
        i64::from(e) + i64::from(f) + i64::from(g) + h,
    )
}

fn shared(
    counter: isopod::Value<u32>,
    squares: isopod::Array<f64>,
) -> (isopod::RawValue<u32>, isopod::Array<f64>) {
    (counter.raw().clone(), squares)
}

fn alone(squares: isopod::RawArray<i8>) -> isopod::RawArray<i8> {
    squares
}

fn forever() -> ! {
    loop {
        std::thread::yield_now();
    }
}

#[allow(dead_code, reason = "outside of a host it cannot run")]
fn spawns() -> isopod::Result<()> {
    Process::spawn(nothing, ())?.join()?;
    let results = vec![Queue::new()?];
    let job = Job {
        name: String::new(),
        results,
        lock: Some(Lock::new()?),
    };
    let values: Vec<u64> = Process::spawn(value, (job, 2))?.join()?;
    assert_eq!(values.len(), 2);
    let (receiver, sender) = isopod::one_way_pipe()?;
    Process::spawn(generic::<String>, ("text".to_owned(), sender))?.join()?;
    let _: String = receiver.recv()?;
    let (mine, theirs) = isopod::pipe::<String, u8>()?;
    mine.send(&String::new())?;
    let _: usize = Process::spawn(connected, (theirs,))?.join()?;
    let _: (u64, i64) = Process::spawn(eight, (1, 2, 3, 4, 5, 6, 7, 8))?.join()?;
    let numbers = (isopod::Value::new(1)?, isopod::Array::from_slice(&[1.0])?);
    let (_, squares) = Process::spawn(shared, numbers)?.join()?;
    let _: f64 = squares.lock()?.get(0)?;
    let numbers = Process::spawn(alone, (isopod::RawArray::new(3)?,))?.join()?;
    let _: Vec<i8> = numbers.read(1..)?;
    Process::builder()
        .name("endless")
        .daemon(true)
        .spawn(forever, ())?
        .kill()?;
    Process::spawn(|| loop {}, ())?.terminate()?;
    let sum: u64 = Process::spawn(|from: u64, to: u64| (from..to).sum::<u64>(), (1, 10))?.join()?;
    assert_eq!(sum, 45);
    Ok(())
}

mod program {
    #[isopod::main]
    pub(super) fn main() -> isopod::Result<()> {
        super::spawns()
    }
}

fn main() {
    // Taking the address makes the compiler generate the code; a call needs a host.
    let main: fn() -> std::process::ExitCode = program::main;
    assert_ne!(main as usize, 0);
}
