//! Random calls by the numbers of objects, below the library: with right numbers, with numbers of other
//! kinds, stale ones and invented ones. A model of the objects that this process holds predicts each
//! answer. Any other answer is a panic, and so a failure of the process.

mod said;

use crate::Outcome;
use crate::raw::bindings::direct;
use crate::raw::bindings::memory::SharedMemory;
use crate::raw::bindings::pipe::{self, Connection};
use crate::raw::bindings::queue::Queue;
use crate::raw::bindings::sync::{Event, Lock, Rlock, Semaphore};
use crate::raw::bindings::types::ErrorCode;
use said::{access, refused, reply};
use std::collections::VecDeque;

const NO_WAIT: Option<u64> = Some(0);

/// The most resources held at a time.
const MOST_HELD: usize = 40;

/// The most messages that wait in one object, well below the capacity of a pipe.
const MOST_LETTERS: usize = 200;

enum Resource {
    Lock(Lock),
    Rlock(Rlock),
    Semaphore(Semaphore),
    Event(Event),
    Queue(Queue),
    End(Connection),
    Memory(SharedMemory),
}

/// The model of an object's state.
enum State {
    Lock {
        held: bool,
    },
    Rlock {
        depth: u32,
    },
    Semaphore {
        permits: u32,
    },
    Event {
        set: bool,
    },
    Queue {
        letters: VecDeque<Vec<u8>>,
    },
    End {
        peer: usize,
        letters: VecDeque<Vec<u8>>,
    },
    Memory {
        bytes: Vec<u8>,
    },
}

/// A resource that this process holds; several may lead to one object.
struct Held {
    number: u32,
    object: usize,
    resource: Resource,
}

struct World {
    random: u64,
    objects: Vec<State>,
    held: Vec<Held>,
    stale: Vec<u32>,
}

/// Makes this many random calls.
pub fn random_calls(seed: &str, count: &str) -> Outcome {
    let (seed, count): (u64, u32) = (
        seed.parse().expect("a number"),
        count.parse().expect("a number"),
    );
    let mut world = World {
        random: seed | 1,
        objects: Vec::new(),
        held: Vec::new(),
        stale: Vec::new(),
    };
    for _ in 0..count {
        match world.below(20) {
            0 if world.held.len() < MOST_HELD => world.create(),
            1 if world.held.len() < MOST_HELD => world.alias(),
            2 => world.forget(),
            _ => world.call(),
        }
    }
    Ok(())
}

impl World {
    /// xorshift64 (Marsaglia 2003); its upper half is better than its lower.
    fn below(&mut self, bound: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 32) as u32 % bound.max(1)
    }

    fn hold(&mut self, object: usize, resource: Resource) {
        let number = match &resource {
            Resource::Lock(lock) => lock.number(),
            Resource::Rlock(lock) => lock.number(),
            Resource::Semaphore(semaphore) => semaphore.number(),
            Resource::Event(event) => event.number(),
            Resource::Queue(queue) => queue.number(),
            Resource::End(end) => end.number(),
            Resource::Memory(memory) => memory.number(),
        };
        assert!(
            self.object_of(number).is_none(),
            "{number} is given out twice"
        );
        self.held.push(Held {
            number,
            object,
            resource,
        });
    }

    fn add(&mut self, state: State, resource: Resource) {
        self.objects.push(state);
        self.hold(self.objects.len() - 1, resource);
    }

    fn create(&mut self) {
        match self.below(7) {
            0 => self.add(
                State::Lock { held: false },
                Resource::Lock(Lock::create().expect("a lock")),
            ),
            1 => self.add(
                State::Rlock { depth: 0 },
                Resource::Rlock(Rlock::create().expect("a lock")),
            ),
            2 => {
                let permits = self.below(4);
                let semaphore = Semaphore::create(permits, None).expect("a semaphore");
                self.add(State::Semaphore { permits }, Resource::Semaphore(semaphore));
            }
            3 => self.add(
                State::Event { set: false },
                Resource::Event(Event::create().expect("an event")),
            ),
            4 => self.add(
                State::Queue {
                    letters: VecDeque::new(),
                },
                Resource::Queue(Queue::create(None, None).expect("a queue")),
            ),
            5 => {
                let (near, far) = pipe::create(true).expect("a pipe");
                let first = self.objects.len();
                for (peer, end) in [(first + 1, near), (first, far)] {
                    let letters = VecDeque::new();
                    self.add(State::End { peer, letters }, Resource::End(end));
                }
            }
            _ => {
                let size = self.below(64);
                let memory = SharedMemory::create(u64::from(size), None).expect("a memory");
                let bytes = vec![0; size as usize];
                self.add(State::Memory { bytes }, Resource::Memory(memory));
            }
        }
    }

    /// Makes one more resource of an object, through a handle.
    fn alias(&mut self) {
        let position = self.below(self.held.len() as u32) as usize;
        let Some(held) = self.held.get(position) else {
            return;
        };
        let (object, right) = (held.object, "it is of the kind");
        let resource = match &held.resource {
            Resource::Lock(lock) => {
                let handle = lock.to_handle();
                assert!(matches!(Queue::open(&handle), Err(ErrorCode::WrongKind)));
                Resource::Lock(Lock::open(&handle).expect(right))
            }
            Resource::Rlock(lock) => Resource::Rlock(Rlock::open(&lock.to_handle()).expect(right)),
            Resource::Semaphore(semaphore) => {
                Resource::Semaphore(Semaphore::open(&semaphore.to_handle()).expect(right))
            }
            Resource::Event(event) => {
                Resource::Event(Event::open(&event.to_handle()).expect(right))
            }
            Resource::Queue(queue) => {
                let handle = queue.to_handle();
                assert!(matches!(Lock::open(&handle), Err(ErrorCode::WrongKind)));
                Resource::Queue(Queue::open(&handle).expect(right))
            }
            Resource::End(end) => Resource::End(Connection::open(&end.to_handle()).expect(right)),
            Resource::Memory(memory) => {
                Resource::Memory(SharedMemory::open(&memory.to_handle()).expect(right))
            }
        };
        self.hold(object, resource);
    }

    fn forget(&mut self) {
        let position = self.below(self.held.len() as u32) as usize;
        if position < self.held.len() {
            let held = self.held.swap_remove(position);
            self.stale.push(held.number);
        }
    }

    fn object_of(&self, number: u32) -> Option<usize> {
        let held = self.held.iter().find(|held| held.number == number);
        held.map(|held| held.object)
    }

    /// A number to call: nearly always that of a held resource.
    fn number(&mut self) -> u32 {
        match self.below(10) {
            0 => {
                let position = self.below(self.stale.len() as u32) as usize;
                self.stale.get(position).copied().unwrap_or_default()
            }
            1 => match self.below(2) {
                0 => self.below(2 * MOST_HELD as u32),
                _ => [1 << 16, (1 << 31) - 1, 1 << 31, u32::MAX - 1, u32::MAX]
                    [self.below(5) as usize],
            },
            _ => {
                let position = self.below(self.held.len() as u32) as usize;
                self.held.get(position).map_or(0, |held| held.number)
            }
        }
    }

    fn call(&mut self) {
        let (number, operation) = (self.number(), self.below(22));
        let (first, second) = (u64::from(self.below(3)), u64::from(self.below(3)));
        let offset = match self.below(20) {
            0 => u64::MAX - u64::from(self.below(16)),
            _ => u64::from(self.below(72)),
        };
        let text = vec![self.below(256) as u8; self.below(16) as usize];
        let object = self.object_of(number);
        let peer_is_held = match object.map(|object| &self.objects[object]) {
            Some(State::End { peer, .. }) => self.held.iter().any(|held| held.object == *peer),
            _ => false,
        };
        if operation <= 11 {
            let state = object.map(|object| &mut self.objects[object]);
            return reply(number, operation, 1 + first as u32, state);
        }
        if operation <= 13 {
            let state = object.map(|object| &mut self.objects[object]);
            return match (operation, state) {
                (12, Some(State::Queue { letters })) if letters.len() < MOST_LETTERS => {
                    direct::put(number, &text, &[], NO_WAIT).expect("there is room");
                    letters.push_back(text);
                }
                (12, Some(State::Queue { .. })) => {}
                (12, _) => refused(direct::put(number, &text, &[], NO_WAIT)),
                (_, Some(State::Queue { letters })) => {
                    let got = direct::get(number, NO_WAIT)
                        .ok()
                        .map(|message| message.bytes);
                    assert_eq!(got, letters.pop_front());
                }
                _ => refused(direct::get(number, NO_WAIT)),
            };
        }
        if operation == 14 {
            let peer = match object.map(|object| &self.objects[object]) {
                Some(State::End { peer, .. }) => *peer,
                _ => return refused(direct::send(number, &text, &[], NO_WAIT)),
            };
            let State::End { letters, .. } = &mut self.objects[peer] else {
                unreachable!("the other end of a pipe is one")
            };
            if letters.len() < MOST_LETTERS {
                let sent = direct::send(number, &text, &[], NO_WAIT);
                assert_eq!(sent.is_ok(), peer_is_held, "{sent:?}");
                if peer_is_held {
                    letters.push_back(text);
                }
            }
            return;
        }
        let state = object.map(|object| &mut self.objects[object]);
        if operation == 15 {
            return match state {
                Some(State::End { letters, .. }) => {
                    let received = direct::recv(number, NO_WAIT);
                    match (letters.pop_front(), received) {
                        (Some(letter), Ok(message)) => assert_eq!(message.bytes, letter),
                        (None, Err(ErrorCode::EndOfFile)) => assert!(!peer_is_held),
                        (None, Err(_)) => assert!(peer_is_held),
                        (letter, received) => panic!("{letter:?} is {received:?}"),
                    }
                }
                _ => refused(direct::recv(number, NO_WAIT)),
            };
        }
        let bytes = match state {
            Some(State::Memory { bytes }) => Some(bytes),
            _ => None,
        };
        access(number, operation, offset, first, second, bytes);
    }
}
