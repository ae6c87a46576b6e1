//! What a program gets, worked out from the options and shown by `-v`.

use super::limits;
use crate::args::RunArgs;
use crate::printer::Printer;
use crate::report;
use crate::values::EnvironmentEntry;
use anyhow::Context as _;
use isopod_host::{Access, Command, Output, Stdin};
use std::collections::{BTreeMap, BTreeSet};
use std::env::{self, VarError};
use std::path::{Path, PathBuf};

/// What a program gets.
#[derive(Debug)]
pub(crate) struct Grants {
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    directories: Vec<(PathBuf, String, Access)>,
}

impl Grants {
    /// What the options ask for. Of a variable that is given twice, the last counts.
    ///
    /// # Errors
    /// A directory that is none, two directories of one name, a variable that is not set here.
    pub(crate) fn from_options(options: &RunArgs) -> anyhow::Result<Grants> {
        let mut guest_names = BTreeSet::new();
        let mut directories = Vec::new();
        for grant in &options.directories {
            let shown = grant.host().display();
            let metadata = std::fs::metadata(grant.host())
                .with_context(|| format!("the directory `{shown}` cannot be granted"))?;
            anyhow::ensure!(
                metadata.is_dir(),
                "`{shown}` cannot be granted: it is no directory"
            );
            if !guest_names.insert(grant.guest()) {
                return Err(report::with_hint(
                    format!("two directories are granted as `{}`", grant.guest()),
                    "`--dir HOST::GUEST` gives a directory another name",
                ));
            }
            directories.push((
                grant.host().to_owned(),
                grant.guest().to_owned(),
                Access::ReadWrite,
            ));
        }
        let mut environment = BTreeMap::new();
        for entry in &options.environment {
            let (name, value) = match entry {
                EnvironmentEntry::Set { name, value } => (name.clone(), value.clone()),
                EnvironmentEntry::Inherit(name) => (name.clone(), own_variable(name)?),
            };
            environment.insert(name, value);
        }
        Ok(Grants {
            arguments: options.args.clone(),
            environment,
            directories,
        })
    }

    /// Gives each directory an absolute name: of one that has a relative name, the path that the name
    /// means on this machine, without links, `.` and `..`.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub(crate) fn make_absolute(&mut self, here: &Path) -> anyhow::Result<()> {
        for (host, guest, _) in &mut self.directories {
            if !guest.starts_with('/') {
                let path = here.join(&*guest);
                let path = path.canonicalize().unwrap_or_else(|_| here.join(&*host));
                *guest = utf8(&path)?;
            }
        }
        Ok(())
    }

    /// Grants a directory to be read under its own path, unless it is granted already, by itself or
    /// with one that it is in.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub(crate) fn read_only(&mut self, directory: &Path) -> anyhow::Result<()> {
        let mut granted = self.directories.iter();
        if !granted.any(|(_, guest, _)| directory.starts_with(guest)) {
            let guest = utf8(directory)?;
            self.directories
                .push((directory.to_owned(), guest, Access::ReadOnly));
        }
        Ok(())
    }

    /// Grants a directory, unless another has its name already.
    pub(crate) fn add(&mut self, host: &Path, guest: &str, access: Access) {
        if !self.directories.iter().any(|(_, other, _)| other == guest) {
            self.directories
                .push((host.to_owned(), guest.to_owned(), access));
        }
    }

    /// Puts an argument before the others.
    pub(crate) fn put_first(&mut self, argument: String) {
        self.arguments.insert(0, argument);
    }

    /// Gives all of it to the program that the command starts.
    pub(crate) fn apply(self, command: Command) -> Command {
        let mut command = command
            .args(self.arguments)
            .stdin(Stdin::Inherit)
            .stdout(Output::Inherit)
            .stderr(Output::Inherit);
        for (name, value) in self.environment {
            command = command.env(name, value);
        }
        for (host, guest, access) in self.directories {
            command = command.directory(host, guest, access);
        }
        command
    }

    /// Prints it, for `-v`. Values of variables are not shown: they may be secrets.
    pub(crate) fn show(&self, options: &RunArgs, cores: &[usize], printer: &Printer) {
        let show = |text: String| printer.detail("granted", &text);
        show("standard input, output and error".to_owned());
        if !options.args.is_empty() {
            show(format!("arguments `{}`", options.args.join("` `")));
        }
        for name in self.environment.keys() {
            show(format!("environment variable `{name}`"));
        }
        for (host, guest, access) in &self.directories {
            let host = host.display();
            let what = match access {
                Access::ReadOnly => "to read",
                Access::ReadWrite => "to read and write",
            };
            show(format!("directory `{host}` as `{guest}`, {what}"));
        }
        let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
        show(format!("cores {}", cores.join(", ")));
        show(format!("{} processes at a time", options.max_processes));
        for limit in limits::shown(options) {
            show(limit);
        }
    }
}

/// The path as a program sees it: as text.
pub(crate) fn utf8(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| anyhow::anyhow!("the path `{}` is not UTF-8", path.display()))
}

fn own_variable(name: &str) -> anyhow::Result<String> {
    env::var(name).map_err(|error| match error {
        VarError::NotPresent => report::with_hint(
            format!("the environment variable `{name}` is not set here"),
            format!("`--env {name}=VALUE` gives it a value"),
        ),
        VarError::NotUnicode(_) => {
            anyhow::anyhow!("the value of the environment variable `{name}` is not UTF-8")
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::args::{Cli, Command as Parsed};
    use clap::Parser as _;

    fn grants(options: &[&str]) -> anyhow::Result<Grants> {
        let words = ["isopod", "run", "x.wasm"].iter().chain(options);
        match Cli::try_parse_from(words).unwrap().command {
            Parsed::Run(args) => Grants::from_options(&args),
            Parsed::Build(_) => panic!("not a run"),
        }
    }

    #[test]
    fn variables_are_set_or_taken_over() {
        let path = env::var("PATH").unwrap();
        let grants = grants(&["--env", "A=1", "--env", "PATH", "--env", "A=2=3"]).unwrap();
        let expected = [("A", "2=3"), ("PATH", &path)];
        assert_eq!(
            grants.environment,
            expected
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        );
        let error = super::own_variable("ISOPOD_TEST_NOT_SET").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable `ISOPOD_TEST_NOT_SET` is not set here"
        );
    }

    #[test]
    fn directories_must_exist_and_differ_in_name() {
        assert_eq!(
            grants(&["--dir", ".", "--dir", ".::/data"])
                .unwrap()
                .directories,
            [
                (PathBuf::from("."), ".".to_owned(), Access::ReadWrite),
                (PathBuf::from("."), "/data".to_owned(), Access::ReadWrite)
            ]
        );
        for (options, text) in [
            (
                &["--dir", ".", "--dir", "src::."][..],
                "two directories are granted as `.`",
            ),
            (
                &["--dir", "no/such"],
                "the directory `no/such` cannot be granted",
            ),
            (
                &["--dir", "Cargo.toml"],
                "`Cargo.toml` cannot be granted: it is no directory",
            ),
        ] {
            assert_eq!(grants(options).unwrap_err().to_string(), text);
        }
    }
}
