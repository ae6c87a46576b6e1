//! The rights of a program, and the rights that its processes pass on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic is how a test fails, and a test starts threads as it likes"
)]

use isopod_host::events::{EngineEvent, Events, RefusalKind};
use isopod_host::{Access, ErrorKind, Policy};
use isopod_tests::{Bench, Temporary, run};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// Runs a scenario that must succeed and returns its standard output.
fn output(scenario: &str, policy: Policy) -> String {
    let bench = Bench::new().unwrap();
    let finished = run(bench.command(scenario).policy(policy)).unwrap();
    finished.assert_success(scenario);
    finished.stdout
}

/// `/data` to write, `/fixed` to read, two variables.
fn with_directories(temporary: &Temporary) -> Policy {
    let path = |name: &str| temporary.path().join(name);
    for name in ["data", "fixed"] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("inside"), "inside").unwrap();
    }
    Policy::default()
        .directory(path("data"), "/data", Access::ReadWrite)
        .directory(path("fixed"), "/fixed", Access::ReadOnly)
        .env("LEVEL", "3")
        .env("COLOUR", "green")
}

#[test]
fn a_child_has_all_or_what_was_asked_for() {
    let temporary = Temporary::new("rights").unwrap();
    let told = output("rights less", with_directories(&temporary));
    assert_eq!(
        told,
        "all: rwr- COLOUR,LEVEL\n\
         one: rw-- COLOUR,LEVEL\n\
         none: ---- COLOUR,LEVEL\n\
         read only: r-r- COLOUR,LEVEL\n\
         both: r--- LEVEL\n\
         no variables: rwr- \n\
         own: rwr- COLOUR,LEVEL\n\
         grandchild: --r- \n"
    );
}

#[test]
fn the_workers_of_a_pool_have_what_its_owner_has() {
    let temporary = Temporary::new("workers").unwrap();
    assert_eq!(
        output("rights of-workers", with_directories(&temporary)),
        "--r- \n"
    );
}

#[test]
fn a_child_cannot_have_more_than_its_parent() {
    let temporary = Temporary::new("more").unwrap();
    let policy = with_directories(&temporary).connect("127.0.0.1:80".parse().unwrap());
    let told = output("rights more", policy);
    let expected = [
        "AccessDenied: the process that asks has no directory `/etc` to pass on; it has `/data`, `/fixed`",
        "AccessDenied: the process that asks has no environment variable `SECRET` to pass on; it has `LEVEL`, `COLOUR`",
        "AccessDenied: the process that asks has no address to connect to `127.0.0.1:*` to pass on; it has `127.0.0.1:80`",
        "AccessDenied: the process that asks has no address to listen at `127.0.0.1:80` to pass on; it has none",
        "InvalidArgument: `localhost:80` is no network address: the text before the port is no IP address, and names are not looked up; one looks like `127.0.0.1:80`, `[::1]:80` or `*:80`",
        "LimitExceeded: a limit of file operations of 5 is more than the 4 of the process that asks",
        "InvalidArgument: a limit of 0 file operations is too small: the smallest is 1",
        "the process that asks has no directory `/fixed` to pass on; it has `/data`",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn connections_are_made_where_they_are_granted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || {
        for connection in listener.incoming().take(3) {
            let mut connection = connection.unwrap();
            let mut bytes = [0; 4];
            connection.read_exact(&mut bytes).unwrap();
            assert_eq!(&bytes, b"ping");
            connection.write_all(b"pong").unwrap();
        }
    });
    let scenario = format!("network connect {port}");
    let refused = "access-denied\n";
    // A connection without a grant does not reach the listener, which would answer.
    assert_eq!(output(&scenario, Policy::default()), refused);
    let other_port = format!("127.0.0.1:{}", port.wrapping_add(1));
    for other in [other_port, format!("127.0.0.2:{port}")] {
        let policy = Policy::default().connect(other.parse().unwrap());
        assert_eq!(output(&scenario, policy), refused);
    }
    let granted = || Policy::default().connect(format!("127.0.0.1:{port}").parse().unwrap());
    assert_eq!(output(&scenario, granted()), "pong\n");
    let told = output(&format!("network child {port}"), granted());
    assert_eq!(told, "access-denied\npong\npong\n");
    answering.join().unwrap();
    // The right to connect to an address is not the right to listen there.
    let scenario = format!("network listen {port}");
    assert_eq!(output(&scenario, granted()), refused);
    let policy = Policy::default().listen("127.0.0.1:*".parse().unwrap());
    assert_eq!(output("network listen 0", policy), "listens\n");
}

#[test]
fn names_are_looked_up_where_that_is_granted() {
    // A numeric address needs no look-up; every machine knows `localhost`.
    for (name, unasked) in [
        ("127.0.0.1", "an address\n"),
        ("[::1]", "an address\n"),
        ("localhost", "access-denied\n"),
    ] {
        let scenario = format!("network look-up {name}");
        let granted = Policy::default().name_lookup(true);
        assert_eq!(output(&scenario, granted), "an address\n", "{name}");
        assert_eq!(output(&scenario, Policy::default()), unasked, "{name}");
    }
    for name in ["a/b", "ä", "a:80", &"a".repeat(254)] {
        let granted = Policy::default().name_lookup(true);
        let told = output(&format!("network look-up {name}"), granted);
        assert_eq!(told, "invalid-argument\n", "{name}");
    }
}

#[test]
fn a_directory_that_cannot_be_granted_is_told() {
    let bench = Bench::new().unwrap();
    let kind = |path: &str| {
        let policy = Policy::default().directory(path, "/data", Access::ReadOnly);
        let refused = bench.command("nothing").policy(policy).spawn();
        refused.unwrap_err().kind()
    };
    assert_eq!(kind("/no/such/directory"), ErrorKind::NotFound);
    assert_eq!(kind("/dev/null"), ErrorKind::InvalidArgument);
    // The kernel's own files.
    assert_eq!(kind("/proc/self"), ErrorKind::InvalidArgument);
}

/// The network refusals of a program are events: the first of each kind, with the address that it asked
/// for.
#[test]
fn refused_addresses_and_names_are_told() {
    let bench = Bench::new().unwrap();
    let other = Policy::default().connect("192.0.2.7:443".parse().unwrap());
    for (scenario, policy, refusal, subject) in [
        (
            "network connect 80",
            Policy::default(),
            RefusalKind::Address,
            "a TCP socket",
        ),
        (
            "network connect 80",
            other,
            RefusalKind::Address,
            "TcpConnect 127.0.0.1:80",
        ),
        (
            "network look-up example.org",
            Policy::default(),
            RefusalKind::NameLookup,
            "example.org",
        ),
    ] {
        let events = Events::builder(&bench.engine).decisions(true).listen();
        let process = bench.command(scenario).policy(policy).spawn().unwrap();
        process.join_tree_timeout(isopod_tests::GUARD).unwrap();
        let told: Vec<EngineEvent> = std::iter::from_fn(|| events.try_recv().ok()).collect();
        let is_told = told.iter().any(|event| match event {
            EngineEvent::Refused {
                refusal: kind,
                subject: text,
                count: 1,
                ..
            } => *kind == refusal && text.starts_with(subject),
            _ => false,
        });
        assert!(is_told, "{scenario}: {told:?}");
    }
}
