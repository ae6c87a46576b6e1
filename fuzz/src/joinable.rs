//! A joinable queue beside its model, which counts unfinished tasks and the parties that owe them.

use arbitrary::Arbitrary;
use isopod_sync::{
    Bounds, End, GetError, Holder, Hooks, JoinableQueue, Joined, Message, Party, ProcessId,
    TooManyTasksDone, Tree, WaitError, Waiter,
};
use std::collections::BTreeMap;
use std::sync::Arc;

const PROCESSES: usize = 3;

/// Parties are counted modulo the number of processes and the embedder, which is the last.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Step {
    Put,
    Get(u8),
    Done(u8),
    End(u8, bool),
    Close,
}

struct NoHooks;
impl Hooks for NoHooks {}

/// The model of the queue. The embedder's debts are those of `None`, which pays first, since it is the
/// least key.
#[derive(Default)]
struct Model {
    queued: usize,
    closed: bool,
    unfinished: u64,
    /// Tasks that were marked as done before any party had taken them.
    early: u64,
    owed: BTreeMap<Option<usize>, u64>,
    abandoned: u64,
    last: u64,
}

impl Model {
    fn finish(&mut self, tasks: u64) {
        self.unfinished -= tasks;
        if self.unfinished == 0 {
            self.last = std::mem::take(&mut self.abandoned);
        }
    }

    /// The debt of the party that calls it done, if that has any; otherwise that of any party; otherwise
    /// one of the queued tasks.
    fn done(&mut self, party: Option<usize>) {
        let payer = match self.owed.contains_key(&party) {
            true => Some(party),
            false => self.owed.keys().next().copied(),
        };
        match payer {
            Some(payer) => {
                let owed = self.owed.get_mut(&payer).expect("it owes");
                *owed -= 1;
                if *owed == 0 {
                    self.owed.remove(&payer);
                }
            }
            None => self.early += 1,
        }
        self.finish(1);
    }
}

pub(crate) fn run(steps: impl IntoIterator<Item = Step>) {
    let tree = Tree::new(1 << 20);
    let queue = JoinableQueue::new_in(&tree, Holder::Embedder, Bounds::default());
    let mut next_id = 0;
    // The model's number is that of the process, so their order is the same.
    let mut start = || {
        next_id += 1;
        let party = Party::Process(ProcessId::new(next_id as u64));
        (next_id, Waiter::new(party, Arc::new(NoHooks)))
    };
    let mut processes: Vec<(usize, Arc<Waiter>)> = (0..PROCESSES).map(|_| start()).collect();
    let mut model = Model::default();
    for step in steps {
        let position = match step {
            Step::Get(party) | Step::Done(party) | Step::End(party, _) => {
                usize::from(party) % (PROCESSES + 1)
            }
            Step::Put | Step::Close => PROCESSES,
        };
        let party = processes.get(position).map(|(id, _)| *id);
        let entered = processes.get(position).map(|(_, waiter)| waiter.enter());
        match step {
            Step::Put => {
                let put = queue.try_put(Message::from_bytes([1]));
                assert_eq!(put.is_ok(), !model.closed);
                if !model.closed {
                    model.queued += 1;
                    model.unfinished += 1;
                }
            }
            Step::Get(_) => match queue.try_get() {
                Ok(_) => {
                    model.queued -= 1;
                    match model.early {
                        0 => *model.owed.entry(party).or_default() += 1,
                        _ => model.early -= 1,
                    }
                }
                Err(error) => {
                    let expected = match model.closed {
                        true => GetError::Closed,
                        false => GetError::Empty,
                    };
                    assert_eq!((error, model.queued), (expected, 0));
                }
            },
            Step::Done(_) => {
                let done = queue.task_done();
                match model.unfinished {
                    0 => assert_eq!(done, Err(TooManyTasksDone)),
                    _ => {
                        assert_eq!(done, Ok(()));
                        model.done(party);
                    }
                }
            }
            Step::Close => {
                queue.close();
                model.closed = true;
            }
            Step::End(_, abandons) => {
                drop(entered);
                if let Some(process) = processes.get_mut(position) {
                    process.1.end(match abandons {
                        true => End::Abandoned,
                        false => End::Normal,
                    });
                    if let Some(owed) = model.owed.remove(&Some(process.0)) {
                        model.abandoned += owed;
                        model.finish(owed);
                    }
                    *process = start();
                }
            }
        }
        assert_eq!(queue.unfinished(), model.unfinished);
        assert_eq!(queue.len(), model.queued);
        let owed: u64 = model.owed.values().sum();
        assert_eq!(model.unfinished + model.early, model.queued as u64 + owed);
        let joined = queue.try_join();
        match model.unfinished {
            0 => assert_eq!(
                joined,
                Ok(Joined {
                    abandoned_tasks: model.last
                })
            ),
            _ => assert_eq!(joined, Err(WaitError::TimedOut)),
        }
    }
    drop(queue);
    assert_eq!((tree.object_count(), tree.queued_bytes()), (0, 0));
}
