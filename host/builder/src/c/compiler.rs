//! Finding a C compiler for WebAssembly, or installing one.
//!
//! The search goes in this order: the compiler of the WASI SDK that `WASI_SDK_PATH` names; a clang with
//! wasi-libc; zig on `PATH`; zig that an earlier build installed from PyPI. If none is found, root installs
//! Debian's clang and wasi-libc, and any other user unpacks them into the cache. If that fails, zig is
//! installed from PyPI.

use crate::cache::Cache;
use crate::environment;
use crate::sandbox::Sandbox;
use crate::tool::{all_named, entries, output_of};
use crate::toolchain::{library_directories, packages, set_library_path};
use crate::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Clang, the C library, and the packages that they need for WebAssembly.
const PACKAGES: [&str; 4] = ["clang", "lld", "wasi-libc", "libclang-rt-dev-wasm32"];

/// The other compiler, which carries its C library.
const ZIG: &str = "ziglang==0.17.1";

/// A compiler, and the arguments of each call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compiler {
    program: PathBuf,
    arguments: Vec<String>,
    shared_libraries: Vec<PathBuf>,
    /// The directories of its own files, if they lie outside the system's directories for programs.
    directories: Vec<PathBuf>,
}

impl Compiler {
    /// A call of the compiler in a sandbox, without any files yet.
    pub(super) fn command(&self, sandbox: &Sandbox) -> Command {
        let mut command = sandbox.command(&self.program);
        set_library_path(&mut command, &self.shared_libraries);
        command.args(&self.arguments);
        command
    }

    /// Lets the compiler read its own files, and lets zig keep the compiled parts of its C library in `kept`.
    pub(super) fn grant(&self, sandbox: Sandbox, kept: &Path) -> Sandbox {
        sandbox
            .read_all(self.program.canonicalize())
            .read_all(&self.directories)
            .read_all(&self.shared_libraries)
            .write(kept)
    }

    /// A text that identifies the compiler: objects of two compilers must not be mixed.
    pub(super) fn description(&self) -> String {
        let version =
            output_of(self.command(&Sandbox::open()).arg("--version")).unwrap_or_default();
        format!(
            "{}\n{}\n{version}",
            self.program.display(),
            self.arguments.join(" ")
        )
    }
}

/// Finds a compiler. Installs one if there is none and `install` allows it.
pub(super) fn find(
    cache: &Cache,
    install: bool,
    announce: &mut dyn FnMut(&str),
) -> Result<Compiler, Error> {
    let path: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let unpacked = cache.path("toolchain/debian-c");
    let present = || present(&path, &unpacked, cache);
    if let Some(compiler) = present() {
        return Ok(compiler);
    }
    if !install {
        return Err(missing(&[], "installing one is forbidden"));
    }
    let _lock = cache.lock("c-compiler", || {
        announce("waits for another build that installs the C compiler");
    })?;
    if let Some(compiler) = present() {
        return Ok(compiler);
    }
    let mut failures = Vec::new();
    match all_named(&path, "apt-get").first() {
        None => failures.push("there is no `apt-get` to install Debian's packages with".to_owned()),
        Some(apt_get) => match packages::install(cache, apt_get, &PACKAGES, &unpacked, announce) {
            Ok(()) => match present() {
                Some(compiler) => return Ok(compiler),
                None => failures.push("clang was installed, but is not found".to_owned()),
            },
            Err(failure) => {
                announce(&failure);
                failures.push(failure);
            }
        },
    }
    match environment::with(ZIG, &cache.directory("c")?, true, announce) {
        Ok(environment) => Ok(of_zig(&environment)),
        Err(error) => {
            failures.push(error.to_string());
            failures.extend(error.cause().map(str::to_owned));
            Err(missing(&failures, "none could be installed"))
        }
    }
}

/// A compiler that the machine or the cache already has.
fn present(path: &[PathBuf], unpacked: &Path, cache: &Cache) -> Option<Compiler> {
    let sdk = std::env::var_os("WASI_SDK_PATH").map(|sdk| Path::new(&sdk).join("bin/clang"));
    if let Some(clang) = sdk.filter(|clang| clang.is_file()) {
        return Some(Compiler {
            directories: clang
                .ancestors()
                .nth(2)
                .map(Path::to_owned)
                .into_iter()
                .collect(),
            program: clang,
            arguments: vec!["--target=wasm32-wasip1".to_owned()],
            shared_libraries: Vec::new(),
        });
    }
    let system = Path::new("/");
    debian(system, all_named(path, "clang"))
        .or_else(|| debian(unpacked, Vec::new()))
        .or_else(|| {
            let zig = all_named(path, "zig").into_iter().next()?;
            Some(zig_called(zig, &["cc"]))
        })
        .or_else(|| {
            let environment = environment::place(ZIG, &cache.path("c"));
            environment::is_complete(&environment).then(|| of_zig(&environment))
        })
}

/// A clang below `root`, or one of `candidates`, with wasi-libc below `root`, a linker and the compiler's own
/// library.
fn debian(root: &Path, mut candidates: Vec<PathBuf>) -> Option<Compiler> {
    let sysroot = root.join("usr");
    if !sysroot.join("lib/wasm32-wasi/crt1-reactor.o").is_file() {
        return None;
    }
    let versions = entries(&sysroot.join("lib"), "llvm-");
    candidates.extend(
        versions
            .iter()
            .rev()
            .map(|version| version.join("bin/clang")),
    );
    let compilers = candidates.into_iter().filter(|clang| clang.is_file());
    let mut compilers = compilers.map(|program| Compiler {
        program,
        arguments: vec![
            "--target=wasm32-wasi".to_owned(),
            format!("--sysroot={}", sysroot.display()),
        ],
        shared_libraries: library_directories(root),
        directories: vec![sysroot.clone()],
    });
    compilers.find(|compiler| {
        let says = |question| output_of(compiler.command(&Sandbox::open()).arg(question)).ok();
        let is_file = |path: Option<String>| path.is_some_and(|path| Path::new(&path).is_file());
        // For a linker that it did not find, clang prints the bare name.
        is_file(says("-print-libgcc-file-name")) && is_file(says("-print-prog-name=wasm-ld"))
    })
}

/// Zig from PyPI.
fn of_zig(environment: &Path) -> Compiler {
    let mut compiler = zig_called(environment.join("bin/python"), &["-m", "ziglang", "cc"]);
    compiler.directories = environment::directories(environment);
    compiler
}

fn zig_called(program: PathBuf, arguments: &[&str]) -> Compiler {
    let arguments = arguments.iter().chain(&["--target=wasm32-wasi"]);
    let real = program.canonicalize().unwrap_or_else(|_| program.clone());
    Compiler {
        program,
        arguments: arguments.map(|one| (*one).to_owned()).collect(),
        shared_libraries: Vec::new(),
        // zig's library lies beside the program.
        directories: real.parent().map(Path::to_owned).into_iter().collect(),
    }
}

fn missing(failures: &[String], reason: &str) -> Error {
    let error = Error::new(
        ErrorKind::Toolchain,
        format!("no C compiler for WebAssembly, and {reason}"),
    )
    .with_hint(format!(
        "on Debian `apt-get install --no-install-recommends {}`; elsewhere install zig, or a WASI SDK \
         and set `WASI_SDK_PATH`",
        PACKAGES.join(" ")
    ));
    if failures.is_empty() {
        error
    } else {
        error.because(failures.join("\n"))
    }
}
