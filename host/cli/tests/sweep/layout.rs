//! Where things lie in the memory of a guest of the sweep.

/// What a run passes: little very often, or as much as there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

/// The rings of what the guest holds, one for each kind of resource: see `prelude.wat`.
pub(crate) const RINGS: u32 = 4 << 10;
pub(crate) const RING_BYTES: u32 = 128;
/// Texts that do not change.
pub(crate) const CONSTANTS: u32 = 20 << 10;
/// Where calls write their results.
pub(crate) const RESULT: u32 = 32 << 10;
/// Parameters that are too many for registers.
pub(crate) const PARAMETERS: u32 = 48 << 10;
/// The text whose beginning counts the calls; behind it the elements of lists, and what is allocated for
/// results.
pub(crate) const TEXT: u32 = 64 << 10;

/// The memory that each process begins with.
pub(crate) const FIRST_PAGES: u32 = 32;
/// The memory that main has in large runs: what is left of 64 MiB is for others.
const LARGE_BYTES: u32 = 60 << 20;

/// How large the areas are.
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
