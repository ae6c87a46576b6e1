//! The steps of a random sequence.

/// The numbers below stand for slots and parties, modulo their count.
#[derive(Clone, Debug)]
pub(super) enum Step {
    NewQueue {
        party: usize,
        max_messages: Option<u32>,
        max_bytes: Option<u64>,
    },
    NewPipe {
        party: usize,
        duplex: bool,
    },
    NewLock {
        party: usize,
    },
    NewPrimitive {
        party: usize,
        which: u8,
        number: u32,
    },
    UsePrimitive {
        slot: usize,
        party: usize,
        which: u8,
    },
    Hold {
        slot: usize,
        party: usize,
    },
    Drop {
        slot: usize,
    },
    Put {
        slot: usize,
        length: usize,
        carry: Option<usize>,
    },
    Get {
        slot: usize,
    },
    Close {
        slot: usize,
    },
    Acquire {
        slot: usize,
        party: usize,
    },
    Release {
        slot: usize,
    },
    EndProcess {
        party: usize,
    },
    EndTree,
}
