//! Models of feeds. Run with `RUSTFLAGS="--cfg loom"`; empty otherwise.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failed assumption is a failed test"
)]

mod loom_support;

use std::sync::Arc;

use isopod_sync::{Feed, ListenError, Told};
use loom::thread;
use loom_support::model;

#[test]
fn what_two_tell_is_heard_or_counted() {
    model(3, || {
        let feed = Arc::new(Feed::new(1));
        let other = thread::spawn({
            let feed = Arc::clone(&feed);
            move || feed.tell(())
        });
        let closing = thread::spawn({
            let feed = Arc::clone(&feed);
            move || {
                feed.tell(());
                other.join().unwrap();
                feed.close();
            }
        });
        let mut told = 0;
        loop {
            match feed.listen_within(None) {
                Ok(Told::Item(())) => told += 1,
                Ok(Told::Lost(count)) => told += count,
                Err(ListenError::Closed) => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(told, 2);
        closing.join().unwrap();
    });
}
