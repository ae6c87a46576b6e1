//! Cuts a list of arguments into jobs.

use crate::{Error, ErrorKind};

/// The number of chunks for each worker in a map without a chosen chunk size, as in CPython. It is more than
/// one, so that a worker with short chunks can take more of them.
const CHUNKS_PER_WORKER: usize = 4;

/// The number of arguments for each job of a map: the chosen size, or CPython's default, a quarter of a
/// worker's share, rounded up. At least 1.
pub(crate) fn size(chosen: Option<usize>, length: usize, workers: usize) -> Result<usize, Error> {
    match chosen {
        Some(0) => Err(Error::with_text(
            ErrorKind::InvalidArgument,
            "a chunk has 0 arguments; it needs at least 1",
        )),
        Some(size) => Ok(size),
        None => {
            let chunks = workers.max(1).saturating_mul(CHUNKS_PER_WORKER);
            Ok(length.div_ceil(chunks).max(1))
        }
    }
}

/// The largest number of jobs of an `imap` that are submitted and not yet taken.
pub(crate) fn read_ahead(workers: usize) -> usize {
    workers.max(1).saturating_mul(CHUNKS_PER_WORKER)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// CPython's `Pool._map_async`: `divmod`, and one more if there is a remainder.
    fn of_cpython(length: usize, workers: usize) -> usize {
        let (size, extra) = (length / (workers * 4), length % (workers * 4));
        if extra == 0 { size } else { size + 1 }
    }

    #[test]
    fn the_default_is_that_of_cpython() {
        assert_eq!(size(None, 100, 2).unwrap(), 13);
        for workers in 1..9 {
            for length in 1..200 {
                assert_eq!(
                    size(None, length, workers).unwrap(),
                    of_cpython(length, workers),
                    "{length} arguments, {workers} workers"
                );
            }
        }
        assert_eq!(size(None, 0, 4).unwrap(), 1, "of an empty list: any");
        assert_eq!(size(None, usize::MAX, usize::MAX).unwrap(), 1);
    }

    #[test]
    fn a_chunk_of_nothing_is_refused() {
        let error = size(Some(0), 10, 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert_eq!(size(Some(7), 10, 2).unwrap(), 7);
    }

    #[test]
    fn read_ahead_is_bounded_by_the_workers() {
        assert_eq!(read_ahead(0), 4);
        assert_eq!(read_ahead(2), 8);
    }
}
