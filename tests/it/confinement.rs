//! A process that has confined itself is attacked from the inside: `tests/escaped` takes the place of a
//! guest that has escaped, in an operating-system process of its own. Each step that must fail first runs
//! without a confinement, where the user may take it: a step that never works would show nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic is how a test fails"
)]

use isopod_tests::{Temporary, eventually};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::process::{Child, Command, Stdio};

/// Whether this kernel has all the features that the tests need; prints a message if not.
fn is_confining() -> bool {
    let (output, _) = escaped("keep", &[], &[]);
    let missing: Vec<&String> = output
        .keys()
        .filter(|line| line.starts_with("missing"))
        .collect();
    if !missing.is_empty() {
        eprintln!("skipped: {missing:?}");
    }
    missing.is_empty()
}

/// The outcome of each step, and whether the process came to its own end.
fn escaped(mode: &str, kept: &[&str], steps: &[(&str, &str)]) -> (BTreeMap<String, String>, bool) {
    let steps = steps.iter().flat_map(|(step, argument)| [*step, *argument]);
    let output = Command::new(env!("CARGO_BIN_EXE_escaped"))
        .arg(mode)
        .args(kept)
        .arg("do")
        .args(steps)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}: {stderr}", output.status);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let answers = stdout.lines().map(|line| match line.rsplit_once(": ") {
        Some((step, answer)) => (step.to_owned(), answer.to_owned()),
        None => (line.to_owned(), String::new()),
    });
    let answers: BTreeMap<String, String> = answers.collect();
    let ended = stdout
        .lines()
        .last()
        .is_some_and(|line| line.contains("code 0"));
    (answers, ended)
}

fn assert_answers(
    kept: &[&str],
    steps: &[(&str, &str)],
    is_expected: impl Fn(&str) -> bool,
    expected: &str,
) {
    let (answers, ended) = escaped("keep", kept, steps);
    assert!(ended, "it came to its end: {answers:?}");
    for (step, argument) in steps {
        let step = format!("{step} {argument}");
        let answer = answers.get(&step);
        let answer = answer.unwrap_or_else(|| panic!("no answer to `{step}`: {answers:?}"));
        assert!(is_expected(answer), "`{step}` is {expected}: {answer}");
    }
}

fn assert_denied(kept: &[&str], steps: &[(&str, &str)]) {
    let is_denied = |answer: &str| ["EPERM", "EACCES", "EXDEV"].contains(&answer);
    assert_answers(kept, steps, is_denied, "denied");
}

fn assert_done(kept: &[&str], steps: &[(&str, &str)]) {
    assert_answers(kept, steps, |answer| answer == "done", "done");
}

/// Asserts that these steps work in a process that is not confined, if they are harmless there.
fn assert_possible(steps: &[(&str, &str)]) {
    let (answers, _) = escaped("free", &[], steps);
    for (step, argument) in steps {
        let answer = answers.get(&format!("{step} {argument}"));
        assert_eq!(
            answer.map(String::as_str),
            Some("done"),
            "{step} {argument}"
        );
    }
}

/// A directory with `secret`, `granted/file`, and links in `granted` that lead out.
struct Place {
    directory: Temporary,
}

impl Place {
    fn new(name: &str) -> Place {
        let directory = Temporary::new(name).unwrap();
        let place = Place { directory };
        fs::create_dir_all(place.at("granted")).unwrap();
        fs::create_dir_all(place.at("cache")).unwrap();
        for file in ["secret", "granted/file", "cache/code"] {
            fs::write(place.at(file), file).unwrap();
        }
        symlink(place.at("secret"), place.at("granted/out")).unwrap();
        symlink(place.at(""), place.at("granted/above")).unwrap();
        place
    }

    fn at(&self, path: &str) -> String {
        self.directory
            .path()
            .join(path)
            .to_str()
            .unwrap()
            .to_owned()
    }
}

#[test]
fn files_that_are_not_granted_are_out_of_reach() {
    if !is_confining() {
        return;
    }
    let place = Place::new("confinement-files");
    let (secret, granted) = (place.at("secret"), place.at("granted"));
    let through_root = format!("/proc/self/root{secret}");
    let through_link = place.at("granted/out");
    let above = place.at("granted/above/secret");
    let up = place.at("granted/../secret");
    let parent = std::process::id();
    let its_root = format!("/proc/{parent}/root{secret}");
    let environment = format!("/proc/{parent}/environ");
    let status = format!("/proc/{parent}/status");
    let reads = [
        ("read", secret.as_str()),
        ("read", &through_root),
        ("read", &through_link),
        ("read", &above),
        ("read", &up),
        ("read", &its_root),
        ("read", &environment),
        ("read", &status),
        ("read", "/etc/passwd"),
        ("list", "/"),
        ("list", "/proc"),
        ("list", "/proc/self/fd"),
        ("read", "/proc/self/status"),
        ("append", &secret),
        ("truncate", &secret),
    ];
    assert_possible(&reads);
    assert_denied(&["write", &granted], &reads);
    assert_denied(&[], &reads);
    let (new, moved, linked) = (
        place.at("new"),
        place.at("granted/moved"),
        place.at("granted/linked"),
    );
    let (code, added) = (place.at("cache/code"), place.at("cache/added"));
    let memory = format!("/proc/{parent}/mem");
    let (in_by_move, in_by_link) = (format!("{secret}>{moved}"), format!("{secret}>{linked}"));
    let out_by_move = format!("{}>{new}", place.at("granted/file"));
    assert_denied(
        &["write", &granted, "read", &place.at("cache")],
        &[
            ("write", &new),
            ("write", &code),
            ("write", &added),
            ("remove", &code),
            ("remove", &secret),
            ("make-directory", &new),
            ("move", &in_by_move),
            ("link", &in_by_link),
            ("move", &out_by_move),
            ("change-mode", &secret),
            ("make-device", &moved),
            ("read", &memory),
            ("write", &memory),
            ("open-by-handle", ""),
        ],
    );
    assert_eq!(
        fs::read_to_string(place.at("cache/code")).unwrap(),
        "cache/code"
    );
}

#[test]
fn what_is_granted_goes_on_working() {
    let place = Place::new("confinement-granted");
    let (granted, file) = (place.at("granted"), place.at("granted/file"));
    let cached = place.at("cache/code");
    let (new, moved) = (place.at("granted/new"), place.at("granted/in/moved"));
    let inner = place.at("granted/in");
    let (moves, links) = (
        format!("{new}>{moved}"),
        format!("nowhere>{}", place.at("granted/link")),
    );
    assert_done(
        &["write", &granted, "read", &place.at("cache")],
        &[
            ("read", &file),
            ("list", &granted),
            ("read", &cached),
            ("write", &new),
            ("append", &new),
            ("make-directory", &inner),
            ("move", &moves),
            ("link-symbolically", &links),
            ("remove", &moved),
            ("remove-directory", &inner),
            ("start-thread", ""),
            ("signal-self", ""),
            ("stream-pair", ""),
            ("limit", "0"),
        ],
    );
}

#[test]
fn no_program_is_executed_and_no_namespace_made() {
    if !is_confining() {
        return;
    }
    let place = Place::new("confinement-programs");
    let granted = place.at("granted");
    let program = place.at("granted/program");
    fs::copy("/bin/true", &program).unwrap();
    assert_possible(&[("start-program", &program), ("fork", "")]);
    assert_denied(
        &["write", &granted],
        &[
            ("start-program", "/bin/true"),
            ("start-program", &program),
            ("become-program", "/bin/true"),
            ("become-program", &program),
            ("become-memory", &program),
            ("fork", ""),
            ("fork-into-namespace", ""),
            ("new-namespaces", ""),
            ("change-root", &granted),
            ("mount", &granted),
            ("load-module", ""),
            ("become-user", "1"),
        ],
    );
    // The kernel filter cannot read the flags of `clone3`, so the call does not exist for the process, and
    // the C library makes threads with the older call.
    let (answers, _) = escaped("keep", &[], &[("clone3", "")]);
    assert_eq!(answers.get("clone3 ").map(String::as_str), Some("ENOSYS"));
}

#[test]
fn other_processes_are_out_of_reach() {
    if !is_confining() {
        return;
    }
    let parent = std::process::id().to_string();
    let steps = [
        ("trace", parent.as_str()),
        ("read-memory", &parent),
        ("signal", &parent),
        ("signal-thread", &parent),
        ("signal-by-descriptor", &parent),
        ("signal-by-input", &parent),
        ("limit", &parent),
        ("share-memory", ""),
    ];
    // For most of these steps, the user decides which processes it may trace and signal; not for the last
    // ones.
    assert_possible(&[
        ("signal", &parent),
        ("signal-by-descriptor", &parent),
        ("signal-by-input", &parent),
        ("share-memory", ""),
    ]);
    assert_denied(&[], &steps);
    assert_denied(
        &[],
        &[
            ("io-uring", ""),
            ("bpf", ""),
            ("perf", ""),
            ("keys", ""),
            ("page-faults", ""),
            ("type-into-terminal", ""),
        ],
    );
}

#[test]
fn sockets_reach_what_is_granted() {
    if !is_confining() {
        return;
    }
    let place = Place::new("confinement-sockets");
    let granted = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let (stream, datagram) = (place.at("granted/stream"), place.at("granted/datagram"));
    let _stream = UnixListener::bind(&stream).unwrap();
    let _datagram = UnixDatagram::bind(&datagram).unwrap();
    let name = format!("isopod-confinement-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();
    let text = |address: std::io::Result<std::net::SocketAddr>| address.unwrap().to_string();
    let (granted_at, other_at) = (text(granted.local_addr()), text(other.local_addr()));
    let datagrams_at = text(datagrams.local_addr());
    let free_at = text(free.local_addr());
    drop(free);
    let unix = [
        ("connect-unix", stream.as_str()),
        ("send-unix", &datagram),
        ("connect-abstract", &name),
    ];
    let network = [
        ("connect", granted_at.as_str()),
        ("connect", &other_at),
        ("listen", "127.0.0.1:0"),
        ("send", &datagrams_at),
    ];
    assert_possible(&unix);
    assert_possible(&network);
    let directory = place.at("granted");
    let without = ["write", directory.as_str()];
    assert_denied(&without, &unix);
    assert_denied(&without, &network);
    assert_denied(&without, &[("raw-socket", ""), ("netlink", "")]);

    let client = ["write", &directory, "connect", &granted_at];
    assert_done(
        &client,
        &[("connect", &granted_at), ("send", &datagrams_at)],
    );
    assert_denied(&client, &unix);
    assert_denied(
        &client,
        &[
            ("connect", &other_at),
            ("listen", &free_at),
            ("raw-socket", ""),
            ("netlink", ""),
        ],
    );
    let server = ["listen", free_at.as_str()];
    assert_done(&server, &[("listen", &free_at)]);
    assert_denied(
        &server,
        &[("connect", &granted_at), ("listen", "127.0.0.1:0")],
    );
    assert_done(
        &["names"],
        &[("look-up", "localhost"), ("read", "/etc/hosts")],
    );
    assert_denied(
        &["names"],
        &[("connect", &granted_at), ("read", "/etc/passwd")],
    );
    drop((granted, other));
}

/// A process that stays until its standard input is closed.
struct Staying(Child);

impl Staying {
    fn start(kept: &[&str], steps: &[(&str, &str)]) -> Staying {
        let steps = steps.iter().flat_map(|(step, argument)| [*step, *argument]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_escaped"))
            .arg("keep")
            .args(kept)
            .arg("do")
            .args(steps)
            .arg("stay")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let ended = output.lines().any(|line| line.unwrap().contains("code 0"));
        assert!(ended, "its program came to its end");
        Staying(child)
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn every_thread_is_confined() {
    if !is_confining() {
        return;
    }
    let staying = Staying::start(&[], &[("start-thread", "")]);
    let tasks = format!("/proc/{}/task", staying.0.id());
    let of_threads = || -> Vec<(String, bool)> {
        let entries = fs::read_dir(&tasks).unwrap();
        let texts = entries.filter_map(|entry| {
            let text = fs::read_to_string(entry.unwrap().path().join("status")).ok()?;
            let has = |line: &str| text.lines().any(|other| other == line);
            let is_confined = has("Seccomp:\t2") && has("NoNewPrivs:\t1");
            Some((text.lines().next()?.to_owned(), is_confined))
        });
        texts.collect()
    };
    // The timer, WASI's I/O and the idle thread of the process that has ended.
    eventually("the threads that serve", || of_threads().len() >= 4);
    let threads = of_threads();
    assert!(
        threads.iter().all(|(_, is_confined)| *is_confined),
        "{threads:?}"
    );
}
