//! Builds programs and plugins for isopod. The input is Rust, C, Python or JavaScript, or a core module; the
//! output is a component.
//!
//! Besides a compiler, a guest needs only the guest libraries and the WIT, and the crate contains both. It
//! unpacks them into a cache directory, so a guest builds anywhere, even where isopod is neither published
//! nor checked out. The crate finds the compiler's WebAssembly target or, if that is allowed, installs it;
//! see [`Options::install`].
//!
//! It makes three promises. A build writes nothing outside the cache, apart from the `Cargo.lock` of a guest
//! crate and the installations that it announces. No absolute path gets into a file of a guest. Concurrent
//! builds do not disturb each other.
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
    /// Whether cargo prints errors only. Default: false.
    pub quiet: bool,
    /// Whether the source is trusted. If not, it is built in a sandbox: its build scripts, its macros and the
    /// files that its text names reach the source, the compiler and the crates that it depends on, and
    /// nothing else. If the kernel cannot confine the build, the build fails. If the source is trusted, its
    /// build can do everything that the user can. Default: false.
    pub trust: bool,
    /// Further directories that the build may read, such as those of dependencies by path. A directory that
    /// holds the home directory is refused. Default: none.
    pub read_source: Vec<PathBuf>,
    /// Files that no build may read. A source that holds one is refused, as is a source that holds the home
    /// directory. Default: none.
    pub unread: Vec<PathBuf>,
    /// The supervisor of confined builds: it ends their processes with the build, and bounds their time and
    /// memory. Without one, the processes of a killed build go on, and nothing bounds a build. Default: none.
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

/// The result of [`build`].
#[derive(Clone, PartialEq, Eq)]
pub struct Built {
    /// The component.
    pub component: Vec<u8>,
    /// The name of the program: the name of the crate's binary, or of the file without its extension.
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
/// component is returned as it is.
///
/// `announce` receives one line, without a line end, before each step that takes time or changes the machine.
/// The compilers' own output goes to standard error. Blocks until the build has ended, and while another
/// process builds with the same cache.
///
/// # Errors
/// [`Error::kind`] names the step that failed. A source that does not compile gives [`ErrorKind::Compile`].
/// The reason is then on standard error or in the cause.
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
        // The search for a compiler runs the installed ones in this directory, so the check must come first.
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
