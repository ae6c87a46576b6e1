//! The signals that isopod handles. SIGQUIT asks for a table of the processes. The first SIGINT or SIGTERM goes to
//! [`supervise`](crate::supervise), which ends the program in order. A second one ends isopod at once, in any state.

use crate::output;
use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::time::{Duration, Instant};

/// Two signals within this time are one wish: `timeout(1)` signals its child and then the child's
/// group, and no user presses Ctrl-C twice as fast.
const SAME_WISH: Duration = Duration::from_millis(100);

/// A signal that asks isopod to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    fn from_number(number: i32) -> Signal {
        match number {
            SIGINT => Signal::Interrupt,
            _ => Signal::Terminate,
        }
    }

    /// The name of the signal.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }

    /// 128 + the number of the signal, as in shells.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

/// The response to a signal.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    /// End the program in order.
    End,
    /// Nothing: the signal belongs to the previous one.
    Same,
    /// Exit at once.
    ExitNow,
}

/// Distinguishes the first signal from a second one.
#[derive(Debug, Default)]
struct Wishes {
    first: Option<Instant>,
}

impl Wishes {
    fn next(&mut self, now: Instant) -> Wish {
        match self.first {
            None => {
                self.first = Some(now);
                Wish::End
            }
            Some(first) if now.saturating_duration_since(first) < SAME_WISH => Wish::Same,
            Some(_) => Wish::ExitNow,
        }
    }
}

/// Handles SIGINT, SIGTERM and SIGQUIT from now on, on a thread of its own. The first SIGINT or SIGTERM calls `on_first`,
/// and a second one exits at once. Each SIGQUIT calls `on_question`. The functions must not block.
///
/// # Errors
/// If the handlers cannot be installed, or the thread cannot be started.
pub(crate) fn watch(
    mut on_first: impl FnMut(Signal) + Send + 'static,
    mut on_question: impl FnMut() + Send + 'static,
) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGQUIT])
        .context("cannot watch for SIGINT, SIGTERM and SIGQUIT")?;
    std::thread::Builder::new()
        .name("isopod-signals".to_owned())
        .spawn(move || {
            let mut wishes = Wishes::default();
            for number in signals.forever() {
                if number == SIGQUIT {
                    on_question();
                    continue;
                }
                let signal = Signal::from_number(number);
                match wishes.next(Instant::now()) {
                    Wish::End => {
                        output::hurry();
                        on_first(signal);
                    }
                    Wish::Same => {}
                    // Without the at-exit hooks of std and libc, which may wait for something.
                    Wish::ExitNow => {
                        signal_hook::low_level::exit(i32::from(signal.exit_code()));
                    }
                }
            }
        })
        .context("cannot start the thread that watches for signals")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_exits_unless_it_belongs_to_the_first() {
        let start = Instant::now();
        let mut wishes = Wishes::default();
        assert_eq!(wishes.next(start), Wish::End);
        assert_eq!(wishes.next(start), Wish::Same);
        let later = start + SAME_WISH - Duration::from_nanos(1);
        assert_eq!(wishes.next(later), Wish::Same);
        assert_eq!(wishes.next(start + SAME_WISH), Wish::ExitNow);
    }

    #[test]
    fn exit_codes_are_128_and_the_number() {
        for number in [SIGINT, SIGTERM] {
            let signal = Signal::from_number(number);
            assert_eq!(i32::from(signal.exit_code()), 128 + number);
        }
    }
}
