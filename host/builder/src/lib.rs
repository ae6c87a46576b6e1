//! Builds programs and plugins for isopod: from Rust, C, Python or JavaScript, or from a core module, to a
//! component.
//!
//! The crate carries all that a guest needs besides a compiler: the guest libraries and the WIT. They are unpacked into a cache directory, so a guest builds anywhere, with nothing of
//! isopod published or checked out. The compiler's WebAssembly target is found or, if that is
//! allowed, installed; see [`Options::install`].
//!
//! It promises that nothing is written outside of the cache, but for the `Cargo.lock` of a guest
//! crate and what an installation is announced to install; that no absolute path gets into a file
//! of a guest; and that builds at the same time do not disturb each other.
//!
//! ```no_run
//! use isopod_build::{Options, build};
//!
//! let built = build("hello.rs".as_ref(), &Options::default(), &mut |step| eprintln!("{step}"))?;
//! std::fs::write("hello.wasm", built.component)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod c;
mod cache;
mod cargo;
mod environment;
mod error;
mod file;
mod javascript;
mod language;
mod links;
mod owners;
mod program;
mod project;
mod python;
mod read_source;
mod rust;
mod sandbox;
mod sdk;
mod stage;
mod stderr;
mod temporary;
mod tool;
mod toolchain;

pub use cache::cache_directory;
pub use error::{Error, ErrorKind};
pub use language::{Language, language_of};
pub use python::python_runner;
pub use sandbox::{Supervisor, serve_build};
pub use temporary::sweep;

use cache::Cache;
use isopod_component::Kind;
use std::fs;
use std::path::{Path, PathBuf};

/// How to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether a missing compiler may be installed: for Rust with `rustup target add wasm32-wasip1`, or
    /// else from Debian packages; for C from Debian packages, or else zig from PyPI; for Python
    /// componentize-py from PyPI; for JavaScript componentize-js with npm. Default: true.
    pub install: bool,
    /// Whether cargo is to print errors only. Default: false.
    pub quiet: bool,
    /// Whether the source is trusted. If not, it is built in a sandbox: its build scripts and macros, and what its
    /// text names, reach the source, the compiler and the crates that it depends on, and nothing else; where the
    /// kernel cannot confine it, it is not built. If it is trusted, its build can do whatever the user can.
    /// Default: false.
    pub trust: bool,
    /// Directories beside the source that its build may read: those of dependencies by path. One that holds the home
    /// directory is refused. Default: none.
    pub read_source: Vec<PathBuf>,
    /// Files that no build may read: a source that holds one is refused, as one that holds the home directory is.
    /// Default: none.
    pub unread: Vec<PathBuf>,
    /// Who ends the processes of a confined build with it, and bounds their time and memory. Without one, a process
    /// of a build that is killed goes on, and nothing bounds a build. Default: none.
    pub supervisor: Option<Supervisor>,
    /// The cache directory. Default: `$ISOPOD_CACHE`, else `$XDG_CACHE_HOME/isopod`, else
    /// `$HOME/.cache/isopod`.
    pub cache: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            install: true,
            quiet: false,
            trust: false,
            read_source: Vec::new(),
            unread: Vec::new(),
            supervisor: None,
            cache: None,
        }
    }
}

/// What [`build`] gives.
#[derive(Clone, PartialEq, Eq)]
pub struct Built {
    /// The component.
    pub component: Vec<u8>,
    /// The name of the program: that of the crate's binary, or of the file without its extension.
    pub name: String,
}

impl std::fmt::Debug for Built {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Built")
            .field("name", &self.name)
            .field("component_bytes", &self.component.len())
            .finish()
    }
}

/// Builds `source`: a Rust crate (its directory or `Cargo.toml`), a directory with `main.c`, `main.py`,
/// `main.js` or `plugin.c`, `plugin.py`, `plugin.js`, a single file of these languages, or a `.wasm` file. A
/// file that is a component already is read and given back.
///
/// Each step that takes time or changes the machine is announced in one line, without a line end.
/// The compilers' own output goes to standard error. Blocks for as long as the build takes, and while
/// another process builds with the same cache.
///
/// # Errors
/// [`Error::kind`] says which step failed. A source that does not compile is
/// [`ErrorKind::Compile`]; the compiler has said why on standard error by then, or the cause says it.
pub fn build(
    source: &Path,
    options: &Options,
    announce: &mut dyn FnMut(&str),
) -> Result<Built, Error> {
    let options = &Options {
        read_source: read_source::check(options)?,
        ..options.clone()
    };
    let metadata = fs::metadata(source).map_err(|error| unreadable(source).because(error))?;
    let cache = || Cache::open(options.cache.as_deref());
    let core_module;
    let name;
    match language_of(source) {
        Some(Language::Rust) => {
            (core_module, name) = of_rust(&cache()?, source, options, announce)?;
        }
        Some(Language::C) => {
            let source = language::read(source, Language::C)?;
            core_module = c::build(&cache()?, &source, options, announce)?;
            name = source.name;
        }
        Some(language @ Language::Python) => {
            let source = language::read(source, language)?;
            let component = python::build(&cache()?, &source, options, announce)?;
            let name = source.name;
            return Ok(Built { component, name });
        }
        Some(language @ Language::JavaScript) => {
            let source = language::read(source, language)?;
            let component = javascript::build(&cache()?, &source, options, announce)?;
            let name = source.name;
            return Ok(Built { component, name });
        }
        None if metadata.is_dir() => {
            return Err(Error::new(
                ErrorKind::Source,
                format!(
                    "the directory `{}` holds no program and no plugin",
                    source.display()
                ),
            )
            .with_hint(
                "it is to hold a `Cargo.toml`, or a `main` or `plugin` that ends in `.c`, `.py` or \
                 `.js`",
            ));
        }
        None => return of_module(source),
    }
    let component = isopod_component::componentize(&core_module).map_err(|error| {
        Error::new(
            ErrorKind::Componentize,
            format!("cannot make `{name}` a component"),
        )
        .because(error)
    })?;
    Ok(Built { component, name })
}

fn unreadable(source: &Path) -> Error {
    Error::new(
        ErrorKind::Source,
        format!("cannot read `{}`", source.display()),
    )
}

/// The core module of a crate or `.rs` file, and its name.
fn of_rust(
    cache: &Cache,
    source: &Path,
    options: &Options,
    announce: &mut dyn FnMut(&str),
) -> Result<(Vec<u8>, String), Error> {
    let sdk = sdk::unpack(cache)?;
    let source = source
        .canonicalize()
        .map_err(|error| unreadable(source).because(error))?;
    let directory = if source.is_dir() {
        source
    } else if source.extension().is_some_and(|ending| ending == "rs") {
        project::of_file(cache, &source)?
    } else {
        source.parent().unwrap_or(&source).to_owned()
    };
    if !options.trust {
        sandbox::available()?;
        // Finding a compiler asks those that are there, in this directory.
        rust::settings::check_toolchain_file(&directory)?;
    }
    let toolchain = toolchain::find(cache, &directory, options.install, announce)?;
    cargo::build(cache, &toolchain, &sdk, &directory, options, announce)
}

/// A component from a `.wasm` file.
fn of_module(source: &Path) -> Result<Built, Error> {
    let bytes = file::read(source, file::MOST_MODULE_BYTES)?;
    let name = source.file_stem().map_or_else(
        || "program".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    if isopod_component::kind_of(&bytes) == Kind::Component {
        return Ok(Built {
            component: bytes,
            name,
        });
    }
    let component = isopod_component::componentize(&bytes).map_err(|error| {
        let kind = match error {
            isopod_component::Error::NotWasm(_) => ErrorKind::Source,
            _ => ErrorKind::Componentize,
        };
        Error::new(
            kind,
            format!("cannot make `{}` a component", source.display()),
        )
        .because(error)
        .with_hint("a program is a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`) or a directory of such")
    })?;
    Ok(Built { component, name })
}
