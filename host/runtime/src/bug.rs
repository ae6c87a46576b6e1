//! Contains panics of host code. Each is an error of isopod itself: the guest that it happened for pays
//! for it, and no other does.
//!
//! Wherever the host acts for one guest (runs it, ends it, notifies its pool, runs one of its alarms) it
//! does so inside [`contain`]. The state that the panicking step held stays valid: mutexes are not
//! poisoned here (`PoisonError::into_inner` throughout, each critical section leaves its state in order),
//! and the steps that follow do not rely on the one that failed.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text for a guest or a caller that depended on a step that panicked.
pub(crate) const TOLD: &str = "an internal error of the host, which its log describes";

/// Runs a step for a guest. Returns `None` if host code panicked in it: the panic is logged, with its
/// text, as an error of isopod.
pub(crate) fn contain<T>(
    step: &'static str,
    on_behalf_of: &str,
    action: impl FnOnce() -> T,
) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(result) => Some(result),
        Err(payload) => {
            tracing::error!(
                step,
                on_behalf_of,
                panic = text(payload.as_ref()),
                "host code panicked: this is an error of isopod's, please report it"
            );
            // The payload may panic when it is dropped, and nothing depends on its memory.
            std::mem::forget(payload);
            None
        }
    }
}

/// The message of a panic, if it is text.
fn text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(
        clippy::panic,
        clippy::unwrap_used,
        reason = "what is tested, and a failed unwrap is a failed test"
    )]
    use super::*;
    use crate::guest::State;
    use crate::{Command, Engine, ExitStatus, Program};
    use std::time::Duration;

    /// A host function that panics, which only these tests link.
    pub(crate) fn link_panic(linker: &mut wasmtime::component::Linker<State>) {
        let mut instance = linker.instance("isopod:test/bug").unwrap();
        instance
            .func_wrap("panic", |_, (): ()| -> wasmtime::Result<()> {
                panic!("a bug in a host function")
            })
            .unwrap();
    }

    const CALLS_THE_BUG: &str = r#"(component
        (import "isopod:test/bug" (instance $bug (export "panic" (func))))
        (core func $panic (canon lower (func $bug "panic")))
        (core module $module
            (import "bug" "panic" (func $panic))
            (func (export "run") (result i32) call $panic i32.const 0))
        (core instance $guest (instantiate $module
            (with "bug" (instance (export "panic" (func $panic))))))
        (func $run (result (result)) (canon lift (core func $guest "run")))
        (instance (export "wasi:cli/run@0.2.6") (export "run" (func $run))))"#;

    const DOES_NOTHING: &str = r#"(component
        (core module $module (func (export "run") (result i32) i32.const 0))
        (core instance $guest (instantiate $module))
        (func $run (result (result)) (canon lift (core func $guest "run")))
        (instance (export "wasi:cli/run@0.2.6") (export "run" (func $run))))"#;

    #[test]
    fn a_bug_in_a_host_function_ends_its_guest_only() {
        let engine = Engine::builder().max_processes(4).build().unwrap();
        let program = |name, text: &str| {
            Program::from_bytes(&engine, name, &wat::parse_str(text).unwrap()).unwrap()
        };
        let (buggy, sound) = (
            program("buggy", CALLS_THE_BUG),
            program("sound", DOES_NOTHING),
        );
        // Several times, so that threads are reused after it and no slot is lost.
        for _ in 0..10 {
            let failing = Command::new(&buggy).spawn().unwrap();
            let sibling = Command::new(&sound).spawn().unwrap();
            let guard = Duration::from_secs(60);
            let status = failing.join_tree_timeout(guard).unwrap();
            let text = "an internal error of the host, which its log describes";
            assert_eq!(status, ExitStatus::Other(text.to_owned()));
            let status = sibling.join_tree_timeout(guard).unwrap();
            assert_eq!(status, ExitStatus::Exited(0));
        }
        assert!(engine.processes().is_empty());
    }

    #[test]
    fn a_panic_is_contained_and_a_result_handed_through() {
        assert_eq!(contain("test", "nobody", || 7), Some(7));
        assert_eq!(contain("test", "nobody", || panic!("{}", 7)), None::<()>);
    }

    /// Panics once more when it is dropped.
    struct Grenade;

    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("again");
        }
    }

    #[test]
    fn neither_does_what_was_thrown_get_out() {
        let thrown = contain("test", "nobody", || std::panic::panic_any(Grenade));
        assert!(thrown.is_none());
    }

    #[test]
    fn the_text_is_that_of_the_panic() {
        assert_eq!(text(&"static"), "static");
        assert_eq!(text(&"owned".to_owned()), "owned");
        assert_eq!(text(&7), "no text");
    }
}
