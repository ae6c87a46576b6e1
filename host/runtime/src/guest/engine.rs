//! The engine, as programs and processes see it. [`builder`](crate::engine) makes one.

use super::extension::Extensions;
use super::state::State;
use crate::life::Machinery;
use std::sync::Arc;
use wasmtime::component::Linker;

/// The base that all processes share. One engine per operating-system process is enough. Clones are the
/// same engine; it lives until the last clone, program and process are gone.
///
/// ```
/// let engine = isopod_host::Engine::new()?;
/// assert!(!engine.cores().is_empty());
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    machinery: Arc<Machinery>,
    /// The host's functions.
    linker: Linker<State>,
    extensions: Extensions,
    is_pooled: bool,
}

impl Engine {
    pub(crate) fn from_parts(
        machinery: Machinery,
        linker: Linker<State>,
        extensions: Extensions,
        is_pooled: bool,
    ) -> Engine {
        Engine {
            inner: Arc::new(Inner {
                machinery: Arc::new(machinery),
                linker,
                extensions,
                is_pooled,
            }),
        }
    }

    /// The cores that processes are pinned to, in rising order.
    pub fn cores(&self) -> &[usize] {
        self.inner.machinery.cores()
    }

    /// The most processes that may live at once: the number asked for, or the number that the machine can
    /// hold, if that is lower.
    pub fn max_processes(&self) -> u32 {
        self.inner.machinery.capacity.processes
    }

    /// The most descriptors of the operating system that may be open for its guests and programs: the number
    /// asked for, or the number that `ulimit -n` allows, if that is lower.
    ///
    /// ```
    /// let engine = isopod_host::Engine::builder().max_descriptors(100).build()?;
    /// assert!(engine.max_descriptors() <= 100);
    /// # Ok::<(), isopod_host::Error>(())
    /// ```
    pub fn max_descriptors(&self) -> u64 {
        self.inner.machinery.descriptors.limit()
    }

    /// Whether instances come from a pool: see [`EngineBuilder::pooling`](crate::EngineBuilder::pooling).
    ///
    /// ```
    /// let engine = isopod_host::Engine::builder().pooling(false).build()?;
    /// assert!(!engine.is_pooled());
    /// # Ok::<(), isopod_host::Error>(())
    /// ```
    pub fn is_pooled(&self) -> bool {
        self.inner.is_pooled
    }

    pub(crate) fn is_same(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn machinery(&self) -> &Arc<Machinery> {
        &self.inner.machinery
    }

    pub(crate) fn linker(&self) -> &Linker<State> {
        &self.inner.linker
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.inner.extensions
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Engine")
            .field("cores", &self.cores())
            .field("max_processes", &self.max_processes())
            .finish_non_exhaustive()
    }
}
