//! Builds programs for isopod: from a guest crate, a single `.rs` file or a core module to a
//! component.
//!
//! The crate carries all that a guest needs besides a compiler: the guest library, its macros and
//! the WIT. They are unpacked into a cache directory, so a guest builds anywhere, with nothing of
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

mod cache;
mod cargo;
mod error;
mod owners;
mod program;
mod project;
mod python;
mod sdk;
mod stderr;
mod tool;
mod toolchain;

pub use cache::cache_directory;
pub use error::{Error, ErrorKind};
pub use python::python_runner;

use cache::Cache;
use isopod_component::Kind;
use std::fs;
use std::path::{Path, PathBuf};

/// How to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether a missing WebAssembly target may be installed: with `rustup target add
    /// wasm32-wasip1`, or else from Debian packages. Default: true.
    pub install: bool,
    /// Whether cargo is to print errors only. Default: false.
    pub quiet: bool,
    /// The cache directory. Default: `$ISOPOD_CACHE`, else `$XDG_CACHE_HOME/isopod`, else
    /// `$HOME/.cache/isopod`.
    pub cache: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            install: true,
            quiet: false,
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

/// Builds `source`, which is the directory of a guest crate (or its `Cargo.toml`), a `.rs` file, or
/// a `.wasm` file. A file that is a component already is read and given back.
///
/// Each step that takes time or changes the machine is announced in one line, without a line end.
/// cargo's own output goes to standard error. Blocks for as long as the build takes, and while
/// another process builds with the same cache.
///
/// # Errors
/// [`Error::kind`] says which step failed. A crate that does not compile is
/// [`ErrorKind::Compile`]; the compiler has said why on standard error by then.
pub fn build(
    source: &Path,
    options: &Options,
    announce: &mut dyn FnMut(&str),
) -> Result<Built, Error> {
    let metadata = fs::metadata(source).map_err(|error| {
        Error::new(
            ErrorKind::Source,
            format!("cannot read `{}`", source.display()),
        )
        .because(error)
    })?;
    let is_rust = source
        .extension()
        .is_some_and(|extension| extension == "rs");
    let is_manifest = source.file_name().is_some_and(|name| name == "Cargo.toml");
    if metadata.is_dir() || is_rust || is_manifest {
        let cache = Cache::open(options.cache.as_deref())?;
        let sdk = sdk::unpack(&cache)?;
        let source = source.canonicalize().map_err(|error| {
            Error::new(
                ErrorKind::Source,
                format!("cannot read `{}`", source.display()),
            )
            .because(error)
        })?;
        let directory = if metadata.is_dir() {
            source
        } else if is_rust {
            project::of_file(&cache, &source)?
        } else {
            source.parent().unwrap_or(&source).to_owned()
        };
        let toolchain = toolchain::find(&cache, &directory, options.install, announce)?;
        let (core_module, name) = cargo::build(
            &cache,
            &toolchain,
            &sdk,
            &directory,
            options.quiet,
            announce,
        )?;
        let component = isopod_component::componentize(&core_module).map_err(|error| {
            Error::new(
                ErrorKind::Componentize,
                format!("cannot make `{name}` a component"),
            )
            .because(error)
        })?;
        Ok(Built { component, name })
    } else {
        of_module(source)
    }
}

/// A component from a `.wasm` file.
fn of_module(source: &Path) -> Result<Built, Error> {
    let bytes = fs::read(source).map_err(|error| {
        Error::new(
            ErrorKind::Source,
            format!("cannot read `{}`", source.display()),
        )
        .because(error)
    })?;
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
        .with_hint("a program is a `.wasm` file, a `.rs` file or the directory of a guest crate")
    })?;
    Ok(Built { component, name })
}
