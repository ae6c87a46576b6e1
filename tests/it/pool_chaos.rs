//! Jobs run at most once and none is lost, whatever happens to the workers.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a panic is how a test fails, a line says what was seen"
)]

use isopod_host::Process;
use isopod_host::sync::SharedMemory;
use isopod_tests::{Bench, Random, run_with};
use std::time::Duration;

const JOBS: u32 = 100_000;

/// The time between two kills of workers.
const PERIOD: Duration = Duration::from_millis(10);

/// A hundred thousand jobs go through four workers. Every ten milliseconds one of the workers is killed.
#[test]
fn every_job_ends_once() {
    let bench = Bench::new().unwrap();
    let jobs = SharedMemory::new(u64::from(JOBS) * 8).unwrap();
    let command = bench.command(&format!("pool-chaos {JOBS}"));
    let mut random = Random::from_environment();
    let mut kills = 0;
    let finished = run_with(command.handle("jobs", &jobs.to_handle()), |main| {
        while main.join_tree_timeout(PERIOD).is_none() {
            let mut workers = main.tree();
            workers.retain(|process| process.id() != main.id());
            if let Some(victim) = workers.get(random.position(workers.len())) {
                Process::kill(victim);
                kills += 1;
            }
        }
    })
    .unwrap();
    assert!(finished.status.success(), "{}", finished.stderr);

    let (mut values, mut lost, mut lost_unbegun) = (0, 0, 0);
    for job in 0..JOBS {
        let cell = u64::from(job) * 8;
        let runs = jobs.load_u32(cell).unwrap();
        match (jobs.load_u32(cell + 4).unwrap(), runs) {
            (1, 1) => values += 1,
            (2, 1) => lost += 1,
            // The job had begun, and was killed before its first instruction.
            (2, 0) => lost_unbegun += 1,
            (outcome, runs) => panic!("job {job}: outcome {outcome}, and it ran {runs} times"),
        }
    }
    println!("{values} values, {lost} and {lost_unbegun} lost, by {kills} kills");
    assert_eq!(values + lost + lost_unbegun, JOBS);
    assert!(
        lost + lost_unbegun <= kills,
        "more jobs lost than workers killed"
    );
    assert!(lost > 0, "no kill met a job: this tested nothing");
}
