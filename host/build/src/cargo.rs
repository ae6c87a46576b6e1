//! One run of cargo: a guest crate to a core module.
//!
//! The guest library is found through a patch on the command line, so `isopod = "0.1"` in a
//! manifest needs no path and no registry. All guests share one target directory, so the library,
//! and the standard library where it is built, are compiled once.

use crate::cache::Cache;
use crate::owners::Owners;
use crate::program::{Program, Target, choose, needs_patch, read_metadata};
use crate::sdk::Sdk;
use crate::stderr;
use crate::tool::{self, last_lines, output_of};
use crate::toolchain::{Library, TARGET, Toolchain, set_library_path};
use crate::{Error, ErrorKind};
use serde::Deserialize;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a program may allocate before its memory grows. It costs address space until it is written to; but each
/// growth, and each new process in a memory that had grown, is a change of the host's mappings, for which all
/// its threads wait: bursts of processes that need no growth start 1.7 times as fast.
const INITIAL_HEAP_BYTES: u32 = 256 << 10;

/// A line that cargo prints with `--message-format=json`.
#[derive(Debug, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        filenames: Vec<PathBuf>,
    },
    BuildFinished {
        success: bool,
    },
    #[serde(other)]
    Other,
}

/// How a build ended.
enum Outcome {
    /// The core module.
    Module(PathBuf),
    /// The compiler refused the crate.
    DoesNotCompile,
    /// cargo did not get as far as compiling.
    NotBegun,
}

/// Builds the crate in `directory` and gives the core module and its name.
pub(crate) fn build(
    cache: &Cache,
    toolchain: &Toolchain,
    sdk: &Sdk,
    directory: &Path,
    quiet: bool,
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
    let metadata = read_metadata(toolchain, directory)?;
    let (package, program) = choose(&metadata, &manifest)?;
    let (Program::Binary(name) | Program::Library(name)) = program.clone();

    let target_directory = cache.directory("target")?;
    // cargo locks the directory while it builds; this lock lasts until the module has been read,
    // which a build of another program of the same name would replace.
    let waiting = || announce("waiting for another build");
    let _lock = cache.lock("target", waiting)?;
    if matches!(toolchain.library, Library::FromSource { .. })
        && !target_directory.join(TARGET).exists()
    {
        announce("building the standard library with the program; only the first build does");
    }

    let patch = needs_patch(&metadata).then(|| sdk.guest_crate());
    let lock = metadata.workspace_root.join("Cargo.lock");
    let was_locked = lock.exists();
    if !was_locked {
        // Resolved from what was downloaded before, the crate builds without a network. Where that
        // is not enough, the build itself downloads, and says so.
        let mut fetch = cargo(toolchain, directory, patch.as_deref());
        fetch.args(["fetch", "--offline", "--target", TARGET]);
        let _ = output_of(&mut fetch);
    }
    let owners = Owners::read(cache, &metadata)?;
    if !owners.strangers.is_empty() {
        let mut clean = cargo(toolchain, directory, patch.as_deref());
        clean.args(["clean", "--release", "--target", TARGET, "--target-dir"]);
        clean.arg(&target_directory);
        for id in &owners.strangers {
            clean.args(["--package", id]);
        }
        output_of(&mut clean).map_err(|said| not_begun(&name).because(last_lines(&said)))?;
    }
    owners.write()?;
    let run = |offline: bool| {
        let mut command = cargo(toolchain, directory, patch.as_deref());
        command.args(["rustc", "--release", "--target", TARGET, "--target-dir"]);
        command.arg(&target_directory);
        command.args([
            "--package",
            &package.name,
            "--message-format=json-render-diagnostics",
        ]);
        match &program {
            Program::Binary(name) => command.args(["--bin", name]),
            Program::Library(_) => command.arg("--lib"),
        };
        if quiet {
            command.arg("--quiet");
        }
        if offline {
            command.arg("--offline");
        }
        command.arg("--");
        command.arg(format!("-Clink-arg=--initial-heap={INITIAL_HEAP_BYTES}"));
        if let Library::FromSource { wasi_libc, .. } = &toolchain.library {
            // To the program alone: as a flag for all, the standard library would be built once for
            // programs with a main function and once for those without.
            for object in start_objects(&program) {
                let mut argument = OsString::from("-Clink-arg=");
                argument.push(wasi_libc.join(object));
                command.arg(argument);
            }
        }
        run_build(command, &name)
    };
    let mut outcome = run(false)?;
    if was_locked && matches!(outcome, Outcome::NotBegun) {
        // A lock file that lacks something which is on this machine all the same.
        announce("trying again without the network");
        outcome = run(true)?;
    }
    match outcome {
        Outcome::Module(path) => {
            let module = std::fs::read(&path).map_err(|error| {
                Error::new(
                    ErrorKind::Compile,
                    format!("cannot read `{}`", path.display()),
                )
                .because(error)
            })?;
            Ok((module, name))
        }
        Outcome::DoesNotCompile => Err(Error::new(
            ErrorKind::Compile,
            format!("`{name}` does not compile"),
        )),
        Outcome::NotBegun => Err(not_begun(&name)),
    }
}

fn not_begun(name: &str) -> Error {
    Error::new(
        ErrorKind::Dependencies,
        format!("cargo cannot begin to build `{name}`"),
    )
    .with_hint("cargo says what it needs; the first build of a program downloads its dependencies")
}

/// A cargo command with all that decides how a guest is compiled.
fn cargo(toolchain: &Toolchain, directory: &Path, patch: Option<&Path>) -> Command {
    let mut command = tool::command(&toolchain.cargo);
    command
        .current_dir(directory)
        .env("RUSTC", &toolchain.rustc);
    if std::env::var_os("CARGO_TERM_COLOR").is_none() && std::io::stderr().is_terminal() {
        // cargo itself sees a pipe.
        command.env("CARGO_TERM_COLOR", "always");
    }
    set_library_path(&mut command, toolchain.shared_libraries());
    // A panic ends the process whatever the profile says. The function names stay in the module:
    // they are what a backtrace shows.
    for setting in [
        "profile.release.panic=\"abort\"",
        "profile.release.strip=\"debuginfo\"",
    ] {
        command.args(["--config", setting]);
    }
    if let Some(path) = patch {
        // JSON's strings are TOML's, for any path that cargo can read.
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
        // The separator lets paths have spaces.
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f".as_ref()));
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    command
}

/// The start files of wasi-libc that a program is linked with.
///
/// A command has both. In Debian's wasi-libc `_start` does not run the constructors, without which
/// no directory can be opened: it leaves that to a wrapper that the linker makes, and the linker
/// makes none when something else names the constructors, as wit-bindgen's code does. The other
/// file's `_initialize` runs them, and a component calls that when it is instantiated.
fn start_objects(program: &Program) -> &'static [&'static str] {
    match program {
        Program::Binary(_) => &["crt1-command.o", "crt1-reactor.o"],
        Program::Library(_) => &["crt1-reactor.o"],
    }
}

/// Runs a build. What the compiler says goes to standard error as it comes.
fn run_build(mut command: Command, name: &str) -> Result<Outcome, Error> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Toolchain, "cargo does not run").because(error)
    };
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
    };
    let forwarder = std::thread::Builder::new()
        .name("isopod-cargo".to_owned())
        .spawn(move || stderr::forward(BufReader::new(errors), &mut std::io::stderr()))
        .map_err(failed)?;
    let mut module = None;
    let mut finished = None;
    for line in BufReader::new(output).lines() {
        let line = line.map_err(failed)?;
        // A build script may print lines that are not cargo's.
        match serde_json::from_str(&line) {
            Ok(Message::CompilerArtifact { target, filenames }) if target.name == name => {
                let is_module = |path: &PathBuf| path.extension().is_some_and(|end| end == "wasm");
                module = filenames.into_iter().find(is_module).or(module);
            }
            Ok(Message::BuildFinished { success }) => finished = Some(success),
            _ => {}
        }
    }
    let status = child.wait().map_err(failed)?;
    // It ends with cargo; what it could not print is lost, and cargo's status still holds.
    let _ = forwarder.join();
    Ok(match (status.success(), module, finished) {
        (true, Some(module), _) => Outcome::Module(module),
        (_, _, Some(_)) => Outcome::DoesNotCompile,
        _ => Outcome::NotBegun,
    })
}
