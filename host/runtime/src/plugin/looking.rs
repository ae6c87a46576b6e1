//! Looking for what another thread is about to do, before parking for it.

/// Looks so often with a pause after each look, for somebody on another core, and then so often with the turn
/// given away, for somebody who needs this one. Whether it was there.
pub(crate) fn look(pauses: u32, turns: u32, is_there: impl Fn() -> bool) -> bool {
    for _ in 0..pauses {
        if is_there() {
            return true;
        }
        std::hint::spin_loop();
    }
    for _ in 0..turns {
        if is_there() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}
