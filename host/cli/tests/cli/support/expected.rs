//! Whole outputs in which some numbers, and the order of some lines, differ from run to run.
//!
//! `{number}` in an expected line stands for digits, with or without a decimal point. The lines of a
//! paragraph (up to the next empty line) whose first line ends with `in any order:` may come in any order.
//! Everything else is compared exactly: nothing may be missing and nothing may be added.

const NUMBER: &str = "{number}";
const ANY_ORDER: &str = "in any order:";

/// Compares an output with the expected one.
///
/// # Errors
/// The first paragraph that differs, in both forms.
pub(crate) fn compare(expected: &str, actual: &str) -> Result<(), String> {
    let expected_paragraphs: Vec<&str> = expected.split("\n\n").collect();
    let actual_paragraphs: Vec<&str> = actual.split("\n\n").collect();
    let count = expected_paragraphs.len().max(actual_paragraphs.len());
    for position in 0..count {
        let expected = expected_paragraphs.get(position).copied();
        let actual = actual_paragraphs.get(position).copied();
        let is_equal = match (expected, actual) {
            (Some(expected), Some(actual)) => is_paragraph(expected, actual),
            _ => false,
        };
        if !is_equal {
            let text = |paragraph: Option<&str>| paragraph.unwrap_or("(nothing)").to_owned();
            return Err(format!(
                "--- expected\n{}\n--- printed\n{}",
                text(expected),
                text(actual)
            ));
        }
    }
    Ok(())
}

fn is_paragraph(expected: &str, actual: &str) -> bool {
    let expected: Vec<&str> = expected.split('\n').collect();
    let mut actual: Vec<&str> = actual.split('\n').collect();
    if expected.len() != actual.len() {
        return false;
    }
    let is_free = expected
        .first()
        .is_some_and(|heading| heading.ends_with(ANY_ORDER));
    expected.iter().all(|expected_line| {
        // In order, only the next line is a candidate; so it is for the heading. Each line is used once.
        let is_heading = actual.len() == expected.len();
        let candidates = if is_free && !is_heading {
            actual.len()
        } else {
            1
        };
        let found = actual
            .iter()
            .take(candidates)
            .position(|actual_line| is_line(expected_line, actual_line));
        found.map(|position| actual.remove(position)).is_some()
    })
}

/// Whether a line is the expected one, with a number in the place of each `{number}`.
fn is_line(expected: &str, actual: &str) -> bool {
    let Some((before, after)) = expected.split_once(NUMBER) else {
        return expected == actual;
    };
    let Some(rest) = actual.strip_prefix(before) else {
        return false;
    };
    number_length(rest).is_some_and(|length| is_line(after, &rest[length..]))
}

/// The length of the number that a text begins with.
fn number_length(text: &str) -> Option<usize> {
    let digits = |text: &str| {
        text.bytes()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let whole = digits(text);
    let fraction = text[whole..].strip_prefix('.').map_or(0, digits);
    match (whole, fraction) {
        (0, _) => None,
        (whole, 0) => Some(whole),
        (whole, fraction) => Some(whole + 1 + fraction),
    }
}

#[test]
fn numbers_stand_for_numbers_only() {
    for (expected, actual, is_equal) in [
        ("a {number} b", "a 12 b", true),
        ("{number} s.", "2.05 s.", true),
        ("{number}.", "7.", true),
        ("{number}, {number}", "1, 2", true),
        ("a {number}", "a b", false),
        ("a {number}", "a 1b", false),
        ("a {number}", "a", false),
        ("a {number}", "a -1", false),
        ("a 1", "a 2", false),
    ] {
        assert_eq!(
            is_line(expected, actual),
            is_equal,
            "{expected:?} {actual:?}"
        );
    }
}

#[test]
fn order_is_free_only_where_the_heading_says_so() {
    let expected = "first\na\nb\n\nsecond, in any order:\nc\nd {number}\n";
    let same = |actual: &str| compare(expected, actual).is_ok();
    assert!(same("first\na\nb\n\nsecond, in any order:\nc\nd 1\n"));
    assert!(same("first\na\nb\n\nsecond, in any order:\nd 1\nc\n"));
    assert!(!same("first\nb\na\n\nsecond, in any order:\nc\nd 1\n"));
    assert!(!same("first\na\nb\n\nsecond, in any order:\nc\n"));
    assert!(!same("first\na\nb\n\nsecond, in any order:\nc\nc\nd 1\n"));
    assert!(!same("first\na\nb\n\nsecond, in any order:\nc\nc\n"));
    assert!(!same("first\na\nb\n"));
    assert!(!same(
        "first\na\nb\n\nsecond, in any order:\nc\nd 1\n\nthird\n"
    ));
}
