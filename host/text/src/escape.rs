//! Text that a guest chose, made safe for a person to see.
//!
//! Names, labels and failures of guests stand in tables, reports, logs and on terminals. A line break in one
//! would forge a row, an escape sequence would steer the terminal, and a mark of writing direction would
//! display a different text. Therefore all code that shows such a text passes it through this module, which
//! escapes all characters that are not displayed as themselves. No other place knows these characters.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// A text as one line: characters that are not displayed as themselves are escaped, including
/// line breaks and tabs.
///
/// ```
/// use isopod_text::Line;
/// assert_eq!(Line("worker\n2 \u{202e}x").to_string(), "worker\\n2 \\u{202e}x");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Line<'a>(pub &'a str);

/// A text of several lines: like [`Line`], but line breaks and tabs stay.
///
/// ```
/// use isopod_text::Lines;
/// assert_eq!(Lines("one\n\ttwo\r\n\u{1b}[2J").to_string(), "one\n\ttwo\n\\u{1b}[2J");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a>(pub &'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(formatter, self.0, is_hidden)
    }
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.split('\n').enumerate() {
            if index > 0 {
                formatter.write_char('\n')?;
            }
            let line = line.strip_suffix('\r').unwrap_or(line);
            write(formatter, line, |character| {
                character != '\t' && is_hidden(character)
            })?;
        }
        Ok(())
    }
}

impl<'a> Line<'a> {
    /// The same as text, without a copy if there is nothing to escape.
    #[must_use]
    pub fn to_text(self) -> Cow<'a, str> {
        match self.0.chars().any(is_hidden) {
            true => Cow::Owned(self.to_string()),
            false => Cow::Borrowed(self.0),
        }
    }
}

/// A text in JSON, made safe for a person to see: characters that are not displayed as themselves get
/// JSON's own escapes, so the meaning stays the same. Line breaks stay: outside strings they are layout,
/// and inside strings they are already escaped.
///
/// ```
/// assert_eq!(isopod_text::json("\"a\u{202e}\""), "\"a\\u202e\"");
/// ```
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let is_escaped = |character: char| !character.is_ascii() && is_hidden(character);
    if !text.chars().any(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut output = String::with_capacity(text.len());
    for character in text.chars() {
        match is_escaped(character) {
            true => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // A `String` accepts every write.
                    let _ = write!(output, "\\u{unit:04x}");
                }
            }
            false => output.push(character),
        }
    }
    Cow::Owned(output)
}

fn write(
    formatter: &mut fmt::Formatter<'_>,
    text: &str,
    is_escaped: impl Fn(char) -> bool,
) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(&is_escaped) {
        let (seen, from) = rest.split_at(at);
        formatter.write_str(seen)?;
        let mut characters = from.chars();
        for escaped in characters.next().into_iter().flat_map(char::escape_default) {
            formatter.write_char(escaped)?;
        }
        rest = characters.as_str();
    }
    formatter.write_str(rest)
}

/// Whether a character is not displayed as itself: it controls a terminal, ends a line, changes the
/// direction of the text after it, or has no width.
fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control()
        || matches!(character,
            // Soft hyphen, joiners of graphemes, fillers and vowels without a shape.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            // The Arabic letter mark, and Mongolian selectors and separator.
            | '\u{61c}' | '\u{180b}'..='\u{180f}'
            // Spaces without a width, marks, embeddings and overrides of direction; separators of lines.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            // Word joiner, invisible operators, isolates, deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            // Variation selectors, the byte order mark, annotations.
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            // Format characters of shorthand and music; tags and more variation selectors.
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_as_it_is() {
        for text in [
            "main",
            "Grüße an 世界",
            "`a` (id 1)",
            "שלום",
            "\\n",
            "\u{1f980}",
        ] {
            assert_eq!(Line(text).to_string(), text);
            assert_eq!(Lines(text).to_string(), text);
            assert_eq!(json(text), text);
        }
    }

    #[test]
    fn nothing_that_is_hidden_passes() {
        for hidden in [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{e0001}',
            '\u{e0020}',
            '\u{e0100}',
        ] {
            let text = format!("a{hidden}b");
            let line = Line(&text).to_string();
            assert!(!line.contains(hidden), "{line:?}");
            assert!(line.starts_with("a\\") && line.ends_with('b'), "{line:?}");
            assert_eq!(Line(&text).to_text(), line);
            let lines = Lines(&text).to_string();
            assert_eq!(
                lines.contains(hidden),
                matches!(hidden, '\n' | '\t'),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn json_means_the_same() {
        let text = "a\n\u{202e}\u{e0001}\u{1b}é";
        let encoded = serde_json::to_string(text).unwrap_or_default();
        let shown = json(&encoded);
        assert!(!shown.chars().any(is_hidden), "{shown:?}");
        let decoded: Result<String, _> = serde_json::from_str(&shown);
        assert_eq!(decoded.ok().as_deref(), Some(text));
    }
}
