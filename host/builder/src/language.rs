//! Detects the language of a source, and whether it is a program or a plugin.
//!
//! The main file of a directory tells both by its name: `main.c` belongs to a program, `plugin.py` to a
//! plugin. A single file is a plugin if it has such a name, or if one of its lines begins with the word that
//! registers functions: `ISOPOD_PLUGIN(` in C, `@isopod.function` in Python, `plugin(` in JavaScript. For
//! Rust, cargo tells which it is.

use crate::{Error, ErrorKind, file, unreadable};
use std::path::{Path, PathBuf};

/// A language that programs and plugins are built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// A crate, or one `.rs` file.
    Rust,
    /// A directory with `main.c` or `plugin.c`, or one `.c` file.
    C,
    /// A directory with `main.py` or `plugin.py`, or one `.py` file.
    Python,
    /// A directory with `main.js` or `plugin.js`, or one `.js` file.
    JavaScript,
}

/// The kind of the result of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Program,
    Plugin,
}

impl Kind {
    /// The name of a directory's main file, without its extension. The WIT world has the same name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Program => "program",
            Kind::Plugin => "plugin",
        }
    }
}

/// A source in one of the languages other than Rust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) language: Language,
    pub(crate) kind: Kind,
    /// The main file; an absolute path.
    pub(crate) main: PathBuf,
    /// Whether all files of its directory belong to it.
    pub(crate) is_directory: bool,
    /// The name of the directory, or of the file without its extension.
    pub(crate) name: String,
}

/// The files that make a directory a program or plugin, apart from `Cargo.toml`.
const MAIN_FILES: [(&str, Language, Kind); 6] = [
    ("main.c", Language::C, Kind::Program),
    ("main.js", Language::JavaScript, Kind::Program),
    ("main.py", Language::Python, Kind::Program),
    ("plugin.c", Language::C, Kind::Plugin),
    ("plugin.js", Language::JavaScript, Kind::Plugin),
    ("plugin.py", Language::Python, Kind::Plugin),
];

/// The language of a file, by its extension, or of a directory, by its main file; none for anything else. A
/// directory with a `Cargo.toml` is Rust, even if it holds other main files.
///
/// ```
/// use isopod_build::{Language, language_of};
///
/// assert_eq!(language_of("hello.rs".as_ref()), Some(Language::Rust));
/// assert_eq!(language_of("hello.js".as_ref()), Some(Language::JavaScript));
/// assert_eq!(language_of("hello.wasm".as_ref()), None);
/// ```
#[must_use]
pub fn language_of(path: &Path) -> Option<Language> {
    if path.is_dir() {
        if path.join("Cargo.toml").is_file() {
            return Some(Language::Rust);
        }
        return main_files(path).first().map(|(_, language, _)| *language);
    }
    if path.file_name().is_some_and(|name| name == "Cargo.toml") {
        return Some(Language::Rust);
    }
    match path.extension()?.to_str()? {
        "rs" => Some(Language::Rust),
        "c" => Some(Language::C),
        "py" => Some(Language::Python),
        "js" | "mjs" => Some(Language::JavaScript),
        _ => None,
    }
}

/// The main files that a directory holds.
fn main_files(directory: &Path) -> Vec<(&'static str, Language, Kind)> {
    let files = MAIN_FILES.into_iter();
    files
        .filter(|(name, ..)| directory.join(name).is_file())
        .collect()
}

/// Examines a source that is not Rust.
pub(crate) fn read(path: &Path, language: Language) -> Result<Source, Error> {
    let unreadable = |error| unreadable(path).because(error);
    let path = path.canonicalize().map_err(unreadable)?;
    if path.is_dir() {
        let found = main_files(&path);
        let [(main, language, kind)] = found.as_slice() else {
            let names: Vec<&str> = found.iter().map(|(name, ..)| *name).collect();
            return Err(Error::new(
                ErrorKind::Source,
                format!(
                    "the directory `{}` holds several main files: {}",
                    path.display(),
                    names.join(", ")
                ),
            )
            .with_hint("one directory is one program or one plugin"));
        };
        return Ok(Source {
            language: *language,
            kind: *kind,
            main: path.join(main),
            is_directory: true,
            name: name_of(path.file_name()),
        });
    }
    let text = file::read(&path, file::MOST_SOURCE_BYTES)?;
    let name = name_of(path.file_stem());
    let kind = if name == "plugin" || makes_functions_known(&text, language) {
        Kind::Plugin
    } else {
        Kind::Program
    };
    Ok(Source {
        language,
        kind,
        main: path,
        is_directory: false,
        name,
    })
}

fn name_of(name: Option<&std::ffi::OsStr>) -> String {
    name.map_or_else(
        || "program".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn makes_functions_known(text: &[u8], language: Language) -> bool {
    let beginning: &[u8] = match language {
        Language::C => b"ISOPOD_PLUGIN(",
        Language::Python => b"@isopod.function",
        Language::JavaScript => b"plugin(",
        Language::Rust => b"isopod::plugin!",
    };
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.any(|line| line.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::fs;

    #[test]
    fn a_directory_is_what_its_main_file_is() {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path();
        assert_eq!(language_of(here), None);
        fs::write(here.join("plugin.js"), "").unwrap();
        assert_eq!(language_of(here), Some(Language::JavaScript));
        let source = read(here, Language::JavaScript).unwrap();
        assert_eq!(
            (source.kind, source.is_directory, source.name.as_str()),
            (
                Kind::Plugin,
                true,
                &*here.file_name().unwrap().to_string_lossy()
            )
        );
        fs::write(here.join("main.c"), "").unwrap();
        let error = read(here, Language::C).unwrap_err();
        assert!(error.to_string().ends_with("main.c, plugin.js"), "{error}");
        fs::write(here.join("Cargo.toml"), "").unwrap();
        assert_eq!(language_of(here), Some(Language::Rust));
    }

    #[test]
    fn a_file_is_a_plugin_if_it_says_so_at_the_beginning_of_a_line() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text, expected) in [
            ("a.c", "ISOPOD_PLUGIN(\n", Kind::Plugin),
            ("b.c", "// ISOPOD_PLUGIN(\n", Kind::Program),
            ("a.py", "import isopod\n@isopod.function\n", Kind::Plugin),
            ("b.py", "\"\"\" @isopod.function \"\"\"\n", Kind::Program),
            ("a.js", "plugin({ upper });", Kind::Plugin),
            ("b.js", "export function main() {}", Kind::Program),
            ("plugin.py", "", Kind::Plugin),
        ] {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            let language = language_of(&path).unwrap();
            assert_eq!(read(&path, language).unwrap().kind, expected, "{name}");
        }
    }
}
