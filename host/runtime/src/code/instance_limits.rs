//! Limits of the instances of one process: a program beyond them could never start, so it is not compiled.

use crate::error::{Error, Result};
use crate::limit_kind::LimitKind;
use crate::machine::per_process::{
    CORE_INSTANCES_PER_PROCESS, MEMORIES_PER_PROCESS, TABLE_ELEMENTS, TABLES_PER_PROCESS,
};
use isopod_component::Instances;

/// Refuses a program whose instances exceed a limit of the engine. `shown` is the program's name in
/// errors.
///
/// # Errors
/// [`ErrorKind::LimitExceeded`] with the value, the limit and the remedy.
pub(crate) fn check(instances: &Instances, shown: &str, is_pooled: bool) -> Result<()> {
    let refused = |text: String| {
        let text = format!("each process of `{shown}` would have {text}");
        Err(Error::at_limit(LimitKind::Program, text))
    };
    for (count, limit, what, advice) in [
        (
            instances.core_instances,
            CORE_INSTANCES_PER_PROCESS,
            "instances of core modules",
            "link its modules to fewer",
        ),
        (
            instances.memories,
            MEMORIES_PER_PROCESS,
            "linear memories",
            "link its modules to one with one memory",
        ),
        (
            instances.tables,
            TABLES_PER_PROCESS,
            "tables",
            "link its modules to fewer",
        ),
    ] {
        if count > u64::from(limit) {
            return refused(format!(
                "{count} {what}, above the limit of {limit}, which no option raises; {advice}"
            ));
        }
    }
    // Without a pool the limits of the process apply, when it starts.
    if !is_pooled {
        return Ok(());
    }
    let limit = u64::try_from(TABLE_ELEMENTS).unwrap_or(u64::MAX);
    if instances.largest_table > limit {
        return refused(format!(
            "a table of {} elements, above the limit of {limit} for instances from a pool; take fewer functions by reference, or make instances on demand with `EngineBuilder::pooling(false)`",
            instances.largest_table
        ));
    }
    // The engine itself counts the bytes of an instance: this crate's number is the cost of an instance,
    // which is more.
    Ok(())
}
