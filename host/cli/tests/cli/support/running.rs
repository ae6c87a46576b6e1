//! A run of isopod that a test follows while it lasts.

use super::Ended;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, pidfd_open, waitid,
};
use std::io::Read;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

/// A program that has not met the test's expectation after this time has failed.
pub(crate) const GUARD: Duration = Duration::from_secs(120);

/// A command that has not ended after this time has failed. It may build, and builds wait for each other;
/// the first one may have to build the standard library.
pub(crate) const BUILD_GUARD: Duration = Duration::from_secs(1200);

/// Runs a command, which may build, to its end.
pub(crate) fn run(mut command: Command) -> Ended {
    Running::start_within(&mut command, BUILD_GUARD).end()
}

/// The tick of the clock in which the kernel reports CPU time, on all machines.
const MILLISECONDS_PER_TICK: u64 = 10;

/// The stream from which bytes came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Output,
    Error,
}

/// A run whose output is collected as it comes.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    guard: Instant,
    bytes: Receiver<(Stream, Vec<u8>)>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Running {
    /// Starts a command that does not build.
    pub(crate) fn start(command: &mut Command) -> Running {
        Running::start_within(command, GUARD)
    }

    /// Starts a command that may build.
    pub(crate) fn start_build(command: &mut Command) -> Running {
        Running::start_within(command, BUILD_GUARD)
    }

    fn start_within(command: &mut Command, guard: Duration) -> Running {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, bytes) = mpsc::channel();
        follow(child.stdout.take().unwrap(), Stream::Output, sender.clone());
        follow(child.stderr.take().unwrap(), Stream::Error, sender);
        Running {
            child,
            guard: Instant::now() + guard,
            bytes,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }

    /// Its standard input, if the command has a pipe for it. It is open until it is dropped.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// Waits until standard output is this text.
    pub(crate) fn wait_for_output(&mut self, text: &str) {
        self.wait_until(text, |running| running.stdout == text.as_bytes());
    }

    /// Waits until standard output has these lines, in any order.
    pub(crate) fn wait_for_lines(&mut self, lines: &[&str]) {
        self.wait_until(&lines.join(", "), |running| {
            let output = String::from_utf8_lossy(&running.stdout);
            let mut found: Vec<&str> = output.lines().collect();
            let mut wanted = lines.to_vec();
            found.sort_unstable();
            wanted.sort_unstable();
            output.ends_with('\n') && found == wanted
        });
    }

    /// Waits until this is the last line of standard output.
    pub(crate) fn wait_for_last_line(&mut self, line: &str) {
        let end = format!("{line}\n");
        self.wait_until(line, |running| {
            let output = String::from_utf8_lossy(&running.stdout);
            output.ends_with(&end)
        });
    }

    /// Waits until a line of standard error contains this.
    pub(crate) fn wait_for_error_line(&mut self, text: &str) {
        self.wait_until(text, |running| {
            let output = String::from_utf8_lossy(&running.stderr);
            let complete = output.rfind('\n').map_or("", |end| &output[..end]);
            complete.lines().any(|line| line.contains(text))
        });
    }

    /// Whether standard error contains this so far. Does not wait.
    pub(crate) fn has_error(&mut self, text: &str) -> bool {
        while let Ok((stream, bytes)) = self.bytes.try_recv() {
            match stream {
                Stream::Output => self.stdout.extend(bytes),
                Stream::Error => self.stderr.extend(bytes),
            }
        }
        String::from_utf8_lossy(&self.stderr).contains(text)
    }

    /// The operating system's number of the run.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(pid(&self.child), signal).unwrap();
    }

    /// Waits for its end, and returns the CPU time of all its threads.
    pub(crate) fn cpu_time(&self) -> Duration {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(pid(&self.child)), ended).unwrap();
        // Nobody has collected it yet, so the kernel still has its record.
        let record = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields = record.rsplit_once(')').unwrap().1.split_whitespace();
        let ticks = fields.skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * MILLISECONDS_PER_TICK)
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        while self.receive() {}
        let status = wait(&mut self.child, self.guard).unwrap_or_else(|| self.fail("the end"));
        Ended::new(status, &self.stdout, &self.stderr)
    }

    fn wait_until(&mut self, what: &str, is_there: impl Fn(&Running) -> bool) {
        while !is_there(self) {
            if !self.receive() {
                self.fail(what);
            }
        }
    }

    /// Takes the next output; false if there will be none.
    fn receive(&mut self) -> bool {
        let left = self.guard.saturating_duration_since(Instant::now());
        match self.bytes.recv_timeout(left) {
            Ok((Stream::Output, bytes)) => self.stdout.extend(bytes),
            Ok((Stream::Error, bytes)) => self.stderr.extend(bytes),
            Err(mpsc::RecvTimeoutError::Disconnected) => return false,
            Err(mpsc::RecvTimeoutError::Timeout) => self.fail("more output"),
        }
        true
    }

    fn fail(&mut self, what: &str) -> ! {
        let _ = self.child.kill();
        panic!(
            "waited for: {what}\n--- standard output\n{}\n--- standard error\n{}",
            String::from_utf8_lossy(&self.stdout),
            String::from_utf8_lossy(&self.stderr)
        );
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing running.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn follow(mut stream: impl Read + Send + 'static, name: Stream, sender: Sender<(Stream, Vec<u8>)>) {
    std::thread::Builder::new()
        .name("follow".to_owned())
        .spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                // If the receiver is gone, the test is over.
                if sender.send((name, buffer[..count].to_vec())).is_err() {
                    break;
                }
            }
        })
        .unwrap();
}

/// Waits for a child; none if it reaches the guard first.
pub(crate) fn wait(child: &mut Child, guard: Instant) -> Option<ExitStatus> {
    let pidfd = pidfd_open(pid(child), PidfdFlags::empty()).unwrap();
    let left = guard.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).unwrap();
    let ended = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&left)).unwrap();
    (ended > 0).then(|| child.wait().unwrap())
}
