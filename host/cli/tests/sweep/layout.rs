//! The layout of the memory of a guest of the sweep.

/// The size of a run's arguments: small and very often, or as large as there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

/// The rings of the guest's handles, one for each kind of resource: see `prelude.wat`.
pub(crate) const RINGS: u32 = 4 << 10;
pub(crate) const RING_BYTES: u32 = 128;
/// Constant texts.
pub(crate) const CONSTANTS: u32 = 20 << 10;
/// The place of the results of calls.
pub(crate) const RESULT: u32 = 32 << 10;
/// Parameters that exceed the registers.
pub(crate) const PARAMETERS: u32 = 48 << 10;
/// The text, whose beginning counts the calls; behind it are the elements of lists, and the allocations for
/// results.
pub(crate) const TEXT: u32 = 64 << 10;

/// The memory of each process at its beginning.
pub(crate) const FIRST_PAGES: u32 = 32;
/// The memory of main in large runs: the rest of 64 MiB is for others.
const LARGE_BYTES: u32 = 60 << 20;

/// The sizes of the areas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) size: Size,
    pub(crate) text_bytes: u32,
    pub(crate) list_bytes: u32,
    pub(crate) result_bytes: u32,
}

impl Layout {
    pub(crate) fn new(size: Size, has_lists_of_lists: bool) -> Layout {
        let (text_bytes, list_bytes, result_bytes) = match (size, has_lists_of_lists) {
            (Size::Small, _) => (
                64 << 10,
                256 << 10,
                (FIRST_PAGES << 16) - TEXT - (320 << 10),
            ),
            (Size::Large, true) => (20 << 20, 20 << 20, LARGE_BYTES - TEXT - (40 << 20)),
            (Size::Large, false) => (28 << 20, 1 << 20, LARGE_BYTES - TEXT - (29 << 20)),
        };
        Layout {
            size,
            text_bytes,
            list_bytes,
            result_bytes,
        }
    }

    pub(crate) fn lists(self) -> u32 {
        TEXT + self.text_bytes
    }

    pub(crate) fn results(self) -> u32 {
        self.lists() + self.list_bytes
    }

    pub(crate) fn end(self) -> u32 {
        self.results() + self.result_bytes
    }
}
