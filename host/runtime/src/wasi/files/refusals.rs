//! Detects that a path was refused: by wasmtime-wasi, by [`open`](super::open) or by the system.
//!
//! A path that lies in no granted directory does not come here: the guest's own library looks for a directory
//! to begin at, finds none, and makes no host call.

use crate::events::RefusalKind;
use crate::guest::State;
use crate::limits;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// The most that is kept of a path until it is known whether it is refused, in bytes.
const LONGEST_PATH_BYTES: usize = 1 << 10;

/// A path that a guest is about to use.
#[derive(Debug)]
pub(super) struct Asked {
    path: String,
    kind: RefusalKind,
}

impl State {
    /// The guest asks for an operation at this path below the directory.
    pub(super) fn asked(
        &self,
        directory: &Resource<Descriptor>,
        path: &str,
        changes: bool,
    ) -> Asked {
        let is_read_only = match self.held(directory).map(|held| &held.descriptor) {
            Ok(Descriptor::Dir(directory)) => directory.perms.write_not_permitted(),
            _ => false,
        };
        Asked {
            path: isopod_text::cut(path, LONGEST_PATH_BYTES),
            kind: match changes && is_read_only {
                true => RefusalKind::Change,
                false => RefusalKind::Path,
            },
        }
    }

    /// Returns the result, and reports it if it is a refusal.
    pub(super) fn told<R>(&self, asked: Asked, result: FsResult<R>) -> FsResult<R> {
        let code = result.as_ref().err().and_then(|error| error.downcast_ref());
        if let Some(code @ (ErrorCode::NotPermitted | ErrorCode::Access)) = code {
            let subject = || limits::cut(format!("`{}`: {code}", asked.path), LONGEST_PATH_BYTES);
            self.process.tell_refused(asked.kind, subject);
        }
        result
    }
}
