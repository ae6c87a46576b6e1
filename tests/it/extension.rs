//! Host functions of the embedder.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::extension::{Extension, GuestState};
use isopod_host::plugin::Plugin;
use isopod_host::wasmtime::component::Linker;
use isopod_host::wasmtime::{Result, StoreContextMut};
use isopod_host::{Engine, ErrorKind, Limits, Program};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// `app:numbers/numbers`: numbers of each process, and how many it gave in all.
struct Numbers {
    given: Arc<AtomicU64>,
}

struct Last {
    number: u64,
    given: Arc<AtomicU64>,
}

impl Extension for Numbers {
    type State = Last;

    fn link(&self, linker: &mut Linker<GuestState>) -> Result<()> {
        let mut interface = linker.instance("app:numbers/numbers")?;
        interface.func_wrap(
            "next",
            |mut guest: StoreContextMut<'_, GuestState>, (): ()| {
                let last = guest.data_mut().extension::<Numbers>();
                last.number += 1;
                last.given.fetch_add(1, Ordering::Relaxed);
                Ok((last.number,))
            },
        )?;
        interface.func_wrap_async("never", |_, (): ()| {
            Box::new(std::future::pending::<Result<()>>())
        })
    }

    fn new_state(&self) -> Last {
        Last {
            number: 0,
            given: Arc::clone(&self.given),
        }
    }
}

const GUEST: &str = r#"(component
    (import "app:numbers/numbers" (instance $numbers
        (export "next" (func (result u64)))
        (export "never" (func))))
    (core func $next (canon lower (func $numbers "next")))
    (core func $never (canon lower (func $numbers "never")))
    (core module $code
        (import "" "next" (func $next (result i64)))
        (import "" "never" (func $never))
        (func (export "twice") (result i64) (drop (call $next)) (call $next))
        (func (export "never") (call $never)))
    (core instance $code (instantiate $code
        (with "" (instance (export "next" (func $next)) (export "never" (func $never))))))
    (func (export "twice") (result u64) (canon lift (core func $code "twice")))
    (func (export "never") (canon lift (core func $code "never"))))"#;

#[test]
fn it_is_linked_once_and_has_a_state_in_each_instance() {
    let given = Arc::new(AtomicU64::new(0));
    let numbers = Numbers {
        given: Arc::clone(&given),
    };
    let engine = Engine::builder().extension(numbers).build().unwrap();
    let component = wat::parse_str(GUEST).unwrap();
    let program = Program::from_bytes(&engine, "guest", &component).unwrap();
    let warm = Plugin::new(&program).unwrap();
    let fresh = Plugin::builder(&program)
        .calls_per_instance(1)
        .build()
        .unwrap();
    for (plugin, expected) in [(&warm, [2, 4, 6]), (&fresh, [2, 2, 2])] {
        for number in expected {
            let next = plugin.call_typed_here("twice", &json!([])).unwrap();
            assert_eq!(next, json!(number));
        }
    }
    assert_eq!(given.load(Ordering::Relaxed), 12);
}

#[test]
fn a_function_that_waits_is_ended() {
    let numbers = Numbers {
        given: Arc::default(),
    };
    let engine = Engine::builder().extension(numbers).build().unwrap();
    let component = wat::parse_str(GUEST).unwrap();
    let program = Program::from_bytes(&engine, "guest", &component).unwrap();
    let limits = Limits::default().timeout(Duration::from_millis(50));
    let plugin = Plugin::builder(&program).limits(limits).build().unwrap();
    let error = plugin.call_typed_here("never", &json!([])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
}

#[test]
fn without_it_the_program_is_refused_and_twice_the_engine() {
    let component = wat::parse_str(GUEST).unwrap();
    let error = Program::from_bytes(&Engine::new().unwrap(), "guest", &component).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownImport);
    let numbers = || Numbers {
        given: Arc::default(),
    };
    let twice = Engine::builder()
        .extension(numbers())
        .extension(numbers())
        .build();
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::Engine);
}
