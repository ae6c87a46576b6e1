//! Waits for a program to end, and sees to it that it does, with all its processes.
//!
//! A program ends in order when its main process has ended and with it every process of its tree.
//! A signal asks for that end, or what runs. After an end that is not normal (a trap, a limit) the host itself
//! ends what main leaves behind; that error is printed as soon as it is known, not when the last
//! process is gone. In both cases the wait is bounded: processes that do not end when told to are
//! killed, and given up after that.

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

/// How long processes have to end once they are told to. The host ends a process within
/// milliseconds; the rest is for a machine that is short of memory or of CPU time.
const GRACE: Duration = Duration::from_secs(3);
/// How long killed processes have until isopod exits without them.
const KILL_GRACE: Duration = Duration::from_secs(2);
/// How many processes are named in a message; more are counted.
const NAMED_PROCESSES: usize = 10;

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How the main process ended; `None` if it did not, although it was killed.
    pub(crate) status: Option<ExitStatus>,
    /// The signal that isopod got first.
    pub(crate) signal: Option<Signal>,
}

impl Outcome {
    /// What isopod exits with.
    pub(crate) fn exit_code(&self) -> u8 {
        match (self.signal, &self.status) {
            (Some(signal), _) => signal.exit_code(),
            (None, Some(status)) => exit_code::of(status),
            (None, None) => exit_code::OWN_ERROR,
        }
    }
}

/// What happens while a program runs.
#[derive(Debug)]
enum Event {
    Signal(Signal),
    /// What runs?
    Question,
    MainEnded(ExitStatus),
    TreeEnded(ExitStatus),
}

/// Signals that are watched for, to be made before the program starts: a signal that comes in
/// between is kept.
#[derive(Debug)]
pub(crate) struct Supervisor {
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Supervisor {
    /// Begins to watch for signals.
    ///
    /// # Errors
    /// If they cannot be watched for.
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

/// How far the tree has been told to end.
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
                // First: whoever reads standard error may never read it.
                stage = terminate(main);
                printer.error(&interrupted(first, &running));
            }
            // After a signal the end of the main process is what was asked for.
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
                        "killing what did not end within {}: {left}",
                        humantime::format_duration(GRACE)
                    ));
                }
                Stage::Killing { .. } => {
                    let left = named(&main.tree());
                    printer.warning(&format!("leaving without what cannot be ended: {left}"));
                    return Outcome {
                        status: main.exit_status(),
                        signal,
                    };
                }
            },
        }
    }
}

/// Prints what runs, on a thread of its own: to look at all processes takes a while where there are many, and a signal
/// that asks for the end must not wait for that. What is asked while it is being answered is not answered.
fn answer(main: &Process, begin: Instant, printer: Printer) {
    static ANSWER: LazyLock<OneAtATime> = LazyLock::new(OneAtATime::default);
    let main = main.clone();
    let answering = std::thread::Builder::new()
        .name("isopod-answer".to_owned())
        .spawn(move || {
            ANSWER.run(|| printer.table(&table::processes(&Run::now(&main, begin))));
        });
    if let Err(error) = answering {
        printer.warning(&format!("no thread to tell what runs: {error}"));
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
