//! Crates of others that do the same work, from `tests/peers`: a workspace of its own, which a user builds
//! to see them. A peer that is not built is skipped, and its line explains how to build it.

use crate::driven::{Driven, cores_word};
use crate::measure::Measure;
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// The variable with the directory of the built peers, if they are not where cargo puts them.
const DIRECTORY: &str = "ISOPOD_PEERS";

const NOT_BUILT: &str =
    "not built (`cargo build --release --manifest-path tests/peers/Cargo.toml`)";

/// One of the programs, and the name of its measurement, with an argument.
#[derive(Clone, Copy)]
pub(crate) struct Peer<'a>(pub(crate) &'static str, pub(crate) [&'a str; 2]);

pub(crate) const PROCSPAWN: &str = "peer-procspawn";
pub(crate) const IPC_CHANNEL: &str = "peer-ipc-channel";
pub(crate) const EXTISM: &str = "peer-extism";

/// Measures rounds of a peer on these cores; without cores it is not pinned.
pub(crate) fn rounds(
    measure: &mut Measure<'_>,
    name: &str,
    peer: Peer<'_>,
    cores: &[usize],
) -> Result<()> {
    drive(measure, name, peer, cores, Driven::measure)
}

/// Like [`rounds`], round by round, for rounds that take long.
pub(crate) fn seldom(
    measure: &mut Measure<'_>,
    name: &str,
    peer: Peer<'_>,
    cores: &[usize],
) -> Result<()> {
    drive(measure, name, peer, cores, Driven::measure_seldom)
}

/// Starts the peer, if it is selected and built, and measures it in this way.
fn drive(
    measure: &mut Measure<'_>,
    name: &str,
    Peer(program, arguments): Peer<'_>,
    cores: &[usize],
    way: fn(Driven, &mut Measure<'_>, &str) -> Result<()>,
) -> Result<()> {
    if !measure.wants(name) {
        return Ok(());
    }
    let path = directory().join(program);
    if !path.is_file() {
        measure.skip(name, NOT_BUILT);
        return Ok(());
    }
    let mut command = Command::new(path);
    command.arg(cores_word(cores)).args(arguments);
    way(Driven::start(&mut command)?, measure, name)
}

/// The names and versions of the peers: `extism 1.30.0, ...`, exactly as their workspace requires them.
pub(crate) fn versions() -> String {
    let path = isopod_tests::root().join("tests/peers/Cargo.toml");
    let manifest = std::fs::read_to_string(path).unwrap_or_default();
    let exact = manifest.lines().filter_map(|line| {
        let (name, rest) = line.split_once(" = ")?;
        let version = rest.split_once("\"=")?.1.split('"').next()?;
        Some(format!("{name} {version}"))
    });
    exact.collect::<Vec<_>>().join(", ")
}

fn directory() -> PathBuf {
    match std::env::var_os(DIRECTORY) {
        Some(directory) => directory.into(),
        None => isopod_tests::root().join("tests/peers/target/release"),
    }
}
