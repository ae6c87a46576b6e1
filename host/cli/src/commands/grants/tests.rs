//! Tests of the grants.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use super::*;
use crate::args::{Cli, Command as Parsed};
use clap::Parser as _;

fn grants(options: &[&str]) -> anyhow::Result<Grants> {
    let words = ["isopod", "run", "x.wasm"].iter().chain(options);
    match Cli::try_parse_from(words).unwrap().command {
        Parsed::Run(args) => Grants::of_program(&args),
        other => panic!("not a run: {other:?}"),
    }
}

#[test]
fn variables_are_set_or_taken_over() {
    let path = env::var("PATH").unwrap();
    let grants = grants(&["--env", "A=1", "--env", "PATH", "--env", "A=2=3"]).unwrap();
    let expected = [("A", "2=3"), ("PATH", &path)];
    assert_eq!(
        grants.environment,
        expected
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    );
    let error = super::own_variable("ISOPOD_TEST_NOT_SET").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the environment variable `ISOPOD_TEST_NOT_SET` is not set"
    );
}

#[test]
fn a_script_reads_its_own_directory_and_has_a_private_one() {
    let printer = Printer::new(true, false);
    let with_defaults = |options: &[&str], path: &str, source| {
        let mut grants = grants(options).unwrap();
        grants
            .add_defaults(Path::new(path), source, &printer)
            .unwrap();
        grants
    };
    let script = with_defaults(&[], "src/main.rs", Source::Built);
    let own = (PathBuf::from("src"), "src".to_owned(), Access::ReadOnly);
    assert_eq!(script.directories, [own]);
    let private = script.private_tmp().unwrap().given().to_owned();
    assert!(private.is_dir());
    drop(script);
    assert!(!private.exists());
    assert_eq!(own_directory(Path::new("main.rs")), Path::new("."));
    // A grant from an option under the same name, or above, comes first.
    let asked = with_defaults(&["--dir", "src", "--dir", ".::/tmp"], "src", Source::Built);
    assert!(asked.private.is_none());
    assert_eq!(asked.directories.len(), 2);
    let above = with_defaults(&["--dir", ".", "--dir", ".::/"], "src/x.rs", Source::Built);
    assert!(above.private.is_none());
    assert_eq!(above.directories.len(), 2);
    let module = with_defaults(&[], "src/x.wasm", Source::WebAssembly);
    assert!(module.directories.is_empty() && module.private_tmp().is_some());
}

#[test]
fn directories_must_exist_and_differ_in_name() {
    assert_eq!(
        grants(&["--dir", ".", "--dir", ".::/data"])
            .unwrap()
            .directories,
        [
            (PathBuf::from("."), ".".to_owned(), Access::ReadWrite),
            (PathBuf::from("."), "/data".to_owned(), Access::ReadWrite)
        ]
    );
    for (options, text) in [
        (
            &["--dir", ".", "--read-dir", "src::."][..],
            "two directories are granted as `.`",
        ),
        (
            &["--dir", "no/such"],
            "the directory `no/such` cannot be granted",
        ),
        (
            &["--dir", "Cargo.toml"],
            "`Cargo.toml` cannot be granted: it is not a directory",
        ),
    ] {
        assert_eq!(grants(options).unwrap_err().to_string(), text);
    }
}
