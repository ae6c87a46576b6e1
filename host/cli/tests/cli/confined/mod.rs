//! Builds of hostile source: a build script, a macro or the text of a source cannot get the data that they
//! reach for.
//!
//! Each test puts a secret into a file or a variable, and asserts that neither the component nor isopod's
//! output contains it. Where the kernel cannot confine a build, isopod refuses it, and the tests print
//! `skipped`.

#![allow(clippy::print_stdout, reason = "a line says what was skipped, and why")]

mod ends;
mod other_languages;
mod rust;
mod settings;

use crate::support::{Ended, empty_directory, isopod, run};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The secret, which is in the secret file and nowhere else.
const SECRET: &str = "the-combination-is-31415926";

/// The variable with the secret.
const VARIABLE: &str = "ISOPOD_TEST_SECRET";

/// The error of isopod where the kernel has no Landlock.
const CANNOT: &str = "the build cannot be confined on this machine";

/// A source, and a secret beside it.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place {
            directory: empty_directory(),
        };
        place.write("secret", SECRET);
        place.write("secret.h", &format!("\"{SECRET}\"\n"));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The path of the secret, as a source writes it.
    fn secret(&self) -> String {
        self.path("secret").to_str().unwrap().to_owned()
    }

    /// Builds `source` with these options, and asserts that the secret is in none of the results. None if
    /// this machine cannot try that.
    fn build(&self, source: &str, options: &[&str]) -> Option<Ended> {
        let ended = self.build_trusting(source, options)?;
        assert!(!ended.stderr.contains(SECRET), "{ended}");
        let component = fs::read(self.path("out.wasm")).unwrap_or_default();
        assert!(!holds(&component, SECRET), "the component has the secret");
        Some(ended)
    }

    /// The same for a build that may have the secret.
    fn build_trusting(&self, source: &str, options: &[&str]) -> Option<Ended> {
        let arguments = [&["build", "-q", source, "-o", "out.wasm"], options].concat();
        let mut command = isopod(self.directory.path(), &arguments);
        command.env(VARIABLE, SECRET);
        let ended = run(command);
        if ended.stderr.contains(CANNOT) {
            println!("skipped: {}", ended.stderr);
            return None;
        }
        Some(ended)
    }

    /// The output of the component.
    fn output(&self) -> String {
        let ended = run(isopod(self.directory.path(), &["run", "out.wasm"]));
        assert_eq!((ended.exit_code, &*ended.stderr), (0, ""), "{ended}");
        ended.stdout
    }

    /// Asserts that the build failed, and that the text of the error contains each of these.
    fn assert_refused(&self, source: &str, texts: &[&str]) {
        let Some(ended) = self.build(source, &[]) else {
            return;
        };
        assert_eq!(ended.exit_code, 125, "{ended}");
        for text in texts {
            assert!(ended.stderr.contains(text), "`{text}` is missing: {ended}");
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    let mut windows = bytes.windows(text.len());
    windows.any(|window| window == text.as_bytes())
}

/// A crate's manifest.
fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n{rest}\n")
}

/// The cache of the tests, as the builds of the tests see it.
fn shared_target() -> PathBuf {
    Path::new(&crate::support::cache()).join("target")
}
