//! Each scenario of the guests is run by a test or a benchmark: a guest program without one proves nothing.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use isopod_tests::root;
use regex::Regex;
use std::fs;
use std::path::Path;

/// The guests whose `main` chooses a scenario by its first argument.
const GUESTS: [&str; 2] = ["tests/guests", "tests/hostile-guests"];

/// The text of all Rust files below a directory, apart from those of the guests.
fn text_below(directory: &Path, text: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_guest = GUESTS.iter().any(|guest| path == root().join(guest));
        if path.is_dir() && !is_guest && !path.ends_with("target") {
            text_below(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn each_scenario_of_the_guests_is_run() {
    let mut text = String::new();
    text_below(&root().join("tests"), &mut text);
    text_below(&root().join("host"), &mut text);
    let arm = Regex::new(r#"(?m)^\s*\["([^"]+)""#).unwrap();
    for guest in GUESTS {
        let main = fs::read_to_string(root().join(guest).join("src/main.rs")).unwrap();
        let scenarios: Vec<&str> = arm
            .captures_iter(&main)
            .map(|found| found.get(1).unwrap().as_str())
            .collect();
        assert!(scenarios.len() > 20, "{guest}: {scenarios:?}");
        for scenario in scenarios {
            // With its arguments behind it, or as one of several scenarios in a text.
            let named = Regex::new(&format!(r#"["\s]{}["\s{{]"#, regex::escape(scenario))).unwrap();
            assert!(named.is_match(&text), "{guest}: nothing runs `{scenario}`");
        }
    }
}
