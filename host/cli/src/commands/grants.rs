//! What a program gets, worked out from the options and shown by `-v`.

use super::limits;
use super::source::Source;
use crate::args::RunArgs;
use crate::printer::Printer;
use crate::report;
use crate::values::{DirectoryGrant, EnvironmentEntry};
use anyhow::Context as _;
use isopod_host::confine::Confinement;
use isopod_host::{Access, NetworkAddress, Output, Policy, Stdin};
use std::collections::{BTreeMap, BTreeSet};
use std::env::{self, VarError};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The name under which a program sees its private directory.
const PRIVATE: &str = "/tmp";

/// What a program gets.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    directories: Vec<(PathBuf, String, Access)>,
    /// Removed with this.
    private: Option<TempDir>,
    special_files: bool,
    connect: Vec<NetworkAddress>,
    listen: Vec<NetworkAddress>,
    name_lookup: bool,
}

impl Grants {
    /// What the options ask for. Of a variable that is given twice, the last counts.
    ///
    /// # Errors
    /// A directory that is none, two directories of one name, a variable that is not set here.
    pub(crate) fn from_options(options: &RunArgs) -> anyhow::Result<Grants> {
        let grants = Grants::of(
            &options.directories,
            &options.read_directories,
            &options.environment,
        )?;
        Ok(Grants {
            arguments: options.args.clone(),
            special_files: options.allow_special_files,
            connect: options.connect.clone(),
            listen: options.listen.clone(),
            name_lookup: options.allow_name_lookup,
            ..grants
        })
    }

    /// Directories and variables, and nothing else.
    ///
    /// # Errors
    /// Those of [`from_options`](Self::from_options).
    pub(crate) fn of(
        directories: &[DirectoryGrant],
        read_directories: &[DirectoryGrant],
        variables: &[EnvironmentEntry],
    ) -> anyhow::Result<Grants> {
        let written = directories.iter();
        let read = read_directories.iter();
        let mut guest_names = BTreeSet::new();
        let mut directories = Vec::new();
        let written = written.map(|grant| (grant, Access::ReadWrite));
        for (grant, access) in written.chain(read.map(|grant| (grant, Access::ReadOnly))) {
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
            directories.push((grant.host().to_owned(), grant.guest().to_owned(), access));
        }
        let mut environment = BTreeMap::new();
        for entry in variables {
            let (name, value) = match entry {
                EnvironmentEntry::Set { name, value } => (name.clone(), value.clone()),
                EnvironmentEntry::Inherit(name) => (name.clone(), own_variable(name)?),
            };
            environment.insert(name, value);
        }
        Ok(Grants {
            environment,
            directories,
            ..Grants::default()
        })
    }

    /// Adds what a program gets unasked: its own directory to read, if it is source, and an empty
    /// directory as `/tmp`. What the options name under that name, or one above it, comes first: a
    /// directory that may be written stays so.
    pub(crate) fn add_defaults(&mut self, path: &Path, source: Source, printer: &Printer) {
        if source == Source::Built {
            let own = own_directory(path);
            let name = own.to_string_lossy().into_owned();
            self.read_only_as(&own, name);
        }
        if self.has_directory(PRIVATE) {
            return;
        }
        match tempfile::Builder::new().prefix("isopod-").tempdir() {
            Ok(directory) => self.private = Some(directory),
            Err(error) => printer.warning(&format!(
                "the program gets no `{PRIVATE}`: no temporary directory could be made: {error}"
            )),
        }
    }

    /// Whether what the program calls `name` is in a directory that was asked for.
    fn has_directory(&self, name: &str) -> bool {
        let name = Path::new(name);
        self.directories
            .iter()
            .any(|(_, guest, _)| name.starts_with(guest) || (guest == "." && name.is_relative()))
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
        self.read_only_as(directory, utf8(directory)?);
        Ok(())
    }

    /// The same, under another name.
    fn read_only_as(&mut self, directory: &Path, name: String) {
        if !self.has_directory(&name) {
            self.directories
                .push((directory.to_owned(), name, Access::ReadOnly));
        }
    }

    /// Puts an argument before the others.
    pub(crate) fn put_first(&mut self, argument: String) {
        self.arguments.insert(0, argument);
    }

    /// The directories that the program may write.
    pub(crate) fn writable(&self) -> impl Iterator<Item = &Path> {
        let directories = self.directories.iter();
        let writable = directories.filter(|(_, _, access)| *access == Access::ReadWrite);
        let private = self.private.as_ref().map(tempfile::TempDir::path);
        writable.map(|(host, _, _)| host.as_path()).chain(private)
    }

    /// The program's arguments.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// All of it that is not arguments.
    pub(crate) fn policy(&self) -> Policy {
        let mut policy = Policy::default()
            .stdin(Stdin::Inherit)
            .stdout(Output::Inherit)
            .stderr(Output::Inherit)
            .special_files(self.special_files)
            .name_lookup(self.name_lookup);
        for (name, value) in &self.environment {
            policy = policy.env(name, value);
        }
        for (host, guest, access) in &self.directories {
            policy = policy.directory(host, guest, *access);
        }
        if let Some(directory) = &self.private {
            policy = policy.directory(directory.path(), PRIVATE, Access::ReadWrite);
        }
        for address in &self.connect {
            policy = policy.connect(*address);
        }
        for address in &self.listen {
            policy = policy.listen(*address);
        }
        policy
    }

    /// What isopod itself keeps for it.
    pub(crate) fn confinement(&self) -> Confinement {
        let confinement = Confinement::new().policy(&self.policy());
        let private = self.private.as_ref().and_then(|own| own.path().parent());
        match private {
            // To remove it at the end, empty by then.
            Some(parent) => confinement.remove_directories(parent),
            None => confinement,
        }
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
            let way = match access {
                Access::ReadOnly => "to read",
                Access::ReadWrite => "to read and write",
            };
            show(format!("directory `{host}` as `{guest}`, {way}"));
        }
        if self.private.is_some() {
            show(format!("an empty directory as `{PRIVATE}`"));
        }
        if self.special_files {
            show("FIFOs and devices in these directories".to_owned());
        }
        for address in &self.connect {
            show(format!("connections to {address}"));
        }
        for address in &self.listen {
            show(format!("connections accepted at {address}"));
        }
        if self.name_lookup {
            show("look-up of host names".to_owned());
        }
        let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
        show(format!("cores {}", cores.join(", ")));
        show(format!("{} processes at a time", options.max_processes));
        for limit in limits::shown(options) {
            show(limit);
        }
    }
}

/// The directory of a crate, or that a source file lies in.
fn own_directory(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
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
            other => panic!("not a run: {other:?}"),
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
    fn a_script_reads_its_own_directory_and_has_a_private_one() {
        let printer = Printer::new(true, false);
        let with_defaults = |options: &[&str], path: &str, source| {
            let mut grants = grants(options).unwrap();
            grants.add_defaults(Path::new(path), source, &printer);
            grants
        };
        let script = with_defaults(&[], "src/main.rs", Source::Built);
        let own = (PathBuf::from("src"), "src".to_owned(), Access::ReadOnly);
        assert_eq!(script.directories, [own]);
        let private = script.private.as_ref().unwrap().path().to_owned();
        assert!(private.is_dir());
        drop(script);
        assert!(!private.exists());
        assert_eq!(own_directory(Path::new("main.rs")), Path::new("."));
        // What is asked for under the same name, or above, comes first.
        let asked = with_defaults(&["--dir", "src", "--dir", ".::/tmp"], "src", Source::Built);
        assert!(asked.private.is_none());
        assert_eq!(asked.directories.len(), 2);
        let above = with_defaults(&["--dir", ".", "--dir", ".::/"], "src/x.rs", Source::Built);
        assert!(above.private.is_none());
        assert_eq!(above.directories.len(), 2);
        let module = with_defaults(&[], "src/x.wasm", Source::WebAssembly);
        assert!(module.directories.is_empty() && module.private.is_some());
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
                &["--dir", ".", "--read-dir", "src::."][..],
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
