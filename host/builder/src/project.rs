//! A cargo project around a single `.rs` file: a plugin if it calls `isopod::plugin!`, else a program.
//!
//! The file is copied under its own name to the root of the project, so that the location of a panic reads
//! `name.rs:10:5`. It may use `isopod`, `serde` and `postcard`; a program that needs more must be a crate.

use crate::cache::{Cache, write_if_changed};
use crate::sdk::hex;
use crate::{Error, file};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Names of binaries that cargo refuses, or that would hide a dependency.
const TAKEN: [&str; 16] = [
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "inventory",
    "isopod",
    "isopod_macros",
    "postcard",
    "proc_macro",
    "rmp_serde",
    "serde",
    "std",
    "test",
    "wit_bindgen",
];

/// Makes the project, or brings it up to date, and returns its directory. `source` is an absolute path. Each
/// has a project of its own, so that cargo rebuilds only the files that have changed.
pub(crate) fn of_file(cache: &Cache, source: &Path) -> Result<PathBuf, Error> {
    let text = file::read(source, file::MOST_SOURCE_BYTES)?;
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let name = program_name(&stem);
    let hash = hex(&Sha256::digest(source.as_os_str().as_encoded_bytes()));
    let directory = cache.directory(Path::new("projects").join(&hash))?;
    let main = match source.file_name().and_then(|file| file.to_str()) {
        Some(name) if !name.contains(['"', '\\']) && !name.contains(char::is_control) => {
            name.to_owned()
        }
        _ => format!("{name}.rs"),
    };
    let is_plugin = is_plugin(&text);
    // With `serde_json` among the dependencies, a program that compares with an empty array would have to
    // name the array's type.
    let features = if is_plugin { "\"json\"" } else { "" };
    let (target, name) = match is_plugin {
        // The name of a library is the name of a crate, which cannot have hyphens.
        true => ("[lib]\ncrate-type = [\"cdylib\"]", name.replace('-', "_")),
        false => ("[[bin]]", name),
    };
    // The hash keeps programs of the same name apart in the shared target directory.
    let manifest = format!(
        "[package]\nname = \"{name}-{hash}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         publish = false\nautobins = false\n\n\
         {target}\nname = \"{name}\"\npath = \"{main}\"\n\n\
         [dependencies]\nisopod = {{ version = \"{version}\", features = [{features}] }}\n\
         postcard = {{ version = \"1\", default-features = false, features = [\"use-std\"] }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n\n\
         [workspace]\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    write_if_changed(&directory.join("Cargo.toml"), manifest.as_bytes())?;
    write_if_changed(&directory.join(&main), &text)?;
    Ok(directory)
}

/// Whether a line of the file begins with `isopod::plugin!`.
fn is_plugin(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.any(|line| line.trim_ascii_start().starts_with(b"isopod::plugin!"))
}

/// A name that cargo accepts, as close to `stem` as possible.
fn program_name(stem: &str) -> String {
    let mut name: String = stem
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '-' {
                letter
            } else {
                '_'
            }
        })
        .collect();
    if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        name.insert(0, '_');
    }
    if name.chars().all(|letter| letter == '_') {
        name.push_str("program");
    }
    if TAKEN.contains(&name.replace('-', "_").as_str()) {
        name.push('_');
    }
    name
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::fs;

    #[test]
    fn names_are_made_fit_for_cargo() {
        for (stem, expected) in [
            ("hello", "hello"),
            ("two-words", "two-words"),
            ("two words", "two_words"),
            ("2nd", "_2nd"),
            ("", "_program"),
            ("über", "_ber"),
            ("test", "test_"),
            ("isopod-macros", "isopod-macros_"),
        ] {
            assert_eq!(program_name(stem), expected);
        }
    }

    #[test]
    fn a_project_has_the_file_under_its_name_and_no_absolute_path() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(&directory.path().join("cache"))).unwrap();
        let source = directory.path().join("hello.rs");
        fs::write(&source, "fn main() {}").unwrap();
        let project = of_file(&cache, &source).unwrap();
        assert_eq!(
            fs::read_to_string(project.join("hello.rs")).unwrap(),
            "fn main() {}"
        );
        let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("\"/"), "{manifest}");
        assert!(
            !manifest.contains(directory.path().to_str().unwrap()),
            "{manifest}"
        );
        assert!(manifest.contains("path = \"hello.rs\""), "{manifest}");

        fs::write(&source, "fn main() { }").unwrap();
        assert_eq!(of_file(&cache, &source).unwrap(), project);
        assert_eq!(
            fs::read_to_string(project.join("hello.rs")).unwrap(),
            "fn main() { }"
        );
    }

    #[test]
    fn a_file_that_says_so_is_a_plugin() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(&directory.path().join("cache"))).unwrap();
        let source = directory.path().join("two-words.rs");
        fs::write(&source, "isopod::plugin!();\n").unwrap();
        let project = of_file(&cache, &source).unwrap();
        let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("[lib]\ncrate-type = [\"cdylib\"]\nname = \"two_words\""),
            "{manifest}"
        );
        assert!(manifest.contains("features = [\"json\"]"), "{manifest}");
        fs::write(&source, "// isopod::plugin!();\nfn main() {}").unwrap();
        of_file(&cache, &source).unwrap();
        let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[[bin]]"), "{manifest}");
        assert!(!manifest.contains("json"), "{manifest}");
    }

    #[test]
    fn two_files_of_one_name_have_two_projects() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(&directory.path().join("cache"))).unwrap();
        let projects: Vec<PathBuf> = ["a", "b"]
            .iter()
            .map(|name| {
                fs::create_dir(directory.path().join(name)).unwrap();
                let source = directory.path().join(name).join("main.rs");
                fs::write(&source, "fn main() {}").unwrap();
                of_file(&cache, &source).unwrap()
            })
            .collect();
        assert_ne!(projects.first(), projects.last());
    }
}
