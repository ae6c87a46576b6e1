//! What PATH is, and how source becomes a component.

use crate::args::ToolchainArgs;
use crate::printer::Printer;
use crate::report;
use anyhow::Context as _;
use std::path::Path;

/// What PATH is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The directory of a Rust crate, its `Cargo.toml`, or a `.rs` file: to be built.
    Rust,
    /// A script of Python, for which there is a component that runs any.
    Python,
    /// Native code.
    Precompiled,
    /// Any other file: WebAssembly, or an error that the library words.
    WebAssembly,
}

/// Looks at PATH.
///
/// # Errors
/// If there is nothing, or a directory without a crate.
pub(crate) fn kind_of(path: &Path) -> anyhow::Result<Source> {
    let shown = path.display();
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(report::with_hint(
                format!("`{shown}` does not exist"),
                "give a Python script, a `.wasm` file, the directory of a Rust crate, or a `.rs` file",
            ));
        }
        Err(error) => return Err(error).context(format!("`{shown}` cannot be read")),
    };
    if metadata.is_dir() {
        if !path.join("Cargo.toml").is_file() {
            return Err(report::with_hint(
                format!("the directory `{shown}` is no Rust crate: it has no `Cargo.toml`"),
                "give the directory of a crate, a `.rs` file, or a `.wasm` file",
            ));
        }
        return Ok(Source::Rust);
    }
    if path.file_name().is_some_and(|name| name == "Cargo.toml") {
        return Ok(Source::Rust);
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    Ok(match ending {
        Some("rs") => Source::Rust,
        Some("py") => Source::Python,
        Some("cwasm") => Source::Precompiled,
        _ => Source::WebAssembly,
    })
}

/// Builds PATH to a component; the steps go to the printer.
pub(crate) fn build(
    path: &Path,
    toolchain: &ToolchainArgs,
    is_quiet: bool,
    printer: &Printer,
) -> anyhow::Result<isopod_build::Built> {
    let options = isopod_build::Options {
        install: !toolchain.no_install,
        quiet: is_quiet,
        cache: None,
    };
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
        for name in ["a.rs", "a.py", "a.cwasm", "a.wasm", "a", "A.RS"] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("crate")).unwrap();
        fs::write(at("crate/Cargo.toml"), "").unwrap();
        assert_eq!(kind_of(&at("a.rs")).unwrap(), Source::Rust);
        assert_eq!(kind_of(&at("a.py")).unwrap(), Source::Python);
        assert_eq!(kind_of(&at("crate")).unwrap(), Source::Rust);
        assert_eq!(kind_of(&at("crate/Cargo.toml")).unwrap(), Source::Rust);
        assert_eq!(kind_of(&at("a.cwasm")).unwrap(), Source::Precompiled);
        for name in ["a.wasm", "a", "A.RS"] {
            assert_eq!(kind_of(&at(name)).unwrap(), Source::WebAssembly);
        }
        let text = kind_of(&at("none")).unwrap_err().to_string();
        assert!(text.ends_with("/none` does not exist"), "{text}");
        let text = kind_of(directory.path()).unwrap_err().to_string();
        assert!(text.ends_with("it has no `Cargo.toml`"), "{text}");
    }
}
