//! The callbacks of jobs that have not ended yet.
//!
//! Callbacks run one after the other, each once, in the order in which the ends of their jobs are noticed. A
//! callback that waits does not let others run meanwhile: they run after it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// The callbacks of some jobs.
pub(crate) trait Due {
    /// Whether the jobs have ended.
    fn is_done(&self) -> bool;

    /// Runs the callbacks, unless they have run.
    fn run(&self);
}

/// The pending callbacks, by pool.
#[derive(Default)]
struct Registry {
    pools: Vec<Waiting>,
}

/// The pending callbacks of one pool.
struct Waiting {
    pool: u64,
    worker_count: usize,
    /// In the order in which the jobs were submitted.
    entries: VecDeque<Rc<dyn Due>>,
}

thread_local! {
    static REGISTRY: RefCell<Registry> = const { RefCell::new(Registry { pools: Vec::new() }) };
    static ARE_USED: Cell<bool> = const { Cell::new(false) };
    static IS_OVERDUE: Cell<bool> = const { Cell::new(false) };
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this process has ever added callbacks. From then on the host may end a wait early, even after the
/// last callback has run, because it may report jobs whose end was noticed before.
#[inline]
pub(crate) fn are_used() -> bool {
    ARE_USED.get()
}

/// Adds the callbacks of jobs that were submitted to this pool.
pub(crate) fn add(pool: u64, worker_count: usize, entry: Rc<dyn Due>) {
    ARE_USED.set(true);
    // The host may have reported these jobs before their callbacks were added, and it never reports an empty
    // batch.
    if entry.is_done() {
        IS_OVERDUE.set(true);
    }
    REGISTRY.with_borrow_mut(|registry| registry.add(pool, worker_count, entry));
}

/// Runs the callbacks of all jobs that have ended. Inside a callback, this does nothing.
pub(crate) fn run() {
    if IS_RUNNING.replace(true) {
        return;
    }
    let _reset = Reset;
    loop {
        IS_OVERDUE.set(false);
        let due = REGISTRY.with_borrow_mut(Registry::take_due);
        if due.is_empty() {
            return;
        }
        for entry in due {
            entry.run();
        }
    }
}

/// As [`run`], but only if there are jobs that had ended before their callbacks were added.
pub(crate) fn run_overdue() {
    if IS_OVERDUE.get() {
        run();
    }
}

/// Ends [`run`], even if a callback panics on a target where panics unwind.
struct Reset;

impl Drop for Reset {
    fn drop(&mut self) {
        IS_RUNNING.set(false);
    }
}

impl Registry {
    fn add(&mut self, pool: u64, worker_count: usize, entry: Rc<dyn Due>) {
        match self.pools.iter_mut().find(|waiting| waiting.pool == pool) {
            Some(waiting) => waiting.entries.push_back(entry),
            None => self.pools.push(Waiting {
                pool,
                worker_count,
                entries: VecDeque::from([entry]),
            }),
        }
    }

    /// Removes and returns the entries whose jobs have ended.
    ///
    /// It does not check all entries, since that would cost a host call for each entry at each end of a job.
    /// A pool begins its jobs in the order of submission. So of the jobs before one that has begun, only
    /// those that a worker has now can be unfinished.
    fn take_due(&mut self) -> Vec<Rc<dyn Due>> {
        let mut due = Vec::new();
        for waiting in &mut self.pools {
            let mut undone = 0;
            while undone <= waiting.worker_count {
                match waiting.entries.get(undone) {
                    None => break,
                    Some(entry) if entry.is_done() => due.extend(waiting.entries.remove(undone)),
                    Some(_) => undone += 1,
                }
            }
        }
        self.pools.retain(|waiting| !waiting.entries.is_empty());
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch that is done when the test says so, and that records the run of its callback.
    struct Fake {
        name: u32,
        is_done: Cell<bool>,
        asked: Cell<u32>,
        log: Rc<RefCell<Vec<u32>>>,
        then: Cell<Option<Box<dyn FnOnce()>>>,
    }

    impl Due for Fake {
        fn is_done(&self) -> bool {
            self.asked.set(self.asked.get() + 1);
            self.is_done.get()
        }

        fn run(&self) {
            self.log.borrow_mut().push(self.name);
            if let Some(then) = self.then.take() {
                then();
            }
        }
    }

    type Log = Rc<RefCell<Vec<u32>>>;

    fn fakes(count: u32) -> (Log, Vec<Rc<Fake>>) {
        let log = Log::default();
        let fakes = (0..count).map(|name| {
            Rc::new(Fake {
                name,
                is_done: Cell::new(false),
                asked: Cell::new(0),
                log: Rc::clone(&log),
                then: Cell::new(None),
            })
        });
        let fakes = fakes.collect();
        (log, fakes)
    }

    fn fake(fakes: &[Rc<Fake>], name: usize) -> &Rc<Fake> {
        fakes.get(name).expect("as many were made")
    }

    #[test]
    fn each_callback_runs_once_when_its_jobs_have_ended() {
        let (log, fakes) = fakes(4);
        for fake in &fakes {
            add(1, 4, Rc::clone(fake) as Rc<dyn Due>);
        }
        run();
        assert!(log.borrow().is_empty());
        fake(&fakes, 2).is_done.set(true);
        run();
        run();
        assert_eq!(*log.borrow(), [2]);
        for fake in &fakes {
            fake.is_done.set(true);
        }
        run();
        assert_eq!(*log.borrow(), [2, 0, 1, 3], "in the order of submission");
        assert!(REGISTRY.with_borrow(|registry| registry.pools.is_empty()));
        assert!(are_used(), "the host may still tell of them");
    }

    #[test]
    fn only_those_are_asked_that_can_have_ended() {
        let (log, fakes) = fakes(1000);
        let mut registry = Registry::default();
        for fake in &fakes {
            registry.add(1, 2, Rc::clone(fake) as Rc<dyn Due>);
        }
        // There are two workers. They may have the jobs 0 and 1, or 0 and any later one if all between have
        // ended.
        fake(&fakes, 1).is_done.set(true);
        fake(&fakes, 2).is_done.set(true);
        for entry in registry.take_due() {
            entry.run();
        }
        assert_eq!(*log.borrow(), [1, 2]);
        let asked: u32 = fakes.iter().map(|fake| fake.asked.get()).sum();
        assert_eq!(asked, 5);
    }

    #[test]
    fn pools_do_not_hold_each_other_up() {
        let (log, fakes) = fakes(8);
        let mut registry = Registry::default();
        for (index, fake) in fakes.iter().enumerate() {
            registry.add(u64::from(index == 7), 1, Rc::clone(fake) as Rc<dyn Due>);
        }
        fake(&fakes, 7).is_done.set(true);
        for entry in registry.take_due() {
            entry.run();
        }
        assert_eq!(*log.borrow(), [7]);
    }

    #[test]
    fn a_callback_may_add_others_and_wait_but_none_runs_inside_it() {
        let (log, fakes) = fakes(2);
        let (first, second) = (fake(&fakes, 0), fake(&fakes, 1));
        first.is_done.set(true);
        second.is_done.set(true);
        first.then.set(Some(Box::new({
            let (log, second) = (Rc::clone(&log), Rc::clone(second));
            move || {
                add(1, 1, second);
                run();
                assert_eq!(*log.borrow(), [0], "the other one comes after this one");
            }
        })));
        add(1, 1, Rc::clone(first) as Rc<dyn Due>);
        assert!(IS_OVERDUE.get());
        run_overdue();
        assert_eq!(*log.borrow(), [0, 1]);
        assert!(!IS_OVERDUE.get());
    }
}
