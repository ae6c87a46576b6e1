//! The runs of cargo that build a guest crate into a core module.
//!
//! A patch on the command line tells cargo the place of the guest library, so `isopod = "0.1"` in a manifest
//! needs no path and no registry. `rust/site.rs` decides how cargo is called and which files it may reach;
//! `rust/target.rs` decides where it writes.

use crate::cache::Cache;
use crate::file::MOST_MODULE_BYTES;
use crate::program::{Program, Target as ProgramTarget, choose, needs_patch, read_metadata};
use crate::rust::remembered::Inputs;
use crate::rust::site::Site;
use crate::rust::target::Target;
use crate::sandbox::Sandbox;
use crate::sdk::Sdk;
use crate::stderr::{self, Told};
use crate::tool;
use crate::toolchain::{Library, TARGET, Toolchain};
use crate::{Error, ErrorKind, Options};
use serde::Deserialize;
use std::ffi::OsString;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// The bytes that a program may allocate before its memory grows. They cost only address space until the
/// program writes to them. But each growth, and each new process in a memory that had grown, changes the
/// host's mappings, and all threads of the host wait for such a change. Bursts of processes that need no
/// growth start 1.7 times as fast.
const INITIAL_HEAP_BYTES: u32 = 256 << 10;

/// A line that cargo prints with `--message-format=json`.
#[derive(Debug, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: ProgramTarget,
        filenames: Vec<PathBuf>,
    },
    BuildFinished {
        success: bool,
    },
    #[serde(other)]
    Other,
}

/// The outcome of a run of `cargo rustc`.
enum Outcome {
    /// The core module.
    Module { file: PathBuf, warned: bool },
    /// The compiler refused the crate.
    DoesNotCompile { told: Told },
    /// cargo stopped before it compiled anything.
    NotBegun,
}

/// Builds the crate in `directory`. Returns the core module and its name.
///
/// If the source is not trusted, cargo runs in two sandboxes. In the first, which has the network, it
/// downloads crates and runs no code of the source. In the second, which has no network, it builds: see
/// [`Sandbox`].
pub(crate) fn build(
    cache: &Cache,
    toolchain: &Toolchain,
    sdk: &Sdk,
    directory: &Path,
    options: &Options,
    announce: &mut dyn FnMut(&str),
) -> Result<(Vec<u8>, String), Error> {
    let manifest = directory.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(Error::new(
            ErrorKind::Source,
            format!(
                "`{}` is not a crate: it has no `Cargo.toml`",
                directory.display()
            ),
        )
        .with_hint("a program is a `.wasm` file, a `.rs` file or the directory of a guest crate"));
    }
    let mut site = Site::look(cache, toolchain, sdk, directory, options)?;
    let inputs = Inputs::of(cache, &site, sdk);
    if let Some(built) = inputs.as_ref().and_then(Inputs::recall) {
        return Ok(built);
    }
    site.check_entries()?;
    let begin = SystemTime::now();
    let has_hidden_change = inputs.as_ref().is_some_and(Inputs::has_hidden_change);
    let mut has_announced = false;
    let announce = &mut |step: &str| {
        has_announced = true;
        announce(step);
    };
    let (sandbox, command) = site.reading()?;
    let metadata = read_metadata(&sandbox, command, directory)?;
    site.check_manifests(&metadata)?;
    let (package, program) = choose(&metadata, &manifest)?;
    let (Program::Binary(name) | Program::Library(name)) = program.clone();
    site.settle(&metadata, announce)?;

    if needs_patch(&metadata) {
        site.patch = Some(sdk.guest_crate());
    }
    site.fetch(&metadata, &name, announce)?;
    let packages = site.locked(&metadata)?;
    let waiting = || announce("waiting for another build");
    let target = Target::of(cache, &site, &metadata, &packages, waiting)?;
    if matches!(toolchain.library, Library::FromSource { .. })
        && !target.directory.join(TARGET).exists()
    {
        announce("building the standard library with the program; only the first build does");
    }
    let (sandbox, command) = site.building(&packages, &target.directory)?;
    let own = match has_hidden_change {
        true => Target::packages_of_source(&packages),
        false => Vec::new(),
    };
    target.clean(&sandbox, command, &site.manifest(), &name, own)?;
    if let Some(inputs) = &inputs {
        inputs.note_begin(cache, begin);
    }

    let (sandbox, mut command) = site.building(&packages, &target.directory)?;
    command.args(["rustc", "--release", "--target", TARGET, "--target-dir"]);
    command.arg(&target.directory);
    command.args([
        "--package",
        &package.name,
        "--message-format=json-render-diagnostics",
    ]);
    command.arg("--manifest-path").arg(site.manifest());
    match &program {
        Program::Binary(name) => command.args(["--bin", name]),
        Program::Library(_) => command.arg("--lib"),
    };
    if options.quiet {
        command.arg("--quiet");
    }
    command.arg("--");
    command.arg(format!("-Clink-arg=--initial-heap={INITIAL_HEAP_BYTES}"));
    if let Library::FromSource { wasi_libc, .. } = &toolchain.library {
        // Only the program gets these arguments. As flags for all crates, they would make cargo build the
        // standard library twice: for programs with a main function, and for those without.
        for object in start_objects(&program) {
            let mut argument = OsString::from("-Clink-arg=");
            argument.push(wasi_libc.join(object));
            command.arg(argument);
        }
    }
    match run_build(&sandbox, command, &name)? {
        Outcome::Module { file, warned } => {
            if sandbox.is_closed() {
                check_place(&file, &target.directory)?;
            }
            let module = isopod_file::read(&file, MOST_MODULE_BYTES).map_err(|error| {
                Error::new(
                    ErrorKind::Compile,
                    format!("cannot read `{}`", file.display()),
                )
                .because(error)
            })?;
            // A build that printed something is not remembered, so that the next run prints it again.
            if let Some(inputs) = inputs
                && !has_announced
                && !warned
                && site.is_known(&metadata)
            {
                inputs.remember(cache, begin, &file, &module, &name);
            }
            Ok((module, name))
        }
        Outcome::DoesNotCompile { told } => {
            let error = Error::new(ErrorKind::Compile, format!("`{name}` does not compile"));
            Err(match sandbox.is_closed() {
                true => told.explain(error),
                false => error,
            })
        }
        Outcome::NotBegun => Err(not_begun(&name)),
    }
}

/// Refuses a module outside the target directory. A build script can write to cargo's output, and it can make
/// links. The sandbox does not follow such links, but this process would. The build script has ended by now,
/// so it cannot change a link after the check.
fn check_place(file: &Path, target: &Path) -> Result<(), Error> {
    let real = |path: &Path| path.canonicalize().ok();
    match (real(file), real(target)) {
        (Some(file), Some(target)) if file.starts_with(&target) => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Confinement,
            format!(
                "the build gives `{}` as its module, which does not lie in its target directory",
                file.display()
            ),
        )),
    }
}

pub(crate) fn not_begun(name: &str) -> Error {
    Error::new(
        ErrorKind::Dependencies,
        format!("cargo cannot begin to build `{name}`"),
    )
    .with_hint("cargo says what it needs; the first build of a program downloads its dependencies")
}

/// The start files of wasi-libc that are linked into a program.
///
/// A command needs both. In Debian's wasi-libc, `_start` does not run the constructors, and without them no
/// directory can be opened. It leaves that to a wrapper that the linker makes. The linker makes no wrapper if
/// other code names the constructors, as wit-bindgen's code does. The `_initialize` of the other file runs
/// them, and a component calls it when it is instantiated.
fn start_objects(program: &Program) -> &'static [&'static str] {
    match program {
        Program::Binary(_) => &["crt1-command.o", "crt1-reactor.o"],
        Program::Library(_) => &["crt1-reactor.o"],
    }
}

/// Runs a build, and copies the compiler's messages to standard error as they come.
fn run_build(sandbox: &Sandbox, mut command: Command, name: &str) -> Result<Outcome, Error> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Toolchain, "cargo does not run").because(error)
    };
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = sandbox.spawn(&mut command).map_err(failed)?;
    let child = &mut running.child;
    let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
    };
    let forwarder = std::thread::Builder::new()
        .name("isopod-cargo".to_owned())
        .spawn(move || stderr::forward(BufReader::new(errors), &mut std::io::stderr()))
        .map_err(failed)?;
    let mut module = None;
    let mut finished = None;
    let (mut output, mut line) = (BufReader::new(output), Vec::new());
    while tool::next_line(&mut output, &mut line).map_err(failed)? {
        // Lines that do not parse are skipped: a build script may print its own.
        match serde_json::from_slice(&line) {
            Ok(Message::CompilerArtifact { target, filenames }) if target.name == name => {
                let is_module = |path: &PathBuf| path.extension().is_some_and(|end| end == "wasm");
                module = filenames.into_iter().find(is_module).or(module);
            }
            Ok(Message::BuildFinished { success }) => finished = Some(success),
            _ => {}
        }
    }
    let status = running.wait()?;
    // The thread ends with cargo. If printing failed, the messages are lost, but cargo's status still holds.
    let told = forwarder.join().map(Result::unwrap_or_default);
    let told = told.unwrap_or_default();
    Ok(match (status.success(), module, finished) {
        (true, Some(file), _) => Outcome::Module {
            file,
            warned: told.warning,
        },
        (_, _, Some(_)) => Outcome::DoesNotCompile { told },
        _ => Outcome::NotBegun,
    })
}
