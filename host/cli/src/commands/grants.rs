//! The grants of a program, as the options ask for them. `-v` prints them.

use super::own_directory::{self, Own};
use super::source::Source;
use crate::args::{GrantArgs, RunArgs};
use crate::printer::Printer;
use crate::private::{self, PrivateDirectory};
use crate::report;
use crate::values::EnvironmentEntry;
use anyhow::Context as _;
use isopod_host::confine::Confinement;
use isopod_host::{Access, NetworkAddress, Output, Policy, Stdin};
use std::collections::{BTreeMap, BTreeSet};
use std::env::{self, VarError};
use std::path::{Path, PathBuf};

/// The name under which a program sees its private directory.
const PRIVATE: &str = "/tmp";

/// The grants of a program or plugin.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    directories: Vec<(PathBuf, String, Access)>,
    /// Its own directory, if the program gets only copies of the modules in it.
    modules: Option<Own>,
    private: Option<PrivateDirectory>,
    /// Whether the private directory is its `/tmp`.
    has_private_tmp: bool,
    special_files: bool,
    connect: Vec<NetworkAddress>,
    listen: Vec<NetworkAddress>,
    name_lookup: bool,
}

impl Grants {
    /// The grants that the options of `run` ask for. The last value of a variable counts.
    ///
    /// # Errors
    /// If a directory is missing or a file, two directories have one name, or a variable to copy is not set.
    pub(crate) fn of_program(options: &RunArgs) -> anyhow::Result<Grants> {
        let (grants, more) = (Grants::of(&options.grants)?, &options.more_grants);
        Ok(Grants {
            arguments: options.args.clone(),
            special_files: more.allow_special_files,
            connect: more.connect.clone(),
            listen: more.listen.clone(),
            name_lookup: more.allow_name_lookup,
            ..grants
        })
    }

    /// Directories and variables only, which a plugin can get too.
    ///
    /// # Errors
    /// The errors of [`of_program`](Self::of_program).
    pub(crate) fn of(options: &GrantArgs) -> anyhow::Result<Grants> {
        let (directories, read_directories) = (&options.directories, &options.read_directories);
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
                "`{shown}` cannot be granted: it is not a directory"
            );
            if !guest_names.insert(grant.guest()) {
                return Err(report::with_hint(
                    format!("two directories are granted as `{}`", grant.guest()),
                    "`--dir HOST::GUEST` gives a directory another name",
                ));
            }
            private::check_grant(grant.host())?;
            directories.push((grant.host().to_owned(), grant.guest().to_owned(), access));
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
            environment,
            directories,
            ..Grants::default()
        })
    }

    /// Adds the default grants of a program: an empty directory as `/tmp` and, for source, its own directory to read.
    /// A grant from an option under the same name, or above it, comes first, so a writable directory stays writable.
    ///
    /// # Errors
    /// If its modules cannot be copied.
    pub(crate) fn add_defaults(
        &mut self,
        path: &Path,
        source: Source,
        printer: &Printer,
    ) -> anyhow::Result<()> {
        if source == Source::Built {
            let own = own_directory(path);
            if own_directory::is_only_the_programs(&own) {
                let name = own.to_string_lossy().into_owned();
                self.read_only_as(&own, name);
            } else {
                printer.detail(
                    "not granted",
                    &format!(
                        "the directory `{}`, which contains more than the program; `--read-dir` grants it",
                        own.display()
                    ),
                );
            }
        }
        self.has_private_tmp = !self.has_directory(PRIVATE);
        if !self.has_private_tmp && self.modules.is_none() {
            return Ok(());
        }
        match PrivateDirectory::make() {
            Ok(directory) => self.private = Some(directory),
            Err(error) => {
                self.has_private_tmp = false;
                printer.warning(&format!(
                    "the program gets no `{PRIVATE}`: no private directory could be created: {error:#}"
                ));
            }
        }
        self.copy_modules(printer)
    }

    /// Copies the modules of the program's own directory to a directory that the program sees in its place.
    fn copy_modules(&mut self, printer: &Printer) -> anyhow::Result<()> {
        let (Some(own), Some(private)) = (&self.modules, &self.private) else {
            return Ok(());
        };
        let shown = own.directory.display();
        let count = match own.name == PRIVATE && self.has_private_tmp {
            // The program sees that directory anyway.
            true => own.copy_to(private.given())?,
            false => {
                let copies = private.run().join("modules");
                std::fs::create_dir(&copies)
                    .with_context(|| format!("`{}` cannot be created", copies.display()))?;
                let count = own.copy_to(&copies)?;
                let grant = (copies, own.name.clone(), Access::ReadOnly);
                self.directories.push(grant);
                count
            }
        };
        printer.detail(
            "not granted",
            &format!(
                "the directory `{shown}`, which contains more than the program; copies of its {count} modules are in its place, and `--read-dir` grants it"
            ),
        );
        Ok(())
    }

    /// Removes the private directory of the program, which has ended.
    pub(crate) fn end(self, printer: &Printer) {
        if let Some(private) = self.private
            && let Err(error) = private.remove()
        {
            printer.warning(&format!("{error:#}"));
        }
    }

    /// Whether the program's `name` lies in a granted directory.
    fn has_directory(&self, name: &str) -> bool {
        let name = Path::new(name);
        self.directories
            .iter()
            .any(|(_, guest, _)| name.starts_with(guest) || (guest == "." && name.is_relative()))
    }

    /// Gives each directory an absolute name. A relative name becomes its path on this machine, without links, `.` and
    /// `..`. If that path differs from the given one, the directory gets both names: a guest's library finds a
    /// directory by the beginning of a path, without following links or `..`.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub(crate) fn make_absolute(&mut self, here: &Path) -> anyhow::Result<()> {
        let mut as_given = Vec::new();
        for (host, guest, access) in &mut self.directories {
            if !guest.starts_with('/') {
                // Without `.`, which the library removes itself.
                let given: PathBuf = here.join(&*guest).components().collect();
                let path = given.canonicalize().unwrap_or_else(|_| here.join(&*host));
                *guest = utf8(&path)?;
                if given != path {
                    as_given.push((host.clone(), utf8(&given)?, *access));
                }
            }
        }
        self.directories.append(&mut as_given);
        Ok(())
    }

    /// Grants reading of the script's own directory under its path, or of its modules only if the directory holds
    /// unrelated files too. `script` is the file; `None` for a module of the directory.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub(crate) fn read_own(
        &mut self,
        directory: &Path,
        script: Option<&Path>,
    ) -> anyhow::Result<()> {
        let name = utf8(directory)?;
        if self.has_directory(&name) || own_directory::is_only_the_programs(directory) {
            return self.read_only(directory);
        }
        self.modules = Some(Own {
            directory: directory.to_owned(),
            name,
            script: script.map(Path::to_owned),
        });
        Ok(())
    }

    /// Grants reading of a directory under its own path, unless it lies in a granted directory.
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

    /// The private directory, if the program sees it as `/tmp`.
    fn private_tmp(&self) -> Option<&PrivateDirectory> {
        self.private.as_ref().filter(|_| self.has_private_tmp)
    }

    /// Puts an argument before the others.
    pub(crate) fn put_first(&mut self, argument: String) {
        self.arguments.insert(0, argument);
    }

    /// The directories that the program can write, except for its private one, which no user can name in advance.
    pub(crate) fn writable(&self) -> impl Iterator<Item = &Path> {
        let directories = self.directories.iter();
        let writable = directories.filter(|(_, _, access)| *access == Access::ReadWrite);
        writable.map(|(host, _, _)| host.as_path())
    }

    /// The program's arguments.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The grants as a policy, without the arguments.
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
        if let Some(directory) = self.private_tmp() {
            policy = policy.temporary_directory(directory.given(), PRIVATE);
        }
        for address in &self.connect {
            policy = policy.connect(*address);
        }
        for address in &self.listen {
            policy = policy.listen(*address);
        }
        policy
    }

    /// The rights that isopod itself keeps for the program.
    pub(crate) fn confinement(&self) -> Confinement {
        let confinement = Confinement::new().policy(&self.policy());
        match &self.private {
            // To empty it at the end, and then to remove it.
            Some(private) => confinement
                .write(private.run())
                .remove_directories(private.root()),
            None => confinement,
        }
    }

    /// Prints the grants and limits for `-v`, without the values of variables, which may be secrets. `arguments` are
    /// the arguments from the user.
    pub(crate) fn show(
        &self,
        arguments: &[String],
        cores: &[usize],
        limits: &[String],
        printer: &Printer,
    ) {
        let show = |text: &str| printer.detail("granted", text);
        show("standard input, output and error");
        if !arguments.is_empty() {
            show(&format!("arguments `{}`", arguments.join("` `")));
        }
        for name in self.environment.keys() {
            show(&format!("environment variable `{name}`"));
        }
        for (host, guest, access) in &self.directories {
            let host = host.display();
            let way = match access {
                Access::ReadOnly => "to read",
                Access::ReadWrite => "to read and write",
            };
            show(&format!("directory `{host}` as `{guest}`, {way}"));
        }
        if self.private_tmp().is_some() {
            show(&format!("an empty directory as `{PRIVATE}`"));
        }
        if self.special_files {
            show("FIFOs and devices in these directories");
        }
        for address in &self.connect {
            show(&format!("connections to {address}"));
        }
        for address in &self.listen {
            show(&format!("connections accepted at {address}"));
        }
        if self.name_lookup {
            show("look-up of host names");
        }
        let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
        show(&format!("cores {}", cores.join(", ")));
        for limit in limits {
            show(limit);
        }
    }
}

/// The directory of a crate, or of a source file.
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
            format!("the environment variable `{name}` is not set"),
            format!("set it with `--env {name}=VALUE`"),
        ),
        VarError::NotUnicode(_) => {
            anyhow::anyhow!("the value of the environment variable `{name}` is not UTF-8")
        }
    })
}

#[cfg(test)]
mod tests;
