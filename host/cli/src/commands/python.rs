//! Python scripts: the kinds, their grants, and the first argument of the runner, which describes the script.
//!
//! A directory has the same path inside as outside, so that a traceback names files as the user knows
//! them, and relative paths work as in python.

use super::grants::{Grants, utf8};
use crate::args::RunArgs;
use crate::printer::Printer;
use crate::report;
use anyhow::Context as _;
use std::env;
use std::path::{Component, Path, PathBuf};

/// A Python script, in any form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Script {
    /// A file, as it was given.
    File(PathBuf),
    /// A module, by its name.
    Module(String),
    /// Code.
    Code(String),
    /// The code in standard input.
    Stdin,
}

impl Script {
    /// The name of the program, as python itself shows it.
    pub(crate) fn name(&self) -> String {
        match self {
            Script::File(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                name.to_string_lossy().into_owned()
            }
            Script::Module(name) => format!("-m {name}"),
            Script::Code(_) => "-c".to_owned(),
            Script::Stdin => "-".to_owned(),
        }
    }
}

/// The script that the options ask for, if it is Python.
pub(crate) fn script(options: &RunArgs) -> Option<Script> {
    if let Some(name) = &options.module {
        return Some(Script::Module(name.clone()));
    }
    if let Some(code) = &options.code {
        return Some(Script::Code(code.clone()));
    }
    let path = options.path.as_deref()?;
    if path == Path::new("-") {
        return Some(Script::Stdin);
    }
    (path.extension()? == "py").then(|| Script::File(path.to_owned()))
}

/// Adds the first argument, which tells the runner the script, and grants reading of the script's directory.
///
/// # Errors
/// If the script cannot be read, or a path is not UTF-8.
pub(crate) fn grant(script: &Script, grants: &mut Grants) -> anyhow::Result<()> {
    let here = env::current_dir().context("the current directory is unknown")?;
    grants.make_absolute(&here)?;
    let (kind, value, shown) = match script {
        Script::File(path) => {
            let shown = path.display();
            let absolute = here.join(path);
            let metadata = std::fs::metadata(&absolute)
                .with_context(|| format!("the script `{shown}` cannot be read"))?;
            if metadata.is_dir() {
                return Err(report::with_hint(
                    format!("the script `{shown}` is a directory"),
                    "`-m NAME` runs a package of Python",
                ));
            }
            let absolute = without_parents(absolute);
            grants.read_own(absolute.parent().unwrap_or(&here), Some(&absolute))?;
            ("script", utf8(&absolute)?, utf8(path)?)
        }
        Script::Module(name) => {
            // The directory in which python looks for the module first.
            grants.read_own(&here, None)?;
            ("module", name.clone(), name.clone())
        }
        Script::Code(code) => ("code", code.clone(), "-c".to_owned()),
        Script::Stdin => ("stdin", String::new(), "-".to_owned()),
    };
    let told = serde_json::json!({
        "run": kind, "value": value, "shown": shown, "cwd": utf8(&here)?,
    });
    grants.put_first(told.to_string());
    Ok(())
}

/// The path without `.` and `..`: a guest's file system would need grants for the directories in between.
fn without_parents(path: PathBuf) -> PathBuf {
    let is_plain = path
        .components()
        .all(|part| !matches!(part, Component::ParentDir | Component::CurDir));
    match path.canonicalize() {
        Ok(real) if !is_plain => real,
        _ => path,
    }
}

/// The component that runs scripts. Builds it if it is missing.
pub(crate) fn runner(options: &RunArgs, printer: &Printer) -> anyhow::Result<PathBuf> {
    let build = options
        .loading
        .toolchain
        .options(options.output.quiet.quiet);
    let mut announce = |step: &str| printer.progress(step);
    Ok(isopod_build::python_runner(&build, &mut announce)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser as _;

    fn script_of(words: &[&str]) -> Option<Script> {
        let words = ["isopod", "run"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Run(args) => script(&args),
            other => panic!("not a run: {other:?}"),
        }
    }

    #[test]
    fn what_is_python() {
        let file = |name: &str| Some(Script::File(PathBuf::from(name)));
        assert_eq!(script_of(&["a/x.py"]), file("a/x.py"));
        assert_eq!(script_of(&["-"]), Some(Script::Stdin));
        assert_eq!(
            script_of(&["-m", "json.tool", "--", "-h"]),
            Some(Script::Module("json.tool".to_owned()))
        );
        assert_eq!(
            script_of(&["-c", "print(1)"]),
            Some(Script::Code("print(1)".to_owned()))
        );
        assert_eq!(script_of(&["x.wasm"]), None);
        assert_eq!(script_of(&["crate"]), None);
    }
}
