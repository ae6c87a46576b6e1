//! Loaded code, as processes hold it.

use super::compiler::Compiler;
use super::file_identity;
use crate::limits::Taken;
use std::path::PathBuf;
use wasmtime::component::Component;

/// The loaded code of a program.
pub(crate) struct Code {
    name: String,
    component: Component,
    /// The host's memory for the instances of each process, in bytes.
    instance_bytes: u64,
    origin: Origin,
    /// Counts the descriptor of the file that the code is mapped from, or that holds the contents of its
    /// memory.
    _taken: Taken,
}

/// The origin of code, for questions that the code cannot answer itself.
pub(crate) enum Origin {
    /// Its bytes were read; these are the names of its tasks.
    Read(Vec<String>),
    /// The cache had it for a file of this identity, whose bytes have not been read.
    Unread(PathBuf, String),
    /// It was loaded as native code.
    Native,
}

impl Code {
    pub(crate) fn new(
        name: String,
        component: Component,
        instance_bytes: u64,
        origin: Origin,
        taken: Taken,
    ) -> Code {
        Code {
            name,
            component,
            instance_bytes,
            origin,
            _taken: taken,
        }
    }

    /// The name of the program.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn component(&self) -> &Component {
        &self.component
    }

    /// The addresses of the machine code.
    pub(crate) fn addresses(&self) -> std::ops::Range<usize> {
        let image = self.component.image_range();
        image.start.addr()..image.end.addr()
    }

    /// The host's memory for the instances of each process, in bytes, beside linear memories and tables.
    /// Zero for a program that was loaded as native code.
    pub(crate) fn instance_bytes(&self) -> u64 {
        self.instance_bytes
    }

    /// The public names of its tasks; `None` if nothing is left to read them from.
    pub(crate) fn tasks(&self, compiler: &Compiler) -> Option<Vec<String>> {
        match &self.origin {
            Origin::Read(tasks) => Some(tasks.clone()),
            Origin::Unread(path, identity) => {
                let bytes = compiler.read(path, "").ok()?;
                let is_same = file_identity::of(path).as_ref() == Some(identity);
                is_same.then(|| isopod_component::task_names(&bytes))
            }
            Origin::Native => None,
        }
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Code")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
