//! scratch
mod floor;
mod guest;
use std::time::*;
fn pin(core: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    rustix::thread::sched_setaffinity(None, &set).unwrap();
}
fn pause(d: Duration) {
    std::thread::sleep(d)
}
fn main() -> anyhow::Result<()> {
    let component = isopod_tests::build(&isopod_tests::root().join("tests/bench-guest"))?;
    let only = std::env::args().nth(1).unwrap_or_default();
    let med = |mut v: Vec<Duration>| {
        v.sort();
        (v[v.len() / 100], v[v.len() / 2], v[v.len() * 99 / 100])
    };
    if only == "" || only.contains("start") {
        let raw = floor::Program::new(&component)?;
        for (name, wc, me) in [("other core", 0, 1), ("same core", 0, 0)] {
            pin(me);
            let w = floor::Worker::new(&raw, wc)?;
            for spins in [false, true] {
                if spins && wc == me {
                    continue;
                }
                for _ in 0..100 {
                    w.start_and_join(spins)?;
                }
                println!(
                    "floor {name} spins {spins} {:?}",
                    med((0..3000)
                        .map(|_| w.start_and_join(spins).unwrap())
                        .collect())
                );
            }
            w.end();
        }
    }
    for cores in [vec![0, 1], vec![0]] {
        let mut set = rustix::thread::CpuSet::new();
        set.set(0);
        set.set(1);
        rustix::thread::sched_setaffinity(None, &set).unwrap();
        let host = guest::Host::new(&component, &cores)?;
        pin(1);
        if cores.len() == 1 {
            pin(0)
        }
        if only == "" || only.contains("start") {
            let f = || {
                let t = Instant::now();
                let s = host.command("nothing").spawn().unwrap().join();
                assert!(s.success(), "{s}");
                t.elapsed()
            };
            for _ in 0..100 {
                f();
            }
            println!(
                "cores {} embedder start+join {:?}",
                cores.len(),
                med((0..3000).map(|_| f()).collect())
            );
            let r = host.resident("spawn")?;
            println!(
                "cores {} guest start+join {:?}",
                cores.len(),
                med((0..20).map(|_| r.rounds(200).unwrap() / 200).collect())
            );
            r.end()?;
        }
        for s in [
            "call queue-len",
            "call lock",
            "round-trip 16",
            "round-trip 64k",
            "one-way 16",
            "one-way 64k",
        ] {
            if only != "" && !s.contains(&only) {
                continue;
            }
            let r = host.resident(s)?;
            let n = if s.starts_with("call") {
                200_000u32
            } else if s.contains("64k") {
                3_000
            } else {
                50_000
            };
            r.rounds(n.into())?;
            println!(
                "cores {} {s} {:?}",
                cores.len(),
                med((0..10).map(|_| r.rounds(n.into()).unwrap() / n).collect())
            );
            r.end()?;
        }
    }
    Ok(())
}
