//! Functions that run in the submitting process after the end of jobs.

use crate::Error;
use std::fmt;

/// The functions to run in this process after the end of jobs. Python: `callback` and `error_callback` of
/// `apply_async` and `map_async`.
///
/// Callbacks run in the process that submitted the jobs, in its main thread, while it waits: in any wait of
/// this crate, [`sleep`](crate::sleep) and [`Pool::poll`](crate::Pool::poll). (CPython runs them in a
/// separate thread, which a component does not have.) They run one after the other, each once, in the order
/// in which the ends of the jobs are noticed, even if the [`AsyncResult`](crate::AsyncResult) was dropped.
/// They may do anything: submit jobs, wait, fill a queue. A callback that panics ends the process, as any
/// panic does.
///
/// Each receives a reference, and the value or error stays for [`AsyncResult::get`](crate::AsyncResult::get).
///
/// ```no_run
/// # use isopod::{Callbacks, Pool};
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let pool = Pool::new()?;
/// let callbacks = Callbacks::new()
///     .on_value(|square: &u64| println!("the square is {square}"))
///     .on_error(|error| println!("no square: {error}"));
/// let result = pool.apply_async_with(|number: u64| number * number, (7,), callbacks)?;
/// assert_eq!(result.get()?, 49);
/// # Ok(())
/// # }
/// ```
pub struct Callbacks<T> {
    on_value: Option<Callback<T>>,
    on_error: Option<Callback<Error>>,
}

type Callback<T> = Box<dyn FnOnce(&T)>;

impl<T> Callbacks<T> {
    /// Makes callbacks that do nothing.
    #[must_use]
    pub fn new() -> Callbacks<T> {
        Callbacks {
            on_value: None,
            on_error: None,
        }
    }

    /// Runs `callback` with the value, which for a map is the whole list.
    #[must_use]
    pub fn on_value(mut self, callback: impl FnOnce(&T) + 'static) -> Callbacks<T> {
        self.on_value = Some(Box::new(callback));
        self
    }

    /// Runs `callback` with the error, if there is no value.
    #[must_use]
    pub fn on_error(mut self, callback: impl FnOnce(&Error) + 'static) -> Callbacks<T> {
        self.on_error = Some(Box::new(callback));
        self
    }

    /// Runs the callback for this result.
    pub(crate) fn run(self, ended: &Result<T, Error>) {
        match ended {
            Ok(value) => self.on_value.into_iter().for_each(|run| run(value)),
            Err(error) => self.on_error.into_iter().for_each(|run| run(error)),
        }
    }
}

impl<T> Default for Callbacks<T> {
    fn default() -> Callbacks<T> {
        Callbacks::new()
    }
}

impl<T> fmt::Debug for Callbacks<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Callbacks")
            .field("on_value", &self.on_value.is_some())
            .field("on_error", &self.on_error.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[test]
    fn one_of_the_two_runs() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let callbacks = || {
            let (values, errors) = (Rc::clone(&log), Rc::clone(&log));
            Callbacks::new()
                .on_value(move |value: &u32| values.borrow_mut().push(value.to_string()))
                .on_error(move |error| errors.borrow_mut().push(error.to_string()))
        };
        callbacks().run(&Ok(7));
        callbacks().run(&Err(Error::with_text(ErrorKind::TaskFailed, "boom")));
        Callbacks::<u32>::new().run(&Ok(8));
        assert_eq!(*log.borrow(), ["7", "boom"]);
    }
}
