//! [procspawn](https://github.com/mitsuhiko/procspawn): Rust functions in processes of the operating system.

use anyhow::{Result, bail};
use driver::Request;
use procspawn::{JoinHandle, Pool};
use std::hint::black_box;

/// A call on its way holds open files, so the calls of a large map cannot all be on their way at once.
const IN_FLIGHT: u64 = 64;

fn main() -> Result<()> {
    // In a child, this runs its function and does not return.
    procspawn::init();
    let request = Request::read()?;
    request.pin_to_all()?;
    match request.what.as_str() {
        "start" => start(),
        "burst" => burst(request.argument.parse()?),
        "pool" => pool(&request),
        other => bail!("`{other}` is not measured; `start`, `burst` and `pool` are"),
    }
}

fn start() -> Result<()> {
    driver::serve(|count| {
        for _ in 0..count {
            procspawn::spawn((), |()| ()).join()?;
        }
        Ok(())
    })
}

/// Runs `size` processes at once: a round is one of them.
fn burst(size: u64) -> Result<()> {
    driver::serve(|count| {
        in_groups(count, size, |group| {
            let started: Vec<JoinHandle<()>> =
                (0..group).map(|_| procspawn::spawn((), |()| ())).collect();
            join_all(started)
        })
    })
}

/// A pool with as many workers as cores, on all of them.
fn pool(request: &Request) -> Result<()> {
    let pool = Pool::new(request.cores.len().max(1))?;
    let square = |number: u64| number * number;
    match request.argument.as_str() {
        "apply" => driver::serve(|count| {
            for number in 0..count {
                black_box(pool.spawn(number, square).join()?);
            }
            Ok(())
        }),
        "map" => driver::serve(|count| {
            in_groups(count, IN_FLIGHT, |group| {
                join_all(
                    (0..group)
                        .map(|number| pool.spawn(number, square))
                        .collect(),
                )
            })
        }),
        "map-64-kib" => {
            let block = vec![7_u8; 64 << 10];
            driver::serve(|count| {
                in_groups(count, IN_FLIGHT, |group| {
                    let calls = (0..group).map(|_| pool.spawn(block.clone(), |block| block.len()));
                    join_all(calls.collect())
                })
            })
        }
        other => bail!("`{other}` is not measured of a pool; `apply`, `map`, `map-64-kib` are"),
    }
}

fn in_groups(count: u64, size: u64, mut run: impl FnMut(u64) -> Result<()>) -> Result<()> {
    let mut left = count;
    while left > 0 {
        let group = left.min(size);
        run(group)?;
        left -= group;
    }
    Ok(())
}

fn join_all<T: serde::Serialize + serde::de::DeserializeOwned>(
    handles: Vec<JoinHandle<T>>,
) -> Result<()> {
    for handle in handles {
        black_box(handle.join()?);
    }
    Ok(())
}
