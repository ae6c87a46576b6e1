//! A run whose output nobody reads.

use super::{GUARD, wait};
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A run with full streams that nobody reads.
pub(crate) struct Unread(Child);

impl Unread {
    /// Starts the command, and waits until its streams accept no more.
    pub(crate) fn start(command: &mut Command) -> Unread {
        let (reader, writer) = std::io::pipe().unwrap();
        let child = command
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        // Both are one pipe. When it is full, it accepts not one byte more.
        let begin = Instant::now();
        let mut last = 0;
        loop {
            let held = rustix::io::ioctl_fionread(&reader).unwrap();
            // Pieces that are shorter than a page leave room unused.
            if held == last && held > 30_000 {
                break;
            }
            last = held;
            assert!(begin.elapsed() < GUARD, "{held} bytes");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        // Not closed: a write to a pipe without a reader would end the writers.
        std::mem::forget(reader);
        Unread(child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits for the end, and returns the exit code and the time of the wait.
    pub(crate) fn end(mut self) -> (Option<i32>, Duration) {
        let begin = Instant::now();
        let status = wait(&mut self.0, begin + GUARD);
        if status.is_none() {
            let _ = self.0.kill();
        }
        (status.and_then(|status| status.code()), begin.elapsed())
    }
}
