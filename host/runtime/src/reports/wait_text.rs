//! The text of a process's state and wait. The guest chooses the names, so the text escapes hidden
//! characters in them.

use super::wait::{RunState, Wait, WaitedObject};
use isopod_sync::Kind;
use isopod_text::Line;
use std::fmt;

impl fmt::Display for RunState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunState::Running => formatter.write_str("runs"),
            RunState::Waiting(wait) => wait.fmt(formatter),
            RunState::WaitingForSystem => {
                formatter.write_str("waits for a timer, a file or its input")
            }
            RunState::Paused => formatter.write_str("is paused"),
            RunState::Idle => formatter.write_str("is idle"),
            RunState::Ending => formatter.write_str("ends"),
            RunState::Ended => formatter.write_str("has ended"),
        }
    }
}

/// ``waits in `acquire` for lock 7, owned by `a` ``.
impl fmt::Display for Wait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "waits in `{}` for ", self.operation)?;
        let mut objects = self.objects.iter();
        if let Some(first) = objects.next() {
            first.fmt(formatter)?;
        }
        for other in objects {
            write!(formatter, ", or for {other}")?;
        }
        match self.more_objects {
            0 => Ok(()),
            1 => formatter.write_str(", or for one more object"),
            more => write!(formatter, ", or for {more} more objects"),
        }
    }
}

impl fmt::Display for WaitedObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.owner) {
            (Kind::Process, Some(joined)) => {
                return write!(formatter, "process `{}`", Line(joined));
            }
            (kind, Some(owner)) => {
                return write!(
                    formatter,
                    "{kind} {}, owned by `{}`",
                    self.object,
                    Line(owner)
                );
            }
            (kind, None) => write!(formatter, "{kind} {}", self.object)?,
        }
        let verb = match self.kind {
            Kind::Connection => "whose other end is held by",
            _ => "held by",
        };
        let names = self.wakers.iter();
        let mut holders: Vec<String> = names.map(|name| format!("`{}`", Line(name))).collect();
        if self.more_wakers > 0 {
            holders.push(format!("{} more", self.more_wakers));
        }
        if self.others {
            holders.push("others".to_owned());
        }
        write!(formatter, ", {verb} {}", holders.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn waited(kind: Kind, owner: Option<&str>, wakers: &[&str], more_wakers: usize) -> String {
        let object = WaitedObject {
            object: 7,
            kind,
            owner: owner.map(str::to_owned),
            wakers: wakers.iter().map(ToString::to_string).collect(),
            more_wakers,
            others: more_wakers > 0,
        };
        let wait = Wait {
            operation: "op",
            objects: vec![object],
            more_objects: 0,
            since: Instant::now(),
            deadline: None,
        };
        RunState::Waiting(wait).to_string()
    }

    #[test]
    fn a_wait_says_for_what_and_for_whom() {
        assert_eq!(
            waited(Kind::Lock, Some("a"), &["a", "b"], 1),
            "waits in `op` for lock 7, owned by `a`"
        );
        assert_eq!(
            waited(Kind::Process, Some("a"), &["a"], 0),
            "waits in `op` for process `a`"
        );
        assert_eq!(
            waited(Kind::Queue, None, &["a", "b", "c", "d"], 1),
            "waits in `op` for queue 7, held by `a`, `b`, `c`, `d`, 1 more, others"
        );
        assert_eq!(
            waited(Kind::Connection, None, &["a"], 0),
            "waits in `op` for connection 7, whose other end is held by `a`"
        );
        assert_eq!(
            waited(Kind::Lock, Some("a`\n\u{202e}"), &[], 0),
            "waits in `op` for lock 7, owned by `a`\\n\\u{202e}`"
        );
    }
}
