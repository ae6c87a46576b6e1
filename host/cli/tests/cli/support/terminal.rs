//! A run of isopod on a terminal: all three streams are the same pseudo-terminal.

use super::running::{GUARD, wait};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

/// The program on a terminal, and the output that a person has seen.
#[derive(Debug)]
pub(crate) struct Terminal {
    child: Child,
    /// The person's side of the terminal.
    person: File,
    bytes: Receiver<Vec<u8>>,
    screen: Vec<u8>,
    guard: Instant,
}

impl Terminal {
    pub(crate) fn start(mut command: Command) -> Terminal {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&person, size).unwrap();
        let device = open(
            name.as_c_str(),
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .unwrap();
        let side = || Stdio::from(device.try_clone().unwrap());
        let child = command
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        // The command keeps copies of the program's side, and as long as these exist the file has no end.
        drop(command);
        drop(device);
        let person = File::from(person);
        let mut reader = person.try_clone().unwrap();
        let (sender, bytes) = mpsc::channel();
        std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || {
                let mut buffer = vec![0; 64 << 10];
                // After the last program on a terminal has ended, a read returns an error.
                while let Ok(count @ 1..) = reader.read(&mut buffer) {
                    if sender.send(buffer[..count].to_vec()).is_err() {
                        break;
                    }
                }
            })
            .unwrap();
        Terminal {
            child,
            person,
            bytes,
            screen: Vec::new(),
            guard: Instant::now() + GUARD,
        }
    }

    /// Waits until the whole output so far is this text.
    pub(crate) fn wait_for(&mut self, text: &str) {
        while self.screen != text.as_bytes() {
            if !self.receive() {
                self.fail(text);
            }
        }
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        self.person.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end; returns the exit code and the whole output, with `\r\n` as `\n`.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        while self.receive() {}
        let Some(status) = wait(&mut self.child, self.guard) else {
            self.fail("the end")
        };
        let screen = String::from_utf8(std::mem::take(&mut self.screen)).unwrap();
        (status.code(), screen.replace("\r\n", "\n"))
    }

    fn receive(&mut self) -> bool {
        let left = self.guard.saturating_duration_since(Instant::now());
        match self.bytes.recv_timeout(left) {
            Ok(bytes) => self.screen.extend(bytes),
            Err(mpsc::RecvTimeoutError::Disconnected) => return false,
            Err(mpsc::RecvTimeoutError::Timeout) => self.fail("more on the screen"),
        }
        true
    }

    fn fail(&mut self, what: &str) -> ! {
        let _ = self.child.kill();
        let screen = String::from_utf8_lossy(&self.screen);
        panic!("waited for {what:?}, the screen shows {screen:?}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
