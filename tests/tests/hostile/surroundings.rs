//! What lies outside of the guest: files, variables, arguments, clocks.

use crate::harness::Expectation::{Exits, IsKilled};
use crate::harness::{hostile, hostile_with};
use isopod_host::Access;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// A directory that is removed with all that is in it.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Temporary {
        let path = std::env::temp_dir().join(format!("isopod-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn path_escapes() {
    let temporary = Temporary::new("path-escapes");
    let path = |name: &str| temporary.0.join(name);
    fs::write(path("secret"), "secret").unwrap();
    for directory in ["data", "fixed"] {
        fs::create_dir(path(directory)).unwrap();
        fs::write(path(directory).join("inside"), "inside").unwrap();
    }
    symlink(path("secret"), path("data/link-to-secret")).unwrap();
    symlink("..", path("data/link-up")).unwrap();
    symlink("/", path("data/link-to-root")).unwrap();
    hostile_with("path-escapes", Exits("nothing leads out\n"), |command| {
        command
            .directory(path("data"), "/data", Access::ReadWrite)
            .directory(path("fixed"), "/fixed", Access::ReadOnly)
    });
    assert_eq!(fs::read(path("secret")).unwrap(), b"secret");
    assert_eq!(fs::read(path("fixed/inside")).unwrap(), b"inside");
    assert_eq!(fs::read_dir(&temporary.0).unwrap().count(), 3);
    assert_eq!(fs::read_dir(path("fixed")).unwrap().count(), 1);
}

#[test]
fn peeks_around() {
    hostile("peeks-around", Exits("[\"peeks-around\"]\n[]\n"));
}

#[test]
fn clock_misuse() {
    hostile("clock-misuse", Exits("clocks [0, 1]\n2 traps\n"));
}

#[test]
fn random_misuse() {
    hostile("random-misuse", Exits("3 traps\n"));
}

#[test]
#[ignore = "needs the limit on blocking host operations: opens of FIFOs take all threads for files"]
fn opens_of_fifos() {
    let temporary = Temporary::new("fifos");
    let fifo = temporary.0.join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    fs::write(temporary.0.join("inside"), "inside").unwrap();
    hostile_with("opens-of-fifos", IsKilled, |command| {
        command.directory(&temporary.0, "/data", Access::ReadOnly)
    });
}
