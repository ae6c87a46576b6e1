//! The site of the build of one crate: decides how cargo is called, and in which sandbox.

use super::git;
use super::home::{CargoHome, Locked, check_manifests, locked};
use super::source::{self, Source};
use crate::cache::Cache;
use crate::cargo::not_begun;
use crate::program::Metadata;
use crate::sandbox::Sandbox;
use crate::sdk::Sdk;
use crate::temporary::Temporary;
use crate::tool::last_lines;
use crate::toolchain::{Library, TARGET, Toolchain, set_library_path};
use crate::{Error, ErrorKind, Options};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One crate, and the tools for it.
#[derive(Debug)]
pub(crate) struct Site {
    cache: Cache,
    toolchain: Toolchain,
    options: Options,
    directory: PathBuf,
    /// The directory of the guest library, if cargo is to use it in place of the registry's.
    pub(crate) patch: Option<PathBuf>,
    /// None if the source is trusted.
    pub(crate) distrust: Option<Distrust>,
}

/// The parts that confine the builds of a crate that is not trusted.
#[derive(Debug)]
pub(crate) struct Distrust {
    pub(crate) source: Source,
    home: CargoHome,
    /// The unpacked guest library.
    sdk: PathBuf,
    /// The crate's own settings for cargo.
    settings: Option<Settings>,
}

/// Settings files for cargo.
#[derive(Debug)]
struct Settings {
    all: PathBuf,
    /// The settings that name the sources of crates.
    sources: PathBuf,
    _directory: Temporary,
}

impl Site {
    /// Examines a crate, before cargo runs.
    ///
    /// # Errors
    /// [`ErrorKind::Confinement`] and [`ErrorKind::Source`] for a crate that is refused.
    pub(crate) fn look(
        cache: &Cache,
        toolchain: &Toolchain,
        sdk: &Sdk,
        directory: &Path,
        options: &Options,
    ) -> Result<Site, Error> {
        if options.trust {
            return Ok(Site {
                cache: cache.clone(),
                toolchain: toolchain.clone(),
                options: options.clone(),
                directory: directory.to_owned(),
                patch: None,
                distrust: None,
            });
        }
        Ok(Site {
            cache: cache.clone(),
            toolchain: toolchain.without_proxies(),
            options: options.clone(),
            directory: directory.to_owned(),
            patch: None,
            distrust: Some(Distrust {
                source: source::look(directory, &options.read_source)?,
                home: CargoHome::prepare(cache)?,
                sdk: sdk.root().to_owned(),
                settings: None,
            }),
        })
    }

    /// Checks the files of a source that is not trusted, before cargo reads any of them.
    ///
    /// # Errors
    /// Those of [`Source::check_entries`].
    pub(crate) fn check_entries(&mut self) -> Result<(), Error> {
        match &mut self.distrust {
            Some(distrust) => distrust.source.check_entries(&self.directory),
            None => Ok(()),
        }
    }

    /// Checks the rest, once cargo has read the manifests of the crate.
    ///
    /// # Errors
    /// Those of [`Source::settle`].
    pub(crate) fn settle(
        &mut self,
        metadata: &Metadata,
        announce: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        let Some(distrust) = &mut self.distrust else {
            return Ok(());
        };
        distrust
            .source
            .settle(&self.directory, metadata, &self.options.unread, announce)?;
        if distrust.source.settings.is_empty() {
            return Ok(());
        }
        let temporary = Temporary::new(&self.cache)?;
        let write = |name: &str, settings: &toml::Table| -> std::io::Result<PathBuf> {
            let file = temporary.path().join(name);
            let text = toml::to_string(settings);
            std::fs::write(&file, text.map_err(std::io::Error::other)?)?;
            Ok(file)
        };
        let all = &distrust.source.settings;
        // The step with the network gets only these settings: flags of the compiler could load code, which
        // must not run there.
        let mut sources = all.clone();
        sources.retain(|name, _| ["source", "registries", "registry"].contains(&name));
        let files =
            write("all.toml", all).and_then(|all| Ok((all, write("sources.toml", &sources)?)));
        let (all, sources) = files.map_err(|error| {
            Error::new(ErrorKind::Cache, "the settings of the crate cannot be kept").because(error)
        })?;
        distrust.settings = Some(Settings {
            all,
            sources,
            _directory: temporary,
        });
        Ok(())
    }

    /// The files and directories that cargo may read of a source that is not trusted. It is not known yet
    /// which of them belong to the source.
    pub(crate) fn all_sources(&self) -> Option<Vec<PathBuf>> {
        let source = &self.distrust.as_ref()?.source;
        let places = [&source.roots, &source.manifests_above];
        let places = places.into_iter().flatten().chain(&source.workspace);
        Some(places.cloned().collect())
    }

    /// The compiler.
    pub(crate) fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }

    /// cargo's home directory in a sandbox.
    pub(crate) fn home(&self) -> Option<&Path> {
        Some(self.distrust.as_ref()?.home.directory())
    }

    /// Whether all inputs of a build are known, apart from the files that the source itself names.
    pub(crate) fn is_known(&self, metadata: &Metadata) -> bool {
        let runs_code = metadata.packages.iter().any(|package| package.runs_code());
        self.distrust.as_ref().is_some_and(|distrust| {
            distrust.source.settings.is_empty() && !distrust.home.has_settings() && !runs_code
        })
    }

    /// A sandbox in which the source can be read, and cargo in it.
    pub(crate) fn reading(&self) -> Result<(Sandbox, Command), Error> {
        let mut sandbox = Sandbox::for_source(&self.cache, &self.options)?;
        if let Some(distrust) = &self.distrust {
            let source = &distrust.source;
            sandbox = sandbox
                .read_all(self.toolchain.directories())
                .read_all(&source.roots)
                .read_all(&source.workspace)
                .read_all(&source.manifests_above)
                .read(&distrust.sdk)
                .read(distrust.home.directory());
        }
        let command = self.cargo(&sandbox);
        Ok((sandbox, command))
    }

    /// A sandbox to build in, and cargo in it.
    pub(crate) fn building(
        &self,
        packages: &[Locked],
        target: &Path,
    ) -> Result<(Sandbox, Command), Error> {
        let (mut sandbox, _) = self.reading()?;
        if let Some(distrust) = &self.distrust {
            sandbox = distrust
                .home
                .grant_to_build(sandbox, packages)
                .write(target);
            sandbox = git::grant_to_build(sandbox, packages)?;
            if let Some(settings) = &distrust.settings {
                sandbox = sandbox.read(&settings.all);
            }
        }
        let mut command = self.cargo(&sandbox);
        if let Some(distrust) = &self.distrust {
            command.arg("--offline");
            if let Some(settings) = &distrust.settings {
                command.arg("--config").arg(&settings.all);
            }
        }
        Ok((sandbox, command))
    }

    /// Refuses manifests that name a source from which a confined build does not fetch. No tool has connected
    /// to it yet.
    ///
    /// # Errors
    /// Those of [`check_manifests`].
    pub(crate) fn check_manifests(&self, metadata: &Metadata) -> Result<(), Error> {
        match self.distrust {
            Some(_) => check_manifests(metadata),
            None => Ok(()),
        }
    }

    /// Resolves the dependencies of a source that is not trusted, and downloads the missing ones. It first
    /// tries without the network, so that a crate that was built once builds without a network. For a trusted
    /// source, the build itself does all this.
    ///
    /// # Errors
    /// [`ErrorKind::Dependencies`] with the message of cargo.
    pub(crate) fn fetch(
        &self,
        metadata: &Metadata,
        name: &str,
        announce: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        let Some(distrust) = &self.distrust else {
            return Ok(());
        };
        let run = |offline: bool| -> Result<Result<String, String>, Error> {
            let (sandbox, _) = self.reading()?;
            let mut sandbox = distrust
                .home
                .grant_to_fetch(git::grant_to_fetch(sandbox))
                .write(&metadata.workspace_root);
            if let Some(settings) = &distrust.settings {
                sandbox = sandbox.read(&settings.sources);
            }
            if !offline {
                sandbox = sandbox.with_network();
            }
            let mut command = self.cargo(&sandbox);
            git::set_environment(&mut command);
            command.args(["fetch", "--target", TARGET]);
            if let Some(host) = self.host(&sandbox) {
                // For build scripts and macros.
                command.args(["--target", &host]);
            }
            // These flags are only for the target of guests.
            command.env_remove("CARGO_ENCODED_RUSTFLAGS");
            if offline {
                command.arg("--offline");
            }
            if let Some(settings) = &distrust.settings {
                command.arg("--config").arg(&settings.sources);
            }
            command.arg("--manifest-path").arg(self.manifest());
            Ok(sandbox.output_of(&mut command))
        };
        if run(true)?.is_ok() {
            return Ok(());
        }
        announce("downloading the dependencies of the crate");
        run(false)?
            .map(drop)
            .map_err(|said| not_begun(name).because(last_lines(&said)))
    }

    /// The packages of the lock file, and of the standard library's lock file if the build compiles it.
    ///
    /// # Errors
    /// Those of [`locked`].
    pub(crate) fn locked(&self, metadata: &Metadata) -> Result<Vec<Locked>, Error> {
        if self.distrust.is_none() {
            return Ok(Vec::new());
        }
        let mut packages = locked(&metadata.workspace_root.join("Cargo.lock"))?;
        let of_library = "lib/rustlib/src/rust/library/Cargo.lock";
        let of_library = self.toolchain.sysroot.join(of_library);
        if matches!(self.toolchain.library, Library::FromSource { .. }) && of_library.is_file() {
            let mut of_library = locked(&of_library)?;
            for package in &mut of_library {
                package.is_of_library = true;
            }
            packages.append(&mut of_library);
        }
        Ok(packages)
    }

    /// The name of this machine's own target.
    fn host(&self, sandbox: &Sandbox) -> Option<String> {
        let mut command = sandbox.command(&self.toolchain.rustc);
        set_library_path(&mut command, self.toolchain.shared_libraries());
        let said = sandbox.output_of(command.arg("-vV")).ok()?;
        let host = said.lines().find_map(|line| line.strip_prefix("host: "))?;
        Some(host.to_owned())
    }

    /// A cargo command with all settings for the compilation of a guest.
    fn cargo(&self, sandbox: &Sandbox) -> Command {
        let toolchain = &self.toolchain;
        let mut command = sandbox.command(&toolchain.cargo);
        command.env("RUSTC", &toolchain.rustc);
        match &self.distrust {
            None => command.current_dir(&self.directory),
            // cargo reads the settings of its working directory and of all directories above. These have
            // none.
            Some(distrust) => command
                .current_dir("/")
                .env("CARGO_HOME", distrust.home.directory())
                .env("RUSTC_WRAPPER", "")
                .env("RUSTC_WORKSPACE_WRAPPER", ""),
        };
        if std::env::var_os("CARGO_TERM_COLOR").is_none() && std::io::stderr().is_terminal() {
            // cargo sees a pipe, so it would not colour by itself.
            command.env("CARGO_TERM_COLOR", "always");
        }
        set_library_path(&mut command, toolchain.shared_libraries());
        // A panic always ends the process, even if the profile asks for unwinding. The function names stay in
        // the module, because a backtrace shows them.
        for setting in [
            "profile.release.panic=\"abort\"",
            "profile.release.strip=\"debuginfo\"",
        ] {
            command.args(["--config", setting]);
        }
        if let Some(path) = &self.patch {
            // A JSON string is a TOML string, for any path that cargo can read.
            let path = serde_json::Value::from(path.to_string_lossy());
            command
                .arg("--config")
                .arg(format!("patch.crates-io.isopod.path={path}"));
        }
        if let Library::FromSource {
            linker, wasi_libc, ..
        } = &toolchain.library
        {
            let mut flags: Vec<OsString> = Vec::new();
            let mut flag = |name: &str, path: &Path| {
                let mut flag = OsString::from(name);
                flag.push(path);
                flags.push(flag);
            };
            flag("-Clinker=", linker);
            flag("-Clinker-flavor=wasm-ld", Path::new(""));
            flag("-Lnative=", wasi_libc);
            flag("-Clink-self-contained=no", Path::new(""));
            command.args(["-Zbuild-std=std,panic_abort"]);
            // With this separator, paths may contain spaces.
            command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f".as_ref()));
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        command
    }

    /// The manifest of the crate.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.directory.join("Cargo.toml")
    }
}
