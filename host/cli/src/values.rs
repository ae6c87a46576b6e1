//! The values of options, each parsed into a type of its own.
//!
//! Each error is a sentence without the value itself: clap puts the value and the option before
//! it. Nothing here looks at the machine: the commands check that a core or a directory exists.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// The largest core number that an affinity mask of the kernel's usual size (`cpu_set_t`) holds.
/// The bound also keeps a list such as `0-99999999999` from filling the memory.
const LARGEST_CORE: usize = 1023;

/// The reason for the refusal of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidValue(String);

impl fmt::Display for InvalidValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for InvalidValue {}

fn refuse<T>(text: impl Into<String>) -> Result<T, InvalidValue> {
    Err(InvalidValue(text.into()))
}

/// `--cores`: numbers of logical CPUs, in rising order, none twice, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CoreList(Vec<usize>);

impl CoreList {
    /// The numbers, in rising order.
    pub(crate) fn numbers(&self) -> &[usize] {
        &self.0
    }
}

impl FromStr for CoreList {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<CoreList, InvalidValue> {
        let mut numbers = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (core_number(first)?, core_number(last)?),
                None => (core_number(part)?, core_number(part)?),
            };
            if first > last {
                return refuse(format!("the range `{}` runs backwards", part.trim()));
            }
            numbers.extend(first..=last);
        }
        Ok(CoreList(numbers.into_iter().collect()))
    }
}

fn core_number(text: &str) -> Result<usize, InvalidValue> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return refuse(format!(
            "`{text}` is not a core number; a list looks like `0-3,6`"
        ));
    }
    match text.parse::<usize>() {
        Ok(number) if number <= LARGEST_CORE => Ok(number),
        _ => refuse(format!(
            "core {text} is larger than the limit of {LARGEST_CORE}"
        )),
    }
}

/// `--cpus`: seconds of CPU time in each second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cpus(f64);

impl Cpus {
    /// No machine has more CPUs.
    const MOST: f64 = 1e6;

    /// The number.
    pub(crate) fn number(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Cpus {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Cpus, InvalidValue> {
        match text.trim().parse::<f64>() {
            Ok(number) if (0.001..=Cpus::MOST).contains(&number) => Ok(Cpus(number)),
            _ => {
                refuse("a number of CPUs lies between 0.001 and 1000000, for example `0.5` or `2`")
            }
        }
    }
}

/// `--dir`: a directory of the host and the name that the program sees it under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DirectoryGrant {
    host: PathBuf,
    guest: String,
}

impl DirectoryGrant {
    /// The directory on the host.
    pub(crate) fn host(&self) -> &Path {
        &self.host
    }

    /// The program's name for it.
    pub(crate) fn guest(&self) -> &str {
        &self.guest
    }
}

impl FromStr for DirectoryGrant {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<DirectoryGrant, InvalidValue> {
        let (host, guest) = text.split_once("::").unwrap_or((text, text));
        if host.is_empty() {
            return refuse("the host's directory is empty");
        }
        if guest.is_empty() {
            return refuse("the guest's name for the directory is empty");
        }
        if text.contains('\0') {
            return refuse("a path cannot hold a null character");
        }
        Ok(DirectoryGrant {
            host: PathBuf::from(host),
            guest: guest.to_owned(),
        })
    }
}

/// `--env`: a variable with its value, or the name of one to take from isopod's own environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EnvironmentEntry {
    /// `NAME=VALUE`; the value may be empty and may hold `=`.
    Set {
        /// The variable.
        name: String,
        /// Its value.
        value: String,
    },
    /// `NAME`.
    Inherit(String),
}

impl FromStr for EnvironmentEntry {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<EnvironmentEntry, InvalidValue> {
        if text.contains('\0') {
            return refuse("an environment variable cannot hold a null character");
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if name.is_empty() {
            return refuse("the name of the variable is empty");
        }
        Ok(match value {
            Some(value) => EnvironmentEntry::Set {
                name: name.to_owned(),
                value: value.to_owned(),
            },
            None => EnvironmentEntry::Inherit(name.to_owned()),
        })
    }
}

/// The smallest memory that a process can have: one page.
const SMALLEST_MEMORY_BYTES: u64 = 64 << 10;

/// A number of bytes. [`FromStr`] refuses zero; [`bytes_or_none`] allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteCount(u64);

impl ByteCount {
    /// The number of bytes.
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteCount {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<ByteCount, InvalidValue> {
        match bytes_or_none(text)? {
            ByteCount(0) => {
                refuse("a size must be above zero, for example `256MiB`, `1.5GB` or `65536`")
            }
            size => Ok(size),
        }
    }
}

/// A size that may be zero: no output, no message in any queue.
pub(crate) fn bytes_or_none(text: &str) -> Result<ByteCount, InvalidValue> {
    match text.trim().parse::<bytesize::ByteSize>() {
        Ok(size) => Ok(ByteCount(size.as_u64())),
        Err(_) => refuse("a size looks like `256MiB`, `1.5GB` or `65536`"),
    }
}

/// A size of memory that is large enough for a process.
pub(crate) fn memory_size(text: &str) -> Result<ByteCount, InvalidValue> {
    match bytes_or_none(text)? {
        size if size.bytes() < SMALLEST_MEMORY_BYTES => {
            refuse("a process needs at least 64KiB; a size looks like `256MiB`")
        }
        size => Ok(size),
    }
}

/// A count above zero.
pub(crate) fn count(text: &str) -> Result<u32, InvalidValue> {
    whole(text, 1, u32::MAX)
}

/// A count that may be zero: no open files.
pub(crate) fn count_or_none(text: &str) -> Result<u32, InvalidValue> {
    whole(text, 0, u32::MAX)
}

/// Like [`count`], for large counts.
pub(crate) fn large_count(text: &str) -> Result<u64, InvalidValue> {
    whole(text, 1, u64::MAX)
}

/// Like [`count_or_none`], for large counts.
pub(crate) fn large_count_or_none(text: &str) -> Result<u64, InvalidValue> {
    whole(text, 0, u64::MAX)
}

/// Like [`count`], for small counts.
pub(crate) fn small_count(text: &str) -> Result<u16, InvalidValue> {
    whole(text, 1, u16::MAX)
}

fn whole<T: FromStr + PartialOrd + fmt::Display>(
    text: &str,
    smallest: T,
    largest: T,
) -> Result<T, InvalidValue> {
    match text.trim().parse::<T>() {
        Ok(number) if number >= smallest => Ok(number),
        _ => refuse(format!(
            "a count is a whole number from {smallest} to {largest}, such as `100`"
        )),
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        isopod_text::size(self.0).fmt(formatter)
    }
}

/// A measured number of bytes, rounded: `256.0 MiB`.
pub(crate) fn human_bytes(bytes: u64) -> String {
    bytesize::ByteSize::b(bytes).display().iec().to_string()
}

/// A measured time, rounded: `1.5 us`, `12 ms`.
pub(crate) fn time(time: Duration) -> String {
    let nanoseconds = time.as_secs_f64() * 1e9;
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.0} ns"),
        ..1e6 => format!("{:.1} us", nanoseconds / 1e3),
        ..1e9 => format!("{:.1} ms", nanoseconds / 1e6),
        _ => format!("{:.2} s", nanoseconds / 1e9),
    }
}

/// `--timeout`: a span of time, above zero, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeout(Duration);

impl Timeout {
    /// The span of time.
    pub(crate) fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Timeout {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Timeout, InvalidValue> {
        match humantime::parse_duration(text.trim()) {
            _ if text.trim() == "none" => Ok(Timeout(Duration::MAX)),
            Ok(duration) if duration.is_zero() => {
                refuse("a time must be above zero, for example `30s`, `500ms` or `1m 30s`")
            }
            Ok(duration) => Ok(Timeout(duration)),
            Err(_) => refuse("a time looks like `30s`, `500ms` or `1m 30s`"),
        }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Duration::MAX => formatter.write_str("any length"),
            duration => humantime::format_duration(duration).fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests;
