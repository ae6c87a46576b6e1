//! The destination of the messages that the engine's own threads log.

use tracing::Dispatch;
use tracing::dispatcher::with_default;

/// A receiver of the engine's own, if the embedder has named one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracing {
    dispatch: Option<Dispatch>,
}

impl Tracing {
    pub(crate) fn to(dispatch: Dispatch) -> Tracing {
        Tracing {
            dispatch: Some(dispatch),
        }
    }

    /// Runs the work of a thread: its log messages go to this receiver.
    pub(crate) fn scope<T>(&self, action: impl FnOnce() -> T) -> T {
        match &self.dispatch {
            Some(dispatch) => with_default(dispatch, action),
            None => action(),
        }
    }
}
