//! Processes that start others with fewer rights than their own, and try to give them more.

use crate::Outcome;
use isopod::{Builder, ErrorKind, Process};
use std::fs;

pub fn run(scenario: &[&str]) -> Outcome {
    match scenario {
        ["less"] => less(),
        ["more"] => more(),
        ["of-workers"] => of_workers(),
        other => panic!("no scenario {other:?}"),
    }
}

/// The view of a process: of `/data`, which its tree may write, of `/fixed`, which it may read, and of its
/// variables.
fn seen() -> String {
    let mut seen = String::new();
    for directory in ["/data", "/fixed"] {
        let inside = format!("{directory}/inside");
        seen.push(if fs::read(&inside).is_ok() { 'r' } else { '-' });
        seen.push(if fs::write(inside, "inside").is_ok() {
            'w'
        } else {
            '-'
        });
    }
    let mut names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    names.sort();
    format!("{seen} {}", names.join(","))
}

fn child(builder: Builder) -> isopod::Result<String> {
    builder.spawn(seen, ())?.join()
}

fn less() -> Outcome {
    let builder = Process::builder;
    println!("all: {}", child(builder())?);
    println!("one: {}", child(builder().directories(["/data"]))?);
    println!("none: {}", child(builder().directories([]))?);
    println!("read only: {}", child(builder().read_only())?);
    let both = builder()
        .read_only()
        .directories(["/data"])
        .environment(["LEVEL"]);
    println!("both: {}", child(both)?);
    println!("no variables: {}", child(builder().environment([]))?);
    println!("own: {}", seen());
    // A grandchild that asks for nothing has the rights of its parent.
    let child = builder().directories(["/fixed"]).environment([]);
    let grandchild = child.spawn(|| Process::spawn(seen, ())?.join(), ())?;
    println!("grandchild: {}", grandchild.join()?);
    Ok(())
}

fn more() -> Outcome {
    let refused = |builder: Builder| {
        let error = builder
            .spawn(|| (), ())
            .expect_err("more than its parent has");
        println!("{:?}: {error}", error.kind());
    };
    refused(Process::builder().directories(["/data", "/etc"]));
    refused(Process::builder().environment(["SECRET"]));
    refused(Process::builder().network(["127.0.0.1:*"], []));
    refused(Process::builder().network([], ["127.0.0.1:80"]));
    refused(Process::builder().network(["localhost:80"], []));
    refused(Process::builder().file_operation_limit(5));
    refused(Process::builder().file_operation_limit(0));
    // A child can pass on only the rights that it received.
    let child = Process::builder().directories(["/data"]).spawn(
        || {
            let more = Process::builder().directories(["/fixed"]).spawn(|| (), ());
            let error = more.expect_err("more than its parent has");
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            error.to_string()
        },
        (),
    )?;
    println!("{}", child.join()?);
    Ok(())
}

/// The workers of a pool have the rights of its owner.
fn of_workers() -> Outcome {
    let owner = Process::builder().directories(["/fixed"]).environment([]);
    let owner = owner.spawn(
        || {
            let pool = isopod::Pool::with_workers(1)?;
            pool.apply(seen, ())
        },
        (),
    )?;
    println!("{}", owner.join()?);
    Ok(())
}
