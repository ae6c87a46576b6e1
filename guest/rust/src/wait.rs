//! Waits for any of several objects.

use crate::bindings::process::Process as RawProcess;
use crate::bindings::types::Handle;
use crate::bindings::wait;
use crate::handle::Object;
use crate::time::{nanoseconds, unless_timed_out};
use crate::{Connection, Error, ErrorKind, Event, Process, Queue, Receiver, SimpleQueue, blocking};
use std::time::Duration;

/// An object that [`wait_any`] can wait for: a queue, the receiving end of a pipe, an event or a process,
/// including the [`parent_process`](crate::parent_process).
pub trait Waitable: sealed::Waitable {}

impl<W: sealed::Waitable + ?Sized> Waitable for W {}

pub(crate) mod sealed {
    use super::Target;

    /// Seals [`super::Waitable`], so that no other crate implements it.
    pub trait Waitable {
        #[doc(hidden)]
        fn target(&self) -> Target<'_>;
    }
}

/// The target of a wait of the host. Its content is private.
#[derive(Debug)]
pub struct Target<'a>(Raw<'a>);

#[derive(Debug)]
enum Raw<'a> {
    Object(Handle),
    Process(&'a RawProcess),
}

/// Waits until at least one of the objects is ready, and returns the positions of all ready ones, in
/// ascending order. Python: `multiprocessing.connection.wait`.
///
/// A queue is ready when [`Queue::get`] would not wait, an end of a pipe when `recv` would not (also at the
/// end of file), an event when it is set, and a process when it has ended. The call receives nothing, so
/// another process may be faster: if there are several receivers, use `try_get` or `try_recv`.
///
/// ```no_run
/// # use isopod::{Process, Queue, wait_any};
/// # let queue = Queue::<u32>::new()?;
/// # let child = Process::spawn(|| (), ())?;
/// for ready in wait_any(&[&queue, &child])? {
///     match ready {
///         0 => println!("{}", queue.get()?),
///         _ => println!("the child has ended"),
///     }
/// }
/// # Ok::<(), isopod::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] without any object, since that wait would never end.
pub fn wait_any(objects: &[&dyn Waitable]) -> Result<Vec<usize>, Error> {
    if objects.is_empty() {
        return Err(Error::with_text(
            ErrorKind::InvalidArgument,
            "nothing to wait for".to_owned(),
        ));
    }
    // Without a timeout, none can pass.
    Ok(wait_within(objects, None)?.unwrap_or_default())
}

/// As [`wait_any`], for `timeout` at most; returns no positions if the timeout passed. A timeout of zero
/// checks the objects and does not wait.
///
/// # Errors
/// Never fails today; the error leaves room for later failures.
pub fn wait_any_timeout(objects: &[&dyn Waitable], timeout: Duration) -> Result<Vec<usize>, Error> {
    let ready = wait_within(objects, Some(nanoseconds(timeout)))?;
    Ok(ready.unwrap_or_default())
}

/// Sleeps for this duration. Callbacks of a [`Pool`](crate::Pool) run meanwhile, unlike in
/// `std::thread::sleep`. Python: `time.sleep`.
///
/// ```no_run
/// isopod::sleep(std::time::Duration::from_millis(10));
/// ```
pub fn sleep(duration: Duration) {
    let timeout = Some(nanoseconds(duration));
    // There are no objects, so the call can only time out.
    let _ = blocking::wait(timeout, |timeout| wait::any(&[], &[], timeout));
}

/// `None` if the timeout passed.
fn wait_within(
    objects: &[&dyn Waitable],
    timeout: Option<u64>,
) -> Result<Option<Vec<usize>>, Error> {
    let targets: Vec<Target<'_>> = objects.iter().map(|object| object.target()).collect();
    // The host numbers the handles first and then the processes.
    let mut positions = Vec::with_capacity(targets.len());
    let mut handles = Vec::new();
    let mut processes = Vec::new();
    for (position, target) in targets.iter().enumerate() {
        if let Raw::Object(handle) = &target.0 {
            handles.push(handle);
            positions.push(position);
        }
    }
    for (position, target) in targets.iter().enumerate() {
        if let Raw::Process(process) = &target.0 {
            processes.push(*process);
            positions.push(position);
        }
    }
    let waited = blocking::wait(timeout, |timeout| wait::any(&handles, &processes, timeout));
    let Some(ready) = unless_timed_out(waited)? else {
        return Ok(None);
    };
    let mut ready: Vec<usize> = ready
        .into_iter()
        .filter_map(|index| positions.get(usize::try_from(index).ok()?).copied())
        .collect();
    ready.sort_unstable();
    Ok(Some(ready))
}

fn object(object: &impl Object) -> Target<'static> {
    Target(Raw::Object(object.to_handle()))
}

impl<T> sealed::Waitable for Queue<T> {
    fn target(&self) -> Target<'_> {
        object(self)
    }
}

impl<T> sealed::Waitable for SimpleQueue<T> {
    fn target(&self) -> Target<'_> {
        object(self.queue())
    }
}

impl<S, R> sealed::Waitable for Connection<S, R> {
    fn target(&self) -> Target<'_> {
        object(self)
    }
}

impl<T> sealed::Waitable for Receiver<T> {
    fn target(&self) -> Target<'_> {
        object(self)
    }
}

impl sealed::Waitable for Event {
    fn target(&self) -> Target<'_> {
        object(self)
    }
}

impl<T> sealed::Waitable for Process<T> {
    fn target(&self) -> Target<'_> {
        Target(Raw::Process(self.raw()))
    }
}
