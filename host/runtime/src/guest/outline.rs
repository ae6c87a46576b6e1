//! The imports, exports, tasks and initial memory of a program, without running it.

use super::exports::{PluginExport, exports};
use super::program::Program;

/// Facts about a program that can be read without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgramOutline {
    /// The interfaces and functions that it imports, by name.
    pub imports: Vec<String>,
    /// The tasks that a pool of the embedder can call, by name: in Rust, those with `#[isopod::task]`. None
    /// if the program was loaded as native code, or if its file has changed.
    pub tasks: Option<Vec<String>>,
    /// The functions that it exports, by name.
    pub exports: Vec<PluginExport>,
    /// The initial size of its largest linear memory, in bytes; none without a memory.
    pub initial_memory_bytes: Option<u64>,
}

impl Program {
    /// Its imports, exports, tasks and initial memory. Does not run it.
    ///
    /// ```no_run
    /// # fn tell(program: &isopod_host::Program) {
    /// let uses_the_network = program
    ///     .outline()
    ///     .imports
    ///     .iter()
    ///     .any(|name| name.starts_with("wasi:sockets/"));
    /// # }
    /// ```
    pub fn outline(&self) -> ProgramOutline {
        const PAGE_BYTES: u64 = 64 << 10;
        let component = self.component();
        let kind = component.component_type();
        let mut imports: Vec<String> = kind
            .imports(component.engine())
            .map(|(name, _)| name.to_owned())
            .collect();
        imports.sort_unstable();
        let resources = component.resources_required();
        let pages = resources.and_then(|resources| resources.max_initial_memory_size);
        ProgramOutline {
            imports,
            tasks: self.code().tasks(&self.engine().machinery().compiler),
            exports: exports(self),
            initial_memory_bytes: pages.map(|pages| pages.saturating_mul(PAGE_BYTES)),
        }
    }
}
