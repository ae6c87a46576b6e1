//! The names of a program's tasks, from the section that its binding leaves in its module.

use std::collections::BTreeSet;
use wasmparser::{Parser, Payload};

/// The section: for each name, its length in two bytes, little-endian, and then its bytes.
const SECTION: &str = "isopod:tasks";

/// The largest number of names read, because the author of a program controls the contents of the section.
const MOST_TASKS: usize = 10_000;

/// The public names of the tasks of a component or core module, as `#[isopod::task]` gives them, in order.
///
/// They are the program's own claims: nothing is looked up by them. Malformed names are left
/// out. Does not block.
///
/// ```
/// // A module with only this section.
/// let mut module = b"\0asm\x01\0\0\0".to_vec();
/// let mut section = vec![12];
/// section.extend(b"isopod:tasks\x06\0square");
/// module.extend([0, section.len() as u8]);
/// module.extend(section);
/// assert_eq!(isopod_component::task_names(&module), ["square"]);
/// ```
#[must_use]
pub fn task_names(bytes: &[u8]) -> Vec<String> {
    let mut names = BTreeSet::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::CustomSection(section)) if section.name() == SECTION => {
                read(section.data(), &mut names);
            }
            Ok(_) => {}
            // The loader of the program reports this error.
            Err(_) => break,
        }
    }
    names.into_iter().collect()
}

fn read(mut data: &[u8], names: &mut BTreeSet<String>) {
    while let Some((length, rest)) = data.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length));
        let Some((name, rest)) = rest.split_at_checked(length) else {
            return;
        };
        data = rest;
        if let Ok(name) = std::str::from_utf8(name)
            && !name.is_empty()
            && !name.contains(char::is_control)
            && names.len() < MOST_TASKS
        {
            names.insert(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(data: &[u8]) -> Vec<String> {
        let mut names = BTreeSet::new();
        read(data, &mut names);
        names.into_iter().collect()
    }

    #[test]
    fn names_are_read_as_far_as_they_are_whole() {
        assert_eq!(names(b""), [""; 0]);
        assert_eq!(names(b"\x01\0b\x02\0aa"), ["aa", "b"]);
        assert_eq!(names(b"\x01\0a\x01\0a"), ["a"]);
        assert_eq!(names(b"\x01\0a\xff\xffb"), ["a"]);
        assert_eq!(names(b"\x01\0a\x01"), ["a"]);
        assert_eq!(names(b"\x01\0\xff\x01\0\n\0\0\x01\0c"), ["c"]);
    }

    #[test]
    fn what_is_no_webassembly_has_none() {
        assert_eq!(task_names(b""), [""; 0]);
        assert_eq!(task_names(b"\0asm"), [""; 0]);
        assert_eq!(task_names(&[0xff; 100]), [""; 0]);
    }
}
