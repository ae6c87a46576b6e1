//! `sync`: one file per kind of object.

mod barrier;
mod condition;
mod event;
mod lock;
mod rlock;
mod semaphore;

use super::bindings::isopod::multiprocessing::sync::{Acquired, Host};
use crate::guest::State;

impl Host for State {}

impl From<isopod_sync::Acquired> for Acquired {
    fn from(acquired: isopod_sync::Acquired) -> Acquired {
        match acquired {
            isopod_sync::Acquired::Clean => Acquired::Clean,
            isopod_sync::Acquired::Abandoned => Acquired::Abandoned,
        }
    }
}
