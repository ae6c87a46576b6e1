//! The syntax of `isopod new`.

use clap::{Args, ValueEnum};

const AFTER_HELP: &str = "\
Examples:
  isopod new --lang c primes                         a program in C, in the directory `primes`
  isopod new --lang python --kind plugin words       a plugin in Python
  isopod build words
  isopod call words.wasm count_words --input 'one two three'

The directory's README.md has the commands that build and use it.";

/// `isopod new`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct NewArgs {
    /// The name, and the directory that is made: letters, digits, `-` and `_`, a letter first.
    pub(crate) name: String,

    /// What it is written in.
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub(crate) lang: Language,

    /// What it is: a program has a main function and may start processes, a plugin has functions that an
    /// application calls.
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Kind::Program)]
    pub(crate) kind: Kind,
}

/// The languages that there are templates for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    C,
    Python,
    Js,
}

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Program,
    Plugin,
}
