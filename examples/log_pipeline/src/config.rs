//! The contents of a pipeline's TOML file.

use anyhow::{Context, Result, anyhow, bail, ensure};
use bytesize::ByteSize;
use isopod_host::{Limits, Policy};
use serde::{Deserialize, Deserializer, de::Error};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A pipeline.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) batch_lines: Count,
    pub(crate) batch_time: Time,
    pub(crate) in_flight: Count,
    pub(crate) reload_every: Time,
    /// The directory of compiled code; without it plugins are compiled at each start.
    pub(crate) cache: Option<PathBuf>,
    /// The tables of the file as they stand, since an error in one must name it.
    #[serde(rename = "stage", default)]
    tables: Vec<toml::Table>,
    #[serde(skip)]
    pub(crate) stages: Vec<StageSettings>,
}

/// One stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageSettings {
    pub(crate) name: String,
    pub(crate) plugin: PathBuf,
    /// Receives the batch, and returns its replacement.
    pub(crate) function: String,
    /// Receives an array of two results of `function`, and returns one for both.
    pub(crate) merge: Option<String>,
    #[serde(default = "one")]
    pub(crate) workers: Count,
    /// After this many failures in a row it is not called any more.
    pub(crate) give_up_after: Option<Count>,
    memory: Size,
    timeout: Time,
    cpu_time: Option<Time>,
    output: Option<Size>,
    message: Option<Size>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

/// A count of at least one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count(pub(crate) usize);

/// A number of bytes, such as `64MiB`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size(u64);

/// A time, such as `100ms`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) Duration);

impl Config {
    /// Reads a file. Paths in it are relative to its directory.
    pub(crate) fn read(path: &Path) -> Result<Config> {
        let shown = path.display();
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read the pipeline `{shown}`"))?;
        let config = toml::from_str::<Config>(&text);
        let mut config = config.with_context(|| format!("in `{shown}`"))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        config.cache = config.cache.map(|cache| directory.join(cache));
        for (table, number) in std::mem::take(&mut config.tables).into_iter().zip(1..) {
            let name = table.get("name").and_then(toml::Value::as_str);
            let name = name.map_or_else(String::new, |name| format!(", `{name}`"));
            let stage = StageSettings::read(table);
            let mut stage = stage.with_context(|| format!("in `{shown}`: stage {number}{name}"))?;
            stage.plugin = directory.join(stage.plugin);
            config.stages.push(stage);
        }
        let mut names = BTreeSet::new();
        for stage in &config.stages {
            ensure!(
                names.insert(&stage.name),
                "in `{shown}`: two stages have the name `{}`",
                stage.name
            );
        }
        ensure!(
            !names.is_empty(),
            "in `{shown}`: a pipeline has at least one `[[stage]]`"
        );
        Ok(config)
    }
}

impl StageSettings {
    fn read(table: toml::Table) -> Result<StageSettings> {
        let stage = table.try_into::<StageSettings>().map_err(|error| {
            // The error names the key in a line of its own.
            let text = error.to_string();
            match text.trim_end().rsplit_once("\nin ") {
                Some((text, key)) => anyhow!("{key}: {text}"),
                None => anyhow!("{}", text.trim_end()),
            }
        })?;
        if stage.memory.0 < 64 << 10 {
            bail!(
                "`memory` is {}; it is to be at least 64KiB",
                ByteSize(stage.memory.0)
            );
        }
        Ok(stage)
    }

    /// The limits of each call.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default()
            .memory(self.memory.0)
            .timeout(self.timeout.0);
        if let Some(time) = self.cpu_time {
            limits = limits.cpu_time(time.0);
        }
        if let Some(size) = self.output {
            limits = limits.output(size.0);
        }
        if let Some(size) = self.message {
            limits = limits.message_size(size.0);
        }
        limits
    }

    /// The view of the plugin: its environment variables.
    pub(crate) fn policy(&self) -> Policy {
        let variables = self.environment.iter();
        variables.fold(Policy::default(), |policy, (name, value)| {
            policy.env(name, value)
        })
    }
}

fn one() -> Count {
    Count(1)
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
        let number = i64::deserialize(deserializer)?;
        let count = usize::try_from(number).ok().filter(|count| *count > 0);
        count
            .map(Count)
            .ok_or_else(|| D::Error::custom(format!("{number} is too few; 1 is the least")))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        let text = String::deserialize(deserializer)?;
        let size = text.parse::<ByteSize>();
        size.map(|size| Size(size.0)).map_err(|_| {
            D::Error::custom(format!("`{text}` is no size; one is written as `64MiB`"))
        })
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = humantime::parse_duration(&text)
            .ok()
            .filter(|time| !time.is_zero());
        time.map(Time).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is no time; one is written as `100ms`"))
        })
    }
}
