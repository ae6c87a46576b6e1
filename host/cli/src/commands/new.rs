//! `isopod new`: a directory with a complete program or plugin.

use crate::args::{Kind, Language, NewArgs};
use crate::printer::Printer;
use crate::report;
use anyhow::Context as _;
use std::fs;
use std::path::Path;

/// A template: relative paths, and the texts of the files, in which `{{name}}` and `{{version}}` are replaced.
type Template = &'static [(&'static str, &'static str)];

/// The contents of a file of the templates.
macro_rules! file {
    ($path:literal) => {
        include_str!(concat!("../../templates/", $path))
    };
}

/// The longest name. It is a part of file names, which also need an extension.
const MAX_NAME_BYTES: usize = 64;

/// Names that cargo refuses for a crate, or that would hide a dependency.
const TAKEN: [&str; 8] = [
    "alloc",
    "core",
    "isopod",
    "postcard",
    "proc_macro",
    "serde",
    "std",
    "test",
];

/// Makes the directory and prints the next commands.
///
/// # Errors
/// If the name is not valid, or exists already.
pub(crate) fn run(options: &NewArgs, printer: &Printer) -> anyhow::Result<u8> {
    let name = options.name.as_str();
    check(name)?;
    let directory = Path::new(name);
    // Creating the directory first makes sure that no existing file changes.
    match fs::create_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(report::with_hint(
                format!("`{name}` already exists"),
                "give another name, or remove it first",
            ));
        }
        made => made.with_context(|| format!("the directory `{name}` cannot be created"))?,
    }
    let readme = readme(options);
    for (path, text) in template(options).iter().chain(&[("README.md", &*readme)]) {
        let path = directory.join(path);
        let text = text
            .replace("{{name}}", name)
            .replace("{{version}}", env!("CARGO_PKG_VERSION"));
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(directory))?;
            fs::write(&path, text)
        };
        write().with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    let (kind, language) = (kind(options), language(options));
    let [build, use_it] = commands(options);
    printer.result(&format!(
        "created `{name}`, a {kind} in {language}\n  {build}\n  {use_it}"
    ));
    Ok(0)
}

fn check(name: &str) -> anyhow::Result<()> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(is_plain)
        && name.len() <= MAX_NAME_BYTES;
    if !is_name {
        return Err(report::with_hint(
            format!("`{name}` cannot be the name"),
            format!(
                "a name consists of letters, digits, `-` and `_`, starts with a letter, and has at most {MAX_NAME_BYTES} bytes"
            ),
        ));
    }
    if TAKEN.contains(&name.replace('-', "_").as_str()) {
        return Err(report::with_hint(
            format!("`{name}` cannot be the name: it belongs to a library"),
            "give another name",
        ));
    }
    Ok(())
}

fn template(options: &NewArgs) -> Template {
    match (options.lang, options.kind) {
        (Language::Rust, Kind::Program) => &[
            ("Cargo.toml", file!("rust-program/Cargo.toml.in")),
            ("src/main.rs", file!("rust-program/main.rs")),
        ],
        (Language::Rust, Kind::Plugin) => &[
            ("Cargo.toml", file!("rust-plugin/Cargo.toml.in")),
            ("src/lib.rs", file!("rust-plugin/lib.rs")),
        ],
        (Language::C, Kind::Program) => &[("main.c", file!("c-program/main.c"))],
        (Language::C, Kind::Plugin) => &[("plugin.c", file!("c-plugin/plugin.c"))],
        (Language::Python, Kind::Program) => &[("main.py", file!("python-program/main.py"))],
        (Language::Python, Kind::Plugin) => &[("plugin.py", file!("python-plugin/plugin.py"))],
        (Language::Js, Kind::Program) => &[("main.js", file!("js-program/main.js"))],
        (Language::Js, Kind::Plugin) => &[("plugin.js", file!("js-plugin/plugin.js"))],
    }
}

fn language(options: &NewArgs) -> &'static str {
    match options.lang {
        Language::Rust => "Rust",
        Language::C => "C",
        Language::Python => "Python",
        Language::Js => "JavaScript",
    }
}

fn kind(options: &NewArgs) -> &'static str {
    match options.kind {
        Kind::Program => "program",
        Kind::Plugin => "plugin",
    }
}

/// The command that builds the directory, and the command that uses the result.
fn commands(options: &NewArgs) -> [String; 2] {
    let name = &options.name;
    let component = match (options.lang, options.kind) {
        // A library is a crate, whose name has no hyphens.
        (Language::Rust, Kind::Plugin) => name.replace('-', "_"),
        _ => name.clone(),
    };
    let use_it = match options.kind {
        Kind::Program => format!("isopod run {component}.wasm"),
        Kind::Plugin => format!("isopod call {component}.wasm upper --input hello"),
    };
    [format!("isopod build {name}"), use_it]
}

fn readme(options: &NewArgs) -> String {
    let (kind_word, language) = (kind(options), language(options));
    let [build, use_it] = commands(options);
    let lang = match options.lang {
        Language::Rust => "rust",
        Language::C => "c",
        Language::Python => "python",
        Language::Js => "js",
    };
    let output = match options.kind {
        Kind::Program => "9592 primes below 100000",
        Kind::Plugin => "HELLO",
    };
    format!(
        "# {{{{name}}}}\n\nA {kind_word} for isopod, in {language}.\n\n```sh\n\
         isopod new --lang {lang} --kind {kind_word} {{{{name}}}}\n{build}\n{use_it}\n```\n\n\
         The last one prints:\n\n```text\n{output}\n```\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_that_can_be() {
        for name in ["a", "word-count", "x_2", "B4"] {
            assert!(check(name).is_ok(), "{name}");
        }
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        for name in [
            "",
            "2a",
            "-x",
            "a/b",
            "..",
            "a b",
            "é",
            "a.c",
            "std",
            "proc-macro",
            &long,
        ] {
            assert!(check(name).is_err(), "{name}");
        }
    }

    #[test]
    fn commands_name_the_file_that_a_build_writes() {
        let options = |lang, kind| NewArgs {
            name: "two-words".to_owned(),
            lang,
            kind,
        };
        let [_, call] = commands(&options(Language::Rust, Kind::Plugin));
        assert_eq!(call, "isopod call two_words.wasm upper --input hello");
        let [build, run] = commands(&options(Language::Rust, Kind::Program));
        assert_eq!(build, "isopod build two-words");
        assert_eq!(run, "isopod run two-words.wasm");
    }
}
