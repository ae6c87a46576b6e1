//! The syntax of `isopod new`.

use clap::{Args, ValueEnum};

const AFTER_HELP: &str = "\
Examples:
  isopod new --lang c primes                         create a C program in the directory `primes`
  isopod new --lang python --kind plugin words       create a Python plugin
  isopod build words
  isopod call words.wasm count_words --input 'one two three'

The README.md in the directory has the commands that build and use the source.";

/// `isopod new`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct NewArgs {
    /// The name of the new directory: letters, digits, `-` and `_`, starting with a letter.
    pub(crate) name: String,

    /// The language of the source.
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub(crate) lang: Language,

    /// The kind of the component. A program has a main function and can start processes; a plugin
    /// has functions that an application calls.
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Kind::Program)]
    pub(crate) kind: Kind,
}

/// The languages that have templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    C,
    Python,
    Js,
}

/// The kinds of components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Program,
    Plugin,
}
