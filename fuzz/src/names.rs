//! The statements of a guest about itself, as a report shows them: names of functions in any mangling,
//! labels, failures. Nothing panics, the shown text has a bound and no hidden characters, and no input
//! takes longer than a second.

#![no_main]

use isopod_text::{LONGEST_FUNCTION_NAME_BYTES, Line, Lines, function_name};
use libfuzzer_sys::fuzz_target;
use std::time::{Duration, Instant};

/// The bound for an input of any size, also on a busy machine: an input without a bound takes hours.
const MOST_TIME: Duration = Duration::from_secs(1);

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let begin = Instant::now();
    for prefix in ["", "_Z", "_ZN", "_R"] {
        let name = function_name(&format!("{prefix}{text}"));
        assert!(name.len() <= LONGEST_FUNCTION_NAME_BYTES + "...".len());
    }
    // A few bytes that refer to earlier parts of the name make the largest texts.
    let repeated = format!("_Z1fN1a1bE{}", text.repeat(4_000 / text.len().max(1)));
    assert!(function_name(&repeated).len() <= LONGEST_FUNCTION_NAME_BYTES + "...".len());
    assert!(begin.elapsed() < MOST_TIME, "{:?}", begin.elapsed());

    let line = Line(&text).to_string();
    assert!(!line.chars().any(char::is_control));
    assert_eq!(Line(&line).to_string(), line);
    let lines = Lines(&text).to_string();
    assert!(
        !lines
            .chars()
            .any(|character| character.is_control() && !"\n\t".contains(character))
    );
    assert_eq!(lines.split('\n').count(), text.split('\n').count());

    let encoded = serde_json::to_string(&*text).expect("text is JSON");
    let shown = isopod_text::json(&encoded);
    let decoded: String = serde_json::from_str(&shown).expect("it is JSON still");
    assert_eq!(decoded, *text);
});
