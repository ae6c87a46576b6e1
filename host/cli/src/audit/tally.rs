//! Bounds the number of similar lines in a log: a guest can repeat an action without end, each time in a new process.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Number of lines that are written for each tree and kind. Further lines are counted.
const MOST_LINES: u64 = 100;
/// The same for limits. The record of an end names the limit of each process that has ended at one.
const MOST_LIMITS: u64 = 1;

/// The category of a line: its tree, its record, and the kind in it.
type Key = (u64, String, String);

/// The number of lines of one log in each category.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<Key, u64>,
}

impl Tally {
    /// Counts a record. Returns whether to write it.
    pub(super) fn takes(&mut self, record: &Value) -> bool {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let of = text("record");
        let (kind, most) = match of.as_str() {
            "limit" => (text("limit"), MOST_LIMITS),
            "refused" => (text("refusal"), MOST_LINES),
            "kill" | "ended" => (text("status"), MOST_LINES),
            "deadlock" => (String::new(), MOST_LINES),
            // isopod itself writes the others, and only a few.
            _ => return true,
        };
        let tree = record["tree"].as_u64().unwrap_or_default();
        let count = self.counts.entry((tree, of, kind)).or_default();
        *count = count.saturating_add(1);
        *count <= most
    }

    /// One record for each category with unwritten lines.
    pub(super) fn rest(&self) -> impl Iterator<Item = Value> {
        self.counts.iter().filter_map(|((tree, of, kind), count)| {
            let most = match of.as_str() {
                "limit" => MOST_LIMITS,
                _ => MOST_LINES,
            };
            let more = count.checked_sub(most).filter(|more| *more > 0)?;
            Some(json!({
                "record": "repeated",
                "tree": tree,
                "of": of,
                "kind": kind,
                "count": more,
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_and_again_is_counted_by_tree_and_kind() {
        let mut tally = Tally::default();
        let limit =
            |tree: u64, limit: &str| json!({"record": "limit", "tree": tree, "limit": limit});
        assert!(tally.takes(&limit(1, "memory")));
        assert!(tally.takes(&limit(1, "output")));
        assert!(tally.takes(&limit(2, "memory")));
        for _ in 0..1_000 {
            assert!(!tally.takes(&limit(1, "memory")));
        }
        let kill = json!({"record": "kill", "tree": 1, "status": "killed"});
        let told = (0..1_000).filter(|_| tally.takes(&kill)).count();
        assert_eq!(told, 100);
        // Grants are never counted, nor are records about the log itself.
        assert!((0..1_000).all(|_| tally.takes(&json!({"record": "granted", "tree": 1}))));
        let rest: Vec<Value> = tally.rest().collect();
        let repeated = |of: &str, kind: &str, count: u64| json!({"record": "repeated", "tree": 1, "of": of, "kind": kind, "count": count});
        assert_eq!(
            rest,
            [
                repeated("kill", "killed", 900),
                repeated("limit", "memory", 1_000)
            ]
        );
    }
}
