//! A text of a bounded size.

use std::fmt;
use std::ops::Range;

/// The text has no more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// A buffer for text up to a number of bytes. A write beyond that gets an error, and the text
/// then ends with `...`.
#[derive(Debug)]
pub(crate) struct Bounded {
    text: String,
    most_bytes: usize,
    is_full: bool,
}

impl Bounded {
    pub(crate) fn new(most_bytes: usize) -> Bounded {
        Bounded {
            text: String::new(),
            most_bytes,
            is_full: false,
        }
    }

    pub(crate) fn put(&mut self, text: &str) -> Result<(), Full> {
        if self.is_full {
            return Err(Full);
        }
        let room = self.most_bytes - self.text.len();
        if text.len() <= room {
            self.text.push_str(text);
            return Ok(());
        }
        self.text
            .push_str(text.split_at(text.floor_char_boundary(room)).0);
        self.is_full = true;
        Err(Full)
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Removes the text that was put since the text had this length.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.text.truncate(length);
    }

    /// Puts a part of the text again.
    pub(crate) fn repeat(&mut self, part: Range<usize>) -> Result<(), Full> {
        // A copy, which is at most as long as the whole text may be.
        let part = self.text.get(part).unwrap_or_default().to_owned();
        self.put(&part)
    }

    /// The range of the last name in this part of the text: `c` of `a::b<x::y>::c<z>`.
    pub(crate) fn last_part(&self, part: Range<usize>) -> Range<usize> {
        let bytes = self.text.as_bytes().get(part.clone()).unwrap_or_default();
        let mut end = bytes.len();
        let mut depth = 0_usize;
        for (index, byte) in bytes.iter().enumerate().rev() {
            match byte {
                b'>' => depth += 1,
                b'<' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        end = index;
                    }
                }
                b':' if depth == 0 => return part.start + index + 1..part.start + end,
                _ => {}
            }
        }
        part.start..part.start + end
    }

    pub(crate) fn into_text(mut self) -> String {
        if self.is_full {
            self.text.push_str("...");
        }
        self.text
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text).map_err(|Full| fmt::Error)
    }
}

/// The text, or the part of it that fits into this many bytes, followed by an ellipsis.
///
/// ```
/// assert_eq!(isopod_text::cut("äöü", 5), "äö...");
/// assert_eq!(isopod_text::cut("äöü", 6), "äöü");
/// ```
#[must_use]
pub fn cut(text: &str, most_bytes: usize) -> String {
    let mut bounded = Bounded::new(most_bytes);
    // Text that does not fit is left out.
    let _ = bounded.put(text);
    bounded.into_text()
}
