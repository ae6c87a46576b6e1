//! The kinds of PATH, and the build of source to a component.

use crate::args::ToolchainArgs;
use crate::printer::Printer;
use crate::report;
use anyhow::Context as _;
use isopod_build::Language;
use std::path::Path;

/// The kind of a PATH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A source directory, a `Cargo.toml` or a source file, which must be built.
    Built,
    /// A Python script. `run` uses one component for all scripts; other commands build a component of its own.
    Python,
    /// Native code.
    Precompiled,
    /// Any other file: WebAssembly, or an error of the library.
    WebAssembly,
}

/// Returns the kind of PATH.
///
/// # Errors
/// If PATH does not exist, or is a directory without source or a special file.
pub(crate) fn kind_of(path: &Path) -> anyhow::Result<Source> {
    let shown = path.display();
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(report::with_hint(
                format!("`{shown}` does not exist"),
                "give a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory",
            ));
        }
        Err(error) => return Err(error).context(format!("`{shown}` cannot be read")),
    };
    if !metadata.is_dir() {
        let is_file = isopod_file::check(metadata.file_type());
        is_file.with_context(|| format!("`{shown}` cannot be read"))?;
    }
    match isopod_build::language_of(path) {
        Some(Language::Python) if !metadata.is_dir() => return Ok(Source::Python),
        Some(_) => return Ok(Source::Built),
        None if metadata.is_dir() => {
            return Err(report::with_hint(
                format!("the directory `{shown}` contains no program or plugin"),
                "it must contain a `Cargo.toml`, or a file `main` or `plugin` that ends in `.c`, `.py` or `.js`",
            ));
        }
        None => {}
    }
    let is_precompiled = path.extension().is_some_and(|ending| ending == "cwasm");
    Ok(match is_precompiled {
        true => Source::Precompiled,
        false => Source::WebAssembly,
    })
}

/// The name of the program at PATH before it is loaded.
pub(crate) fn name_of(path: &Path) -> String {
    // The name of `.` is the name of its directory.
    let stem = match path.file_stem() {
        Some(stem) => Some(stem.to_owned()),
        None => path
            .canonicalize()
            .ok()
            .and_then(|path| path.file_name().map(ToOwned::to_owned)),
    };
    stem.unwrap_or_default().to_string_lossy().into_owned()
}

/// Builds PATH to a component; the steps go to the printer.
pub(crate) fn build(
    path: &Path,
    toolchain: &ToolchainArgs,
    is_quiet: bool,
    printer: &Printer,
) -> anyhow::Result<isopod_build::Built> {
    let options = toolchain.options(is_quiet);
    let mut announce = |step: &str| printer.progress(step);
    Ok(isopod_build::build(path, &options, &mut announce)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::fs;

    #[test]
    fn the_kind_of_a_path() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in [
            "a.rs", "a.py", "a.c", "a.js", "a.cwasm", "a.wasm", "a", "A.RS",
        ] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("crate")).unwrap();
        fs::write(at("crate/Cargo.toml"), "").unwrap();
        for name in ["a.rs", "a.c", "a.js"] {
            assert_eq!(kind_of(&at(name)).unwrap(), Source::Built);
        }
        fs::create_dir(at("script")).unwrap();
        fs::write(at("script/main.py"), "").unwrap();
        assert_eq!(kind_of(&at("script")).unwrap(), Source::Built);
        assert_eq!(kind_of(&at("a.py")).unwrap(), Source::Python);
        assert_eq!(kind_of(&at("crate")).unwrap(), Source::Built);
        assert_eq!(kind_of(&at("crate/Cargo.toml")).unwrap(), Source::Built);
        assert_eq!(kind_of(&at("a.cwasm")).unwrap(), Source::Precompiled);
        for name in ["a.wasm", "a", "A.RS"] {
            assert_eq!(kind_of(&at(name)).unwrap(), Source::WebAssembly);
        }
        let text = kind_of(&at("none")).unwrap_err().to_string();
        assert!(text.ends_with("/none` does not exist"), "{text}");
        fs::create_dir(at("empty")).unwrap();
        let text = kind_of(&at("empty")).unwrap_err().to_string();
        assert!(text.ends_with("contains no program or plugin"), "{text}");
    }
}
