//! The settings for cargo in a crate: `.cargo/config.toml`, `rust-toolchain.toml`.
//!
//! They can name programs that run in place of the compiler. So a confined build accepts the settings that
//! are known to be harmless, and refuses all others by name.

use crate::{Error, ErrorKind, file, unreadable};
use std::io;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The accepted settings, by the path of their key; `*` stands for any name.
const TAKEN: [&str; 22] = [
    "alias",
    "build.incremental",
    "build.jobs",
    "build.rustflags",
    "build.target",
    "build.target-dir",
    "cargo-new",
    "future-incompat-report",
    "install",
    "net.offline",
    "net.retry",
    "profile",
    "registries.*.index",
    "registry.default",
    "resolver",
    "source.*.directory",
    "source.*.local-registry",
    "source.*.registry",
    "source.*.replace-with",
    "target.*.runner",
    "target.*.rustflags",
    "term",
];

/// Flags of rustc that only change the generated code.
const FLAGS: [&str; 9] = [
    "--cfg",
    "--check-cfg",
    "-A",
    "-Clink-arg",
    "-Copt-level",
    "-Cpanic",
    "-Ctarget-cpu",
    "-Ctarget-feature",
    "-W",
];

/// The settings of a crate: those of the directories from `directory` up to `root`, merged as cargo merges
/// them.
///
/// # Errors
/// [`ErrorKind::Confinement`] for a setting that is not accepted; [`ErrorKind::Source`] for a file that
/// cannot be read.
pub(crate) fn of_crate(directory: &Path, root: &Path) -> Result<Table, Error> {
    let mut merged = Table::new();
    for place in directory
        .ancestors()
        .take_while(|place| place.starts_with(root))
    {
        let Some(file) = file_in(&place.join(".cargo")) else {
            continue;
        };
        let settings = read(&file)?;
        let mut checked = Table::new();
        check(&settings, &mut Vec::new(), place, &file, &mut checked)?;
        merge(&mut merged, checked);
    }
    Ok(merged)
}

/// The file that cargo reads in a directory `.cargo`, or in `CARGO_HOME`.
pub(crate) fn file_in(directory: &Path) -> Option<PathBuf> {
    let mut names = ["config", "config.toml"].iter();
    names.find_map(|name| {
        let path = directory.join(name);
        path.is_file().then_some(path)
    })
}

/// Reads a settings file of cargo.
///
/// # Errors
/// [`ErrorKind::Source`].
pub(crate) fn read(path: &Path) -> Result<Table, Error> {
    let text = file::settings(path)?;
    text.parse()
        .map_err(|error: toml::de::Error| unreadable(path).because(error.message()))
}

/// Copies the accepted settings, and refuses the first other one.
fn check(
    settings: &Table,
    above: &mut Vec<String>,
    place: &Path,
    file: &Path,
    checked: &mut Table,
) -> Result<(), Error> {
    for (name, value) in settings {
        above.push(name.clone());
        if is_taken(above) {
            let value = taken(value, above, place, file)?;
            checked.insert(name.clone(), value);
        } else if let (Value::Table(inner), true) = (value, leads_to_taken(above)) {
            let mut below = Table::new();
            check(inner, above, place, file, &mut below)?;
            checked.insert(name.clone(), Value::Table(below));
        } else {
            return Err(refused(file, &above.join(".")));
        }
        above.pop();
    }
    Ok(())
}

fn matches<'a>(pattern: &'a str, path: &[String]) -> impl Iterator<Item = bool> + use<'a> {
    let parts: Vec<bool> = pattern
        .split('.')
        .zip(path)
        .map(|(part, name)| part == "*" || part == name)
        .collect();
    parts.into_iter()
}

fn is_taken(path: &[String]) -> bool {
    TAKEN.iter().any(|pattern| {
        pattern.split('.').count() == path.len() && matches(pattern, path).all(|same| same)
    })
}

fn leads_to_taken(path: &[String]) -> bool {
    TAKEN.iter().any(|pattern| {
        pattern.split('.').count() > path.len() && matches(pattern, path).all(|same| same)
    })
}

/// The value of an accepted setting, as a file in another directory must write it.
fn taken(value: &Value, path: &[String], place: &Path, file: &Path) -> Result<Value, Error> {
    match path.last().map(String::as_str) {
        Some("rustflags") if !only_known_flags(value) => Err(refused(file, &path.join("."))),
        Some("directory" | "local-registry") if path.len() == 3 => match value {
            Value::String(relative) => Ok(Value::String(
                place.join(relative).to_string_lossy().into_owned(),
            )),
            _ => Err(refused(file, &path.join("."))),
        },
        _ => Ok(value.clone()),
    }
}

/// Whether all flags are in [`FLAGS`]. They come as one string or as a list, and `-C name` may be two words.
fn only_known_flags(value: &Value) -> bool {
    let words: Vec<&str> = match value {
        Value::String(text) => text.split_whitespace().collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return false,
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let joined = match word {
            "-C" | "-A" | "-W" => format!("{word}{}", words.next().unwrap_or_default()),
            "--cfg" | "--check-cfg" => {
                words.next();
                word.to_owned()
            }
            _ => word.to_owned(),
        };
        if !FLAGS.iter().any(|flag| joined.starts_with(flag)) {
            return false;
        }
    }
    true
}

fn merge(into: &mut Table, from: Table) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => merge(inner, value),
            // The file nearer to the crate was read first, and takes precedence.
            (Some(_), _) => {}
            (None, value) => {
                into.insert(name, value);
            }
        }
    }
}

fn refused(file: &Path, key: &str) -> Error {
    Error::new(
        ErrorKind::Confinement,
        format!(
            "`{}` sets `{key}`, which a confined build does not take: it may run a program of the source's choice",
            file.display()
        ),
    )
    .with_hint("remove it; `--trust-build` builds without a sandbox: the source may then do everything that you can")
}

/// Refuses a toolchain that the source names by a path, because its compiler would run before any sandbox
/// exists.
///
/// # Errors
/// [`ErrorKind::Confinement`]; [`ErrorKind::Source`] for a FIFO and the like.
pub(crate) fn check_toolchain_file(directory: &Path) -> Result<(), Error> {
    for place in directory.ancestors() {
        for name in ["rust-toolchain", "rust-toolchain.toml"] {
            let path = place.join(name);
            if !path.exists() || path.is_dir() {
                continue;
            }
            let text = match isopod_file::read_text(&path, file::MOST_SETTINGS_BYTES) {
                Ok(text) => text,
                Err(error) => match error.kind() {
                    // rustup reads this file too, and would block.
                    io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge => {
                        return Err(unreadable(&path).because(error));
                    }
                    _ => continue,
                },
            };
            let settings: Table = text.parse().unwrap_or_default();
            let toolchain = settings.get("toolchain");
            let of = |key| toolchain.and_then(|table| table.get(key));
            if of("path").is_some() {
                return Err(refused(&path, "toolchain.path"));
            }
            let channel = of("channel").and_then(Value::as_str);
            // A file in the old form holds only the name.
            let channel = channel.unwrap_or(if settings.is_empty() { &text } else { "" });
            if channel.contains(['/', '\\']) {
                return Err(refused(&path, "toolchain.channel"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use std::fs;

    fn settings(text: &str) -> Result<Table, Error> {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("a/.cargo")).unwrap();
        fs::write(place.path().join("a/.cargo/config.toml"), text).unwrap();
        of_crate(&place.path().join("a"), place.path())
    }

    #[test]
    fn what_runs_a_program_is_refused_by_name() {
        for (text, key) in [
            ("[build]\nrustc-wrapper = '/x'", "build.rustc-wrapper"),
            (
                "[build]\nrustc-workspace-wrapper = '/x'",
                "build.rustc-workspace-wrapper",
            ),
            ("[build]\nrustc = '/x'", "build.rustc"),
            ("[build]\nrustflags = ['-Clinker=/x']", "build.rustflags"),
            (
                "[build]\nrustflags = ['-C', 'linker=/x']",
                "build.rustflags",
            ),
            (
                "[build]\nrustflags = '-Zcodegen-backend=/x'",
                "build.rustflags",
            ),
            (
                "[target.x86_64-unknown-linux-gnu]\nlinker = '/x'",
                "target.x86_64-unknown-linux-gnu.linker",
            ),
            (
                "[target.'cfg(all())']\nrustflags = '-Clinker=/x'",
                "target.cfg(all()).rustflags",
            ),
            ("[env]\nLD_PRELOAD = '/x'", "env"),
            ("paths = ['/x']", "paths"),
            ("include = '/x'", "include"),
            ("[patch.crates-io]\na = { path = '/x' }", "patch"),
            (
                "[registry]\nglobal-credential-providers = ['/x']",
                "registry.global-credential-providers",
            ),
            (
                "[registries.a]\ncredential-provider = '/x'",
                "registries.a.credential-provider",
            ),
            ("[host]\nlinker = '/x'", "host"),
            ("[unstable]\nhost-config = true", "unstable"),
            ("[credential-alias]\na = '/x'", "credential-alias"),
            ("[net]\ngit-fetch-with-cli = true", "net.git-fetch-with-cli"),
        ] {
            let error = settings(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Confinement, "{text}");
            assert!(
                error.to_string().contains(&format!("sets `{key}`")),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn what_is_harmless_is_taken() {
        let text = "[build]\ntarget = 'wasm32-wasip1'\nrustflags = ['-C', 'target-feature=+simd128']\n\
                    [profile.release]\nlto = true\n[target.wasm32-wasip1]\nrunner = 'wasmtime'\n\
                    [source.here]\ndirectory = 'vendor'";
        let taken = settings(text).unwrap();
        let directory = taken["source"]["here"]["directory"].as_str().unwrap();
        assert!(directory.ends_with("/a/vendor"), "{directory}");
        assert_eq!(taken["profile"]["release"]["lto"].as_bool(), Some(true));
    }

    #[test]
    fn a_toolchain_is_named_and_not_a_path() {
        let place = tempfile::tempdir().unwrap();
        let crate_directory = place.path().join("a");
        fs::create_dir(&crate_directory).unwrap();
        for (name, text, is_refused) in [
            ("rust-toolchain.toml", "[toolchain]\npath = '/x'", true),
            ("rust-toolchain", "[toolchain]\npath = 'x'", true),
            ("rust-toolchain", "/x/y", true),
            ("rust-toolchain.toml", "[toolchain]\nchannel = '../x'", true),
            (
                "rust-toolchain.toml",
                "[toolchain]\nchannel = 'stable'",
                false,
            ),
            ("rust-toolchain", "1.95.0\n", false),
        ] {
            let file = place.path().join(name);
            fs::write(&file, text).unwrap();
            assert_eq!(
                check_toolchain_file(&crate_directory).is_err(),
                is_refused,
                "{text}"
            );
            fs::remove_file(&file).unwrap();
        }
    }
}
