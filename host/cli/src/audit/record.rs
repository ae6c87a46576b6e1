//! The records of the log, as JSON: of the events of an engine, and of errors before a program runs.

use crate::at_limit;
use crate::report::Report;
use isopod_host::ExitStatus;
use isopod_host::events::EngineEvent;
use serde_json::{Value, json};

/// Longest text in a record, in bytes; longer ones are cut.
const LONGEST_TEXT_BYTES: usize = 1 << 10;

/// The record of a program that was not started: a reached limit, or else a refusal.
pub(super) fn of_error(program: &str, error: &anyhow::Error) -> Value {
    let text = Report::from(error).text();
    let text = isopod_text::cut(&text, LONGEST_TEXT_BYTES);
    match at_limit::limit_of(error) {
        Some(limit) => json!({
            "record": "limit",
            "tree": null,
            "process": null,
            "name": program,
            "limit": limit.as_str(),
            "text": text,
            "ends": true,
        }),
        None => json!({
            "record": "refused",
            "tree": null,
            "process": null,
            "name": program,
            "refusal": "start",
            "subject": text,
            "count": 1,
        }),
    }
}

/// The record of an event; `None` for events that do not belong in an audit log.
pub(super) fn of_event(event: &EngineEvent) -> Option<Value> {
    Some(match event {
        EngineEvent::Granted {
            tree,
            grant,
            subject,
            ..
        } => json!({
            "record": "granted",
            "tree": tree,
            "grant": grant.as_str(),
            "subject": subject,
        }),
        EngineEvent::Refused {
            process,
            name,
            tree,
            refusal,
            subject,
            count,
            ..
        } => json!({
            "record": "refused",
            "tree": tree,
            "process": process.get(),
            "name": name,
            "refusal": refusal.as_str(),
            "subject": subject,
            "count": count,
        }),
        EngineEvent::LimitReached {
            process,
            name,
            tree,
            limit,
            text,
            is_end,
            ..
        } => json!({
            "record": "limit",
            "tree": tree,
            "process": process.get(),
            "name": name,
            "limit": limit.as_str(),
            "text": text,
            "ends": is_end,
        }),
        EngineEvent::EndRequested {
            process,
            name,
            tree,
            by,
            status,
            ..
        } => json!({
            "record": "kill",
            "tree": tree,
            "process": process.get(),
            "name": name,
            "by": by.to_string(),
            "status": status.kind(),
        }),
        EngineEvent::Deadlock { tree, deadlock, .. } => json!({
            "record": "deadlock",
            "tree": tree,
            "processes": deadlock.processes.len().saturating_add(deadlock.more_processes),
        }),
        EngineEvent::ProcessEnded {
            process,
            name,
            tree,
            status,
            ..
        } if is_told(status) => json!({
            "record": "ended",
            "tree": tree,
            "process": process.get(),
            "name": name,
            "status": status.kind(),
            "text": status.message().map(|text| isopod_text::cut(text, LONGEST_TEXT_BYTES)),
        }),
        _ => return None,
    })
}

/// Ends that the process did not choose.
fn is_told(status: &ExitStatus) -> bool {
    !matches!(status, ExitStatus::Exited(_) | ExitStatus::Failed(_))
}
