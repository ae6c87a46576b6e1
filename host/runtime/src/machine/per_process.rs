//! The largest amounts of the engine's resources that one process may need. The pool of instances
//! reserves as much for each process, and a program that needs more is refused.

/// Core instances that one process may need: 5 for a Rust guest with std, 14 for Python.
pub(crate) const CORE_INSTANCES_PER_PROCESS: u32 = 20;
/// Tables that one process may need, including the tables of its core instances.
pub(crate) const TABLES_PER_PROCESS: u32 = 20;
/// Elements that each of these tables may grow to: Python's largest has 5,844.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;
/// Linear memories that one process may need. The preview 1 adapter shares the program's.
pub(crate) const MEMORIES_PER_PROCESS: u32 = 2;

/// Bytes of one core instance, or of one component, without its memories and tables, as wasmtime counts
/// them. Python's instances fit.
pub(crate) const INSTANCE_BYTES_PER_PROCESS: u64 = 2 << 20;
