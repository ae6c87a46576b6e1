//! Waits for a program to end, and makes sure that all its processes end.
//!
//! A program ends in order when its main process and every other process of its tree have ended.
//! SIGINT and SIGTERM ask for that end, and SIGQUIT asks for a table of the processes. After an abnormal end of main
//! (a trap, a limit) the host ends the processes that main leaves behind. isopod prints that error at once, not after
//! the last process has ended. In both cases the wait is bounded: isopod kills processes that ignore the request, and
//! exits without them if that fails.

use crate::ending;
use crate::exit_code;
use crate::output::OneAtATime;
use crate::printer::Printer;
use crate::report::Report;
use crate::signals::{self, Signal};
use crate::what_runs::{Run, table};
use anyhow::Context as _;
use isopod_host::{Ending, ExitStatus, Process};
use isopod_text::Line;
use std::sync::LazyLock;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// Time for processes to end after the request. The host ends a process within milliseconds; the rest
/// is for a machine that is short of memory or of CPU time.
const GRACE: Duration = Duration::from_secs(3);
/// Time for killed processes to end before isopod exits without them.
const KILL_GRACE: Duration = Duration::from_secs(2);
/// Number of processes that a message names; it counts the others.
const NAMED_PROCESSES: usize = 10;

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit status of the main process; `None` if it survived its kill.
    pub(crate) status: Option<ExitStatus>,
    /// The first signal that isopod received.
    pub(crate) signal: Option<Signal>,
}

impl Outcome {
    /// The exit code of isopod.
    pub(crate) fn exit_code(&self) -> u8 {
        match (self.signal, &self.status) {
            (Some(signal), _) => signal.exit_code(),
            (None, Some(status)) => exit_code::of(status),
            (None, None) => exit_code::OWN_ERROR,
        }
    }
}

/// An event while a program runs.
#[derive(Debug)]
enum Event {
    Signal(Signal),
    /// A request for the table of processes.
    Question,
    MainEnded(ExitStatus),
    TreeEnded(ExitStatus),
}

/// A watch for signals. It begins before the program starts, and keeps a signal that arrives in between.
#[derive(Debug)]
pub(crate) struct Supervisor {
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Supervisor {
    /// Begins to watch for signals.
    ///
    /// # Errors
    /// If the watch cannot begin.
    pub(crate) fn start() -> anyhow::Result<Supervisor> {
        let (sender, events) = mpsc::channel();
        let signal_sender = sender.clone();
        // A channel without a receiver means that the program has ended: nothing is left to do.
        let question_sender = sender.clone();
        signals::watch(
            move |signal| {
                let _ = signal_sender.send(Event::Signal(signal));
            },
            move || {
                let _ = question_sender.send(Event::Question);
            },
        )?;
        Ok(Supervisor { sender, events })
    }

    /// Waits until the program with this main process, which began at `begin`, has ended. Blocks.
    ///
    /// # Errors
    /// If the thread that waits cannot be started; the program is killed then.
    pub(crate) fn wait(
        self,
        main: &Process,
        begin: Instant,
        printer: &Printer,
    ) -> anyhow::Result<Outcome> {
        let Supervisor { sender, events } = self;
        let waited_for = main.clone();
        let waiter = std::thread::Builder::new()
            .name("isopod-join".to_owned())
            .spawn(move || {
                let _ = sender.send(Event::MainEnded(waited_for.join()));
                let _ = sender.send(Event::TreeEnded(waited_for.join_tree()));
            });
        if let Err(error) = waiter {
            main.end_tree(Ending::Kill);
            return Err(error).context("cannot start the thread that waits for the program");
        }
        Ok(follow(main, begin, &events, printer))
    }
}

/// The progress of ending the tree.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Running,
    Terminating { until: Instant },
    Killing { until: Instant },
}

fn follow(main: &Process, begin: Instant, events: &Receiver<Event>, printer: &Printer) -> Outcome {
    let mut stage = Stage::Running;
    let mut signal = None;
    loop {
        let event = match stage {
            Stage::Running => events.recv().map_err(RecvTimeoutError::from),
            Stage::Terminating { until } | Stage::Killing { until } => {
                events.recv_timeout(until.saturating_duration_since(Instant::now()))
            }
        };
        match event {
            Ok(Event::TreeEnded(status)) => {
                return Outcome {
                    status: Some(status),
                    signal,
                };
            }
            Ok(Event::Question) => answer(main, begin, *printer),
            Ok(Event::Signal(first)) => {
                signal = Some(first);
                let running = main.tree();
                // Before printing: the reader of standard error may be stuck.
                stage = terminate(main);
                printer.error(&interrupted(first, &running));
            }
            // After a signal the end of the main process is no news.
            Ok(Event::MainEnded(status)) if signal.is_none() => {
                if let Some(report) =
                    ending::report(main.name(), &status, main.crash_report().as_ref())
                {
                    stage = terminate(main);
                    printer.error(&report);
                }
            }
            Ok(Event::MainEnded(_)) => {}
            Err(_) => match stage {
                Stage::Running | Stage::Terminating { .. } => {
                    let left = named(&main.tree());
                    main.end_tree(Ending::Kill);
                    stage = Stage::Killing {
                        until: Instant::now() + KILL_GRACE,
                    };
                    printer.warning(&format!(
                        "killing processes that did not end within {}: {left}",
                        humantime::format_duration(GRACE)
                    ));
                }
                Stage::Killing { .. } => {
                    let left = named(&main.tree());
                    printer.warning(&format!(
                        "exiting without the end of these processes: {left}"
                    ));
                    return Outcome {
                        status: main.exit_status(),
                        signal,
                    };
                }
            },
        }
    }
}

/// Prints the table of processes on a thread of its own: a snapshot of many processes takes a while, and a signal that
/// asks for the end must not wait for it. Drops requests that arrive while one is being answered.
fn answer(main: &Process, begin: Instant, printer: Printer) {
    static ANSWER: LazyLock<OneAtATime> = LazyLock::new(OneAtATime::default);
    let main = main.clone();
    let answering = std::thread::Builder::new()
        .name("isopod-answer".to_owned())
        .spawn(move || {
            ANSWER.run(|| printer.table(&table::processes(&Run::now(&main, begin))));
        });
    if let Err(error) = answering {
        printer.warning(&format!(
            "cannot start the thread that prints the processes: {error}"
        ));
    }
}

fn terminate(main: &Process) -> Stage {
    main.end_tree(Ending::Terminate);
    Stage::Terminating {
        until: Instant::now() + GRACE,
    }
}

fn interrupted(signal: Signal, running: &[Process]) -> Report {
    let report = Report::new(format!("interrupted by {}", signal.name()));
    match running.len() {
        0 => report,
        1 => report.cause(format!("1 process was running: {}", named(running))),
        count => report.cause(format!(
            "{count} processes were running: {}",
            named(running)
        )),
    }
}

/// `` `MainProcess` (id 1), `Process-1` (id 2) and 8 more ``.
fn named(processes: &[Process]) -> String {
    let names: Vec<String> = processes
        .iter()
        .take(NAMED_PROCESSES)
        .map(|process| format!("`{}` (id {})", Line(process.name()), process.id()))
        .collect();
    match processes.len().saturating_sub(NAMED_PROCESSES) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_counts_more_than_the_end_that_it_caused() {
        let outcome = |status, signal| Outcome { status, signal }.exit_code();
        assert_eq!(outcome(Some(ExitStatus::Exited(3)), None), 3);
        assert_eq!(
            outcome(Some(ExitStatus::Terminated), Some(Signal::Interrupt)),
            130
        );
        assert_eq!(outcome(None, Some(Signal::Terminate)), 143);
        assert_eq!(outcome(None, None), 125);
    }
}
