//! Messages between two guests, on two cores and on one.

use crate::cpython::Python;
use crate::guest::Host;
use crate::measure::{Measure, expect};
use crate::native::{self, Carrier};
use anyhow::Result;

/// The sizes: for people, for the programs, in bytes.
const SIZES: [(&str, &str, usize); 4] = [
    ("16 B", "16", 16),
    ("1 KiB", "1024", 1 << 10),
    ("64 KiB", "65536", 64 << 10),
    ("1 MiB", "1048576", 1 << 20),
];

/// As many processes put and as many take, where many do.
const PAIRS: u32 = 4;

/// Measures queues one way and pipes there and back.
pub(crate) fn measure(measure: &mut Measure<'_>, host: &Host, cores: &[usize]) -> Result<()> {
    let on = if cores.len() > 1 {
        "two cores"
    } else {
        "one core"
    };
    for (shown, size, bytes) in SIZES {
        measure.group(&format!("pipe round trip {shown}, {on}"));
        for carrier in Carrier::ALL {
            native::round_trip(measure, carrier, bytes, cores)?;
        }
        guest(
            measure,
            host,
            "isopod, guest: Connection::send and recv",
            "round-trip",
            size,
        )?;
        python(measure, "CPython: Pipe", "round-trip", size, cores)?;

        measure.group(&format!("queue one way {shown}, {on}"));
        for carrier in Carrier::ALL {
            native::one_way(measure, carrier, bytes, cores)?;
        }
        guest(
            measure,
            host,
            "isopod, guest: Queue::put and get",
            "one-way",
            size,
        )?;
        python(measure, "CPython: Queue", "one-way", size, cores)?;
    }
    measure.group(&format!(
        "queue of {PAIRS} who put and {PAIRS} who take, 16 B, {on}"
    ));
    let pairs = PAIRS.to_string();
    python(measure, "CPython: Queue", "many", &pairs, cores)?;
    guest(measure, host, "isopod, guest: Queue", "many", &pairs)
}

fn guest(
    measure: &mut Measure<'_>,
    host: &Host,
    name: &str,
    scenario: &str,
    size: &str,
) -> Result<()> {
    let resident = host.resident(&format!("{scenario} {size}"))?;
    measure.rounds(name, |rounds| expect(resident.rounds(rounds)));
    resident.end()
}

fn python(
    measure: &mut Measure<'_>,
    name: &str,
    scenario: &str,
    size: &str,
    cores: &[usize],
) -> Result<()> {
    if let Some(mut python) = Python::start(&[scenario, size], cores)? {
        measure.rounds(name, |rounds| expect(python.rounds(rounds)));
        python.end()?;
    }
    Ok(())
}
