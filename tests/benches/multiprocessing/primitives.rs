//! The primitives beyond queues and pipes, and pools: beside CPython, which is the baseline, native threads
//! where the standard library has an equal, and procspawn.

use crate::cpython;
use crate::guest::Host;
use crate::measure::{Measure, expect};
use crate::parties::Native;
use crate::peers::{self, PROCSPAWN, Peer};
use anyhow::Result;

/// One operation in all systems: the group; CPython's line and the arguments of its program; native
/// threads; isopod's line and scenario.
struct Compared {
    group: &'static str,
    python: (&'static str, [&'static str; 2]),
    native: Option<Native>,
    isopod: (&'static str, &'static str),
}

const PAIRS: [Compared; 3] = [
    Compared {
        group: "event there and back",
        python: ("CPython: Event", ["event", ""]),
        native: None,
        isopod: ("isopod, guest: Event::set and wait", "event"),
    },
    Compared {
        group: "condition there and back",
        python: ("CPython: Condition", ["condition", ""]),
        native: Some(Native::Condition),
        isopod: ("isopod, guest: notify and wait", "condition"),
    },
    Compared {
        group: "barrier of two",
        python: ("CPython: Barrier", ["barrier", ""]),
        native: Some(Native::Barrier),
        isopod: ("isopod, guest: Barrier::wait", "barrier"),
    },
];

const ALONE: [Compared; 3] = [
    Compared {
        group: "value add under its lock",
        python: ("CPython: Value", ["value", ""]),
        native: Some(Native::Value),
        isopod: ("isopod, guest: Value::lock, fetch_add", "value"),
    },
    Compared {
        group: "manager dict set",
        python: ("CPython: Manager().dict()", ["manager", "set"]),
        native: Some(Native::DictSet),
        isopod: ("isopod, guest: Dict::set", "dict set"),
    },
    Compared {
        group: "manager dict get",
        python: ("CPython: Manager().dict()", ["manager", "get"]),
        native: Some(Native::DictGet),
        isopod: ("isopod, guest: Dict::get", "dict get"),
    },
];

const CONTENDED: [Compared; 4] = [
    Compared {
        group: "lock wanted by 2",
        python: ("CPython: Lock", ["lock-of", "2"]),
        native: Some(Native::Lock(2)),
        isopod: ("isopod, guest: Lock", "contended lock 2"),
    },
    Compared {
        group: "lock wanted by 4",
        python: ("CPython: Lock", ["lock-of", "4"]),
        native: Some(Native::Lock(4)),
        isopod: ("isopod, guest: Lock", "contended lock 4"),
    },
    Compared {
        group: "lock wanted by 8",
        python: ("CPython: Lock", ["lock-of", "8"]),
        native: Some(Native::Lock(8)),
        isopod: ("isopod, guest: Lock", "contended lock 8"),
    },
    Compared {
        group: "semaphore wanted by 2",
        python: ("CPython: Semaphore", ["semaphore-of", "2"]),
        native: None,
        isopod: ("isopod, guest: Semaphore", "contended semaphore 2"),
    },
];

const POOLS: [Compared; 5] = [
    Compared {
        group: "pool map, chunks of 1, per job",
        python: ("CPython: Pool.map(..., 1)", ["pool", "map"]),
        native: Some(Native::Map),
        isopod: ("isopod, guest: map in chunks of 1", "pool map"),
    },
    Compared {
        group: "pool map, default chunks, per item",
        python: ("CPython: Pool.map", ["pool", "map-default"]),
        native: None,
        isopod: ("isopod, guest: Pool::map", "pool map-default"),
    },
    Compared {
        group: "pool map, items of 64 KiB, chunks of 1, per job",
        python: ("CPython: Pool.map(..., 1)", ["pool", "map-64-kib"]),
        native: Some(Native::MapBlocks),
        isopod: ("isopod, guest: map in chunks of 1", "pool map-64-kib"),
    },
    Compared {
        group: "pool imap, per job",
        python: ("CPython: Pool.imap", ["pool", "imap"]),
        native: None,
        isopod: ("isopod, guest: Pool::imap", "pool imap"),
    },
    Compared {
        group: "pool apply",
        python: ("CPython: Pool.apply", ["pool", "apply"]),
        native: Some(Native::Apply),
        isopod: ("isopod, guest: Pool::apply", "pool apply"),
    },
];

/// Measures the operations that need several processes, on these cores.
pub(crate) fn several(measure: &mut Measure<'_>, host: &Host, cores: &[usize]) -> Result<()> {
    let on = match cores.len() {
        1 => "one core",
        _ => "two cores",
    };
    for compared in PAIRS.iter().chain(&CONTENDED).chain(&POOLS) {
        compare(measure, host, cores, compared, &format!(", {on}"))?;
        // Of procspawn only the pools, since it has none of the others.
        let peer = match compared.python.1 {
            ["pool", "map"] => Some(("procspawn: Pool::spawn, 64 at a time", "map")),
            ["pool", "map-64-kib"] => Some(("procspawn: Pool::spawn, 64 at a time", "map-64-kib")),
            ["pool", "apply"] => Some(("procspawn: Pool::spawn and join", "apply")),
            _ => None,
        };
        if let Some((name, what)) = peer {
            peers::rounds(measure, name, Peer(PROCSPAWN, ["pool", what]), cores)?;
        }
    }
    Ok(())
}

/// Measures the operations of one process on shared objects.
pub(crate) fn alone(measure: &mut Measure<'_>, host: &Host, cores: &[usize]) -> Result<()> {
    for compared in &ALONE {
        compare(measure, host, cores, compared, "")?;
    }
    Ok(())
}

fn compare(
    measure: &mut Measure<'_>,
    host: &Host,
    cores: &[usize],
    compared: &Compared,
    on: &str,
) -> Result<()> {
    measure.group(&format!("{}{on}", compared.group));
    let (name, arguments) = compared.python;
    cpython::rounds(measure, name, arguments, cores)?;
    if let Some(native) = compared.native {
        native.measure(measure, cores)?;
    }
    let (name, scenario) = compared.isopod;
    let resident = host.resident(scenario)?;
    measure.rounds(name, |rounds| expect(resident.rounds(rounds)));
    resident.end()
}
