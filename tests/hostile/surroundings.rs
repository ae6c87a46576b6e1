//! The surroundings of the guest: files, variables, arguments, clocks.

use crate::harness::Expectation::Exits;
use crate::harness::{hostile, hostile_with};
use isopod_host::Access;
use isopod_tests::Temporary;
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn path_escapes() {
    let temporary = Temporary::new("path-escapes").unwrap();
    let path = |name: &str| temporary.path().join(name);
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
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 3);
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
fn opens_of_fifos() {
    let temporary = Temporary::new("fifos").unwrap();
    temporary.fifo("fifo").unwrap();
    fs::write(temporary.path().join("inside"), "inside").unwrap();
    hostile_with("opens-of-fifos", Exits("1000 refused\n"), |command| {
        command.directory(temporary.path(), "/data", Access::ReadWrite)
    });
}
