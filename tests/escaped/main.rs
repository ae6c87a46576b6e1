//! A guest that has escaped: native code of its own choice, in the operating-system process that runs
//! guests.
//!
//! The process confines itself as its arguments say and runs a program, whose host function then acts as an
//! attacker would. It prints each step with the system's answer: `read /etc/passwd: done`, or the error.
//! `tests/it/confinement.rs` starts it, and holds which steps must fail and which must not.
//!
//! ```text
//! escaped [free | keep [read PATH] [write PATH] [connect ADDRESS] [listen ADDRESS] [names]] do [STEP ARGUMENT].. [stay]
//! ```

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a panic is how a test fails, and its output is what it is for"
)]

mod steps;

use anyhow::{Context as _, bail};
use isopod_host::confine::Confinement;
use isopod_host::extension::{Extension, GuestState};
use isopod_host::wasmtime::component::Linker;
use isopod_host::{Command, Engine, Policy, Program};
use std::io::Read as _;

/// Its main function calls the host.
const GUEST: &str = r#"(component
    (import "app:escaped/native" (instance $native (export "go" (func))))
    (core func $go (canon lower (func $native "go")))
    (core module $code
        (import "" "go" (func $go))
        (func (export "run") (result i32) (call $go) (i32.const 0)))
    (core instance $code (instantiate $code (with "" (instance (export "go" (func $go))))))
    (func $run (result (result)) (canon lift (core func $code "run")))
    (instance $exports (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $exports)))"#;

/// The attacker's host function.
struct Escaped {
    steps: Vec<(String, String)>,
}

impl Extension for Escaped {
    type State = ();

    fn link(&self, linker: &mut Linker<GuestState>) -> isopod_host::wasmtime::Result<()> {
        let steps = self.steps.clone();
        let mut interface = linker.instance("app:escaped/native")?;
        interface.func_wrap("go", move |_, (): ()| {
            for (step, argument) in &steps {
                println!("{step} {argument}: {}", steps::take(step, argument));
            }
            Ok(())
        })
    }

    fn new_state(&self) {}
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut next = || words.next().context("too few arguments");
    let is_free = match next()?.as_str() {
        "free" => true,
        "keep" => false,
        other => bail!("neither `free` nor `keep`: {other}"),
    };
    let mut kept = Confinement::new();
    loop {
        kept = match next()?.as_str() {
            "do" => break,
            "names" => kept.name_lookup(),
            "read" => kept.read(next()?),
            "write" => kept.write(next()?),
            "connect" => kept.connect(next()?.parse()?),
            "listen" => kept.listen(next()?.parse()?),
            other => bail!("nothing to keep: {other}"),
        };
    }
    let mut steps = Vec::new();
    let mut stays = false;
    while let Ok(step) = next() {
        match step.as_str() {
            "stay" => stays = true,
            _ => steps.push((step, next()?)),
        }
    }
    let engine = Engine::builder().extension(Escaped { steps }).build()?;
    let program = Program::from_bytes(&engine, "escaped", &wat::parse_str(GUEST)?)?;
    if !is_free {
        let confined = kept.apply()?;
        for missing in confined.missing() {
            println!("missing {missing}");
        }
    }
    let status = Command::new(&program)
        .policy(Policy::default())
        .spawn()?
        .join_tree();
    println!("{status}");
    if stays {
        // Stays until the test has seen enough.
        std::io::stdin().read_to_end(&mut Vec::new())?;
    }
    Ok(())
}
