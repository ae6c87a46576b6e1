//! Host functions of the embedder's own, beside those of WASI and `isopod:multiprocessing`.

pub use crate::guest::{Extension, GuestState};
