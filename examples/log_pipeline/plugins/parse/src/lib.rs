//! Turns the lines of a web server's log, in the combined format, into records: a JSON object on each line.

use serde::Serialize;

isopod::plugin!();

#[derive(Serialize)]
struct Record<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    time: &'a str,
    method: String,
    path: String,
    status: u16,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
    agent: String,
}

/// The record of a line that is not in the format: later stages see it, and can count it.
#[derive(Serialize)]
struct Malformed<'a> {
    malformed: &'a str,
}

/// A record for each line of a log.
#[isopod::function]
fn parse(lines: Vec<u8>) -> Result<String, String> {
    let mut records = String::new();
    // The sender of a request chooses its bytes; records are UTF-8.
    for line in String::from_utf8_lossy(&lines).lines() {
        let json = match record(line) {
            Some(record) => serde_json::to_string(&record),
            None => serde_json::to_string(&Malformed { malformed: line }),
        };
        records += &json.map_err(|error| error.to_string())?;
        records.push('\n');
    }
    Ok(records)
}

/// `ADDRESS IDENTITY USER [TIME] "METHOD PATH PROTOCOL" STATUS BYTES "REFERRER" "AGENT"`
fn record(line: &str) -> Option<Record<'_>> {
    let (address, rest) = line.split_once(' ')?;
    let (_identity, rest) = rest.split_once(' ')?;
    let (user, rest) = rest.split_once(" [")?;
    let (time, rest) = rest.split_once("] ")?;
    let (request, rest) = quoted(rest)?;
    let (status, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let (bytes, rest) = rest.split_once(' ')?;
    let (referrer, rest) = quoted(rest)?;
    let (agent, rest) = quoted(rest.strip_prefix(' ')?)?;
    let (method, rest_of_request) = request.split_once(' ')?;
    let (path, _protocol) = rest_of_request.split_once(' ')?;
    let is_whole = rest.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    is_whole.then_some(())?;
    Some(Record {
        address,
        user: Some(user).filter(|user| *user != "-"),
        time,
        method: method.to_owned(),
        path: path.to_owned(),
        status: status.parse().ok()?,
        bytes: if bytes == "-" { 0 } else { bytes.parse().ok()? },
        referrer: Some(referrer).filter(|referrer| referrer != "-"),
        agent,
    })
}

/// A text in quotes, in which a backslash escapes quotes and backslashes, and the rest after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut found = String::new();
    let mut letters = text.char_indices();
    while let Some((position, letter)) = letters.next() {
        match letter {
            '"' => return Some((found, text.get(position + 1..)?)),
            '\\' => match letters.next()?.1 {
                hidden @ ('"' | '\\') => found.push(hidden),
                other => found.extend(['\\', other]),
            },
            other => found.push(other),
        }
    }
    None
}
