//! Counts prime numbers with a pool of processes.

use isopod::{Error, Pool};

/// A task: runs in a worker, which shares no memory with the program's main process.
fn count_primes((from, to): (u32, u32)) -> u32 {
    let is_prime = |number: u32| {
        (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| number % divisor != 0)
    };
    let count = (from.max(2)..to).filter(|number| is_prime(*number)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[isopod::main]
fn main() -> Result<(), Error> {
    let limit: u32 = std::env::args()
        .nth(1)
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(100_000);
    let jobs = 8;
    let bounds = (0..jobs).map(|job| (limit / jobs * job, limit / jobs * (job + 1)));
    let rest = (limit / jobs * jobs, limit);
    let pool = Pool::new()?;
    let counts = pool.map(count_primes, bounds.chain([rest]))?;
    println!("{} primes below {limit}", counts.iter().sum::<u32>());
    Ok(())
}
