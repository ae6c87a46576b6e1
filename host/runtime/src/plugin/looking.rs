//! Polls for the next step of another thread, before a thread parks for it.

/// Polls up to `pauses` times with a spin hint (peer on another core), then up to `turns` times with a yield
/// (peer on this core). Returns whether `is_there` became true.
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
