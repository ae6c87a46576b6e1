//! Checks COMPATIBILITY.md: every public name of CPython's `multiprocessing` is on the page once, with a
//! state and, if it is not the same here, the reason; and every path on the page exists.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is a failed test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const HEADING: &str = "| Python | here | state | note |";

/// A row of one of the tables whose heading is [`HEADING`].
struct Row {
    line: usize,
    names: Vec<String>,
    here: Vec<String>,
    state: String,
    note: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The texts between backticks.
fn code_items(cell: &str) -> Vec<String> {
    let between_ticks = cell.split('`').skip(1).step_by(2);
    between_ticks.map(str::to_owned).collect()
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(root().join("COMPATIBILITY.md")).unwrap();
    let mut rows = Vec::new();
    let mut is_in_table = false;
    for (index, text) in page.lines().enumerate() {
        is_in_table = text == HEADING || (is_in_table && text.starts_with('|'));
        if !is_in_table || text == HEADING || text.starts_with("|---") {
            continue;
        }
        let line = index + 1;
        let cells: Vec<&str> = text.trim_matches('|').split('|').map(str::trim).collect();
        let [names, here, state, note] = cells[..] else {
            panic!("line {line} has {} cells instead of 4", cells.len());
        };
        rows.push(Row {
            line,
            names: code_items(names),
            here: code_items(here),
            state: state.to_owned(),
            note: note.to_owned(),
        });
    }
    rows
}

fn cpython_names() -> Vec<String> {
    let list = fs::read_to_string(root().join("tests/cpython_names.txt")).unwrap();
    let lines = list.lines().map(str::trim);
    let names = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    names.map(str::to_owned).collect()
}

#[test]
fn every_name_is_on_the_page_once() {
    let names = cpython_names();
    assert!(names.len() > 400, "{} names are not all", names.len());
    let mut lines = BTreeMap::<String, Vec<usize>>::new();
    for row in rows() {
        for name in row.names {
            lines.entry(name).or_default().push(row.line);
        }
    }
    for name in &names {
        match lines.remove(name).as_deref() {
            Some([_]) => {}
            Some(several) => panic!("`{name}` is in the lines {several:?}"),
            None => panic!("`{name}` is missing"),
        }
    }
    assert!(lines.is_empty(), "not names of CPython's: {lines:?}");
}

#[test]
fn every_row_has_a_state_and_where_needed_a_reason() {
    for row in rows() {
        let line = row.line;
        assert!(!row.names.is_empty(), "line {line} names nothing");
        match row.state.as_str() {
            "same" => {}
            "differs" | "absent" => {
                assert!(!row.note.is_empty(), "line {line} gives no reason");
            }
            other => panic!("line {line}: `{other}` is no state"),
        }
        assert_eq!(
            row.here.is_empty(),
            row.state == "absent",
            "line {line}: what is absent is nothing here, and all else is something"
        );
    }
}

#[test]
fn what_the_page_names_exists() {
    let sources = sources();
    let page = fs::read_to_string(root().join("COMPATIBILITY.md")).unwrap();
    let mut paths = code_items(&page);
    paths.retain(|item| item.starts_with("isopod::"));
    assert!(paths.len() > 200, "{} paths are not all", paths.len());
    let missing: Vec<&String> = paths
        .iter()
        .filter(|path| !exists(path, &sources))
        .collect();
    assert!(missing.is_empty(), "not in the source: {missing:?}");
}

#[test]
fn names_that_do_not_exist_are_found_out() {
    let sources = sources();
    for (path, is_there) in [
        ("isopod::Queue", true),
        ("isopod::Queue::try_put", true),
        ("isopod::ErrorKind::TimedOut", true),
        ("isopod::main", true),
        ("isopod::pipe", true),
        ("isopod::Receiver::recv", true),
        ("isopod::Queue::put_nowait", false),
        ("isopod::Queue::raw", false),
        ("isopod::QueueProxy", false),
        ("isopod::Queue::put::now", false),
        // Only other types have these methods, one of them in the same file.
        ("isopod::Event::try_put", false),
        ("isopod::CurrentProcess::terminate", false),
    ] {
        assert_eq!(exists(path, &sources), is_there, "{path}");
    }
}

/// The texts of the files in `src`, `lib.rs` first.
fn sources() -> Vec<String> {
    fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let source_directory = root().join("src");
    let mut files = Vec::new();
    collect(&source_directory, &mut files);
    files.sort_by_key(|file| *file != source_directory.join("lib.rs"));
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

/// Whether the crate has a path such as `isopod::Queue::put`: `lib.rs` exports the first name, and the second
/// is a public function or a variant of it.
fn exists(path: &str, sources: &[String]) -> bool {
    let segments: Vec<&str> = path.split("::").skip(1).collect();
    match segments[..] {
        [item] => is_exported(item, &sources[0]),
        [item, member] => {
            let of = aliased(item, sources).unwrap_or(item);
            is_exported(item, &sources[0])
                && sources.iter().any(|source| declares(source, of, member))
        }
        _ => false,
    }
}

fn is_exported(item: &str, library: &str) -> bool {
    let statements = library.split(';').map(str::trim_start);
    statements
        .filter_map(|statement| statement.rsplit_once("pub use "))
        .any(|(_, names)| words(names).any(|word| word == item))
}

/// The type that `pub type item<..> = Type<..>` stands for.
fn aliased<'a>(item: &str, sources: &'a [String]) -> Option<&'a str> {
    let lines = sources.iter().flat_map(|source| source.lines());
    lines
        .filter_map(|line| line.strip_prefix("pub type "))
        .filter(|alias| starts_with_word(alias, item))
        .find_map(|alias| words(alias.split_once("= ")?.1).next())
}

/// Whether a source declares a public function in an `impl` of the type, or a variant of the enum.
fn declares(source: &str, item: &str, member: &str) -> bool {
    let function = format!("pub fn {member}");
    let mut is_in_item = false;
    let mut is_in_enum = false;
    for line in source.lines().map(str::trim_start) {
        if let Some(name) = implemented(line) {
            // A macro's parameter stands for the types that the file uses the macro for.
            let is_parameter = name.is_empty() && words(source).any(|word| word == item);
            is_in_item = name == item || is_parameter;
            is_in_enum = false;
        } else if let Some(rest) = line.strip_prefix("pub enum ") {
            is_in_item = false;
            is_in_enum = starts_with_word(rest, item);
        }
        if (is_in_item && starts_with_word(line, &function))
            || (is_in_enum && starts_with_word(line, member))
        {
            return true;
        }
    }
    false
}

/// The name of the type whose `impl` the line begins. It is empty for a macro's parameter.
fn implemented(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("impl")?;
    let rest = match rest.strip_prefix('<') {
        None => rest.strip_prefix(' ')?,
        Some(parameters) => {
            let mut depth = 1;
            let end = parameters.find(|letter| {
                depth += i32::from(letter == '<') - i32::from(letter == '>');
                depth == 0
            })?;
            parameters[end + 1..].trim_start()
        }
    };
    let name = rest.split_once(" for ").map_or(rest, |(_, name)| name);
    words(name).next()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

/// Whether the text begins with `start` as a whole word.
fn starts_with_word(text: &str, start: &str) -> bool {
    text.strip_prefix(start).is_some_and(|rest| {
        !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
    })
}
