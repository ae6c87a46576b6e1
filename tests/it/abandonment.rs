//! Processes are killed at random moments, under load, while they hold a primitive or have a place at one.
//! The others go on, and the next owner learns of the death. The workers are in
//! `tests/guests/src/abandonment.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, a line says what was seen"
)]

use isopod_host::sync::{
    Barrier, Bounds, Condition, Handle, Lock, Message, Queue, RLock, Semaphore, SharedMemory,
};
use isopod_host::{ExitStatus, Process};
use isopod_tests::{Bench, GUARD, Random, eventually};

/// More than the cores of the machines that run the tests, so that some workers always wait.
const WORKERS: usize = 6;

/// The number of times that a worker is killed while it holds the object.
const MOMENTS: usize = 100;

/// The most kills that this may need: a worker may let go at the last moment.
const MOST_KILLS: usize = 100 * MOMENTS;

/// The workers on one object, and the notices that they leave.
struct Workers {
    bench: Bench,
    kind: &'static str,
    handles: Vec<(&'static str, Handle)>,
    processes: Vec<Process>,
    places: SharedMemory,
    told: Queue,
    random: Random,
}

impl Workers {
    fn start(kind: &'static str, object: Handle, others: &[(&'static str, Handle)]) -> Workers {
        let places = SharedMemory::new(16 * WORKERS as u64).unwrap();
        let told = Queue::new(Bounds::default());
        let mut handles = vec![
            ("object", object),
            ("places", places.to_handle()),
            ("told", told.to_handle()),
        ];
        handles.extend_from_slice(others);
        let mut workers = Workers {
            bench: Bench::new().unwrap(),
            kind,
            handles,
            processes: Vec::new(),
            places,
            told,
            random: Random::from_environment(),
        };
        workers.processes = (0..WORKERS).map(|place| workers.spawn(place)).collect();
        let nothing = [0; WORKERS];
        workers.wait_for_progress(&nothing, None);
        workers
    }

    fn spawn(&self, place: usize) -> Process {
        let scenario = format!("abandonment {} {place}", self.kind);
        let command = self.bench.command(&scenario);
        let with_handles = self
            .handles
            .iter()
            .fold(command, |command, (name, handle)| {
                command.handle(*name, handle)
            });
        with_handles.spawn().unwrap()
    }

    /// Whether the worker holds the object, or did when it was killed.
    fn holds(&self, place: usize) -> bool {
        self.places.load_u64(place as u64 * 16 + 8).unwrap() == 1
    }

    /// The number of times that each worker has held the object.
    fn progress(&self) -> [u64; WORKERS] {
        std::array::from_fn(|place| self.places.load_u64(place as u64 * 16).unwrap())
    }

    /// Kills one worker at a random moment, if possible one that holds the object, and returns its place.
    fn kill_one(&mut self) -> usize {
        self.random.pause();
        let any = self.random.position(WORKERS);
        let holder = (any..any + WORKERS)
            .map(|place| place % WORKERS)
            .find(|place| self.holds(*place));
        let victim = holder.unwrap_or(any);
        self.processes[victim].kill();
        let status = self.processes[victim].join_timeout(GUARD);
        assert_eq!(status, Some(ExitStatus::Killed), "place {victim}");
        victim
    }

    /// Waits until all but the victim have held the object twice more. They have acquired it after the read
    /// of `before`, at the latest the second time.
    fn wait_for_progress(&self, before: &[u64; WORKERS], victim: Option<usize>) {
        for place in (0..WORKERS).filter(|place| Some(*place) != victim) {
            let what = format!("{}: worker {place} goes on", self.kind);
            eventually(&what, || self.progress()[place] >= before[place] + 2);
        }
    }

    fn replace(&mut self, victim: usize) {
        self.places.store_u64(victim as u64 * 16 + 8, 0).unwrap();
        self.processes[victim] = self.spawn(victim);
    }

    /// The number of notices that the workers have had since the last call.
    fn told(&self) -> usize {
        std::iter::from_fn(|| self.told.try_get().ok()).count()
    }

    fn end(self) {
        for process in &self.processes {
            process.kill();
        }
        for process in &self.processes {
            assert_eq!(process.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
        }
    }
}

/// Kills until a hundred workers have died while they held the object. Each time the others go on, and
/// exactly one of them receives the notice.
fn holders_are_killed(kind: &'static str, object: Handle) {
    let mut workers = Workers::start(kind, object, &[]);
    let (mut moments, mut kills) = (0, 0);
    while moments < MOMENTS {
        assert!(kills < MOST_KILLS, "{moments} of {kills} held the {kind}");
        let victim = workers.kill_one();
        let was_held = workers.holds(victim);
        workers.wait_for_progress(&workers.progress(), Some(victim));
        // It may have held the object just before or after its mark.
        match (was_held, workers.told()) {
            (true, 1) | (false, 0 | 1) => {}
            (_, told) => panic!("{kind}: held {was_held}, and {told} were told"),
        }
        workers.replace(victim);
        moments += usize::from(was_held);
        kills += 1;
    }
    println!("{kind}: {kills} kills, {moments} of holders");
    workers.end();
}

#[test]
fn owners_of_a_lock_are_killed() {
    let lock = Lock::new();
    holders_are_killed("lock", lock.to_handle());
    lock.acquire_timeout(GUARD).unwrap();
}

#[test]
fn owners_of_an_rlock_are_killed() {
    let lock = RLock::new();
    holders_are_killed("rlock", lock.to_handle());
    assert!(lock.acquire_timeout(GUARD).is_ok());
}

#[test]
fn holders_of_a_permit_are_killed() {
    let semaphore = Semaphore::new(2, Some(2));
    holders_are_killed("semaphore", semaphore.to_handle());
    assert_eq!(semaphore.value(), 2, "each permit has come back, once");
}

#[test]
fn owners_of_a_conditions_lock_are_killed() {
    let condition = Condition::new();
    holders_are_killed("condition", condition.to_handle());
    assert!(condition.acquire_timeout(GUARD).is_ok());
}

/// The killed workers wait for a notification, have just been notified, or are about to notify.
#[test]
fn sleepers_at_a_condition_are_killed() {
    let condition = Condition::new();
    let mut workers = Workers::start("condition", condition.to_handle(), &[]);
    for _ in 0..MOMENTS {
        workers.random.pause();
        let victim = workers.random.position(WORKERS);
        workers.processes[victim].kill();
        assert!(workers.processes[victim].join_timeout(GUARD).is_some());
        let was_held = workers.holds(victim);
        workers.wait_for_progress(&workers.progress(), Some(victim));
        let told = workers.told();
        assert!(told == 1 || (told == 0 && !was_held), "{told} were told");
        workers.replace(victim);
    }
    workers.end();
}

/// The killed workers wait for the others, or come last and run the action.
#[test]
fn parties_of_a_barrier_are_killed() {
    let barrier = Barrier::new(u32::try_from(WORKERS).unwrap());
    let again = Queue::new(Bounds::default());
    let others = [("again", again.to_handle())];
    let mut workers = Workers::start("barrier", barrier.to_handle(), &others);
    let (mut moments, mut kills, mut actions) = (0, 0, 0);
    while moments < MOMENTS {
        assert!(kills < MOST_KILLS, "{moments} of {kills} broke the barrier");
        let victim = if kills % 2 == 0 {
            workers.kill_one()
        } else {
            workers.random.pause();
            let victim = workers.random.position(WORKERS);
            workers.processes[victim].kill();
            assert!(workers.processes[victim].join_timeout(GUARD).is_some());
            victim
        };
        let was_acting = workers.holds(victim);
        if barrier.is_broken() {
            for _ in 1..WORKERS {
                let told = workers.told.get_timeout(GUARD);
                told.expect("each of the others is told");
            }
            barrier.reset();
            for _ in 1..WORKERS {
                // The encoding of the number 0 on a guest's queue of `u64`.
                again.put(Message::from_bytes(vec![0])).unwrap();
            }
            moments += 1;
        } else {
            // It was on its way: the others wait for the worker that takes its place.
            assert!(!was_acting, "who ends in the action breaks the barrier");
        }
        actions += usize::from(was_acting);
        workers.replace(victim);
        // Only now: a worker that has passed since the reset receives no notice and waits for none any
        // more.
        let before = workers.progress();
        workers.wait_for_progress(&before, None);
        kills += 1;
    }
    println!("{kills} kills, {actions} in the action");
    assert!(actions > 0, "none of {kills} was killed in the action");
    assert_eq!(workers.told(), 0);
    workers.end();
    assert!(barrier.waiting() == 0);
}
