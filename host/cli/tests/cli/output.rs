//! Lines on a pipe: whole lines never tear, and unfinished ones are not held back for ever.

use crate::support::{Running, isopod, program, run};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

/// The number of lines that `lines.rs` writes from each process.
const LINES: usize = 500;

#[test]
fn an_unfinished_line_shows_while_the_program_sleeps() {
    let path = program("terminal");
    let arguments = ["run", path.to_str().unwrap(), "--", "pause"];
    let mut running = Running::start(&mut isopod(Path::new("."), &arguments));
    // The program sleeps for an hour; the guard is shorter.
    running.wait_for_output("working ...");
    running.signal(Signal::TERM);
    assert_eq!(running.end().exit_code, 143);
}

#[test]
fn lines_of_four_processes_that_write_in_pieces_do_not_tear() {
    let path = program("lines");
    let arguments = ["run", path.to_str().unwrap()];
    // If the system does not run a process for 50 ms in the middle of a line, the host writes that line
    // unfinished, as it should. On a busy machine that may happen once, but not each time.
    let torn: Vec<_> = (0..3)
        .map_while(|_| {
            let ended = run(isopod(Path::new("."), &arguments));
            assert_eq!((ended.exit_code, ended.stderr.as_str()), (0, ""));
            first_torn_line(&ended.stdout)
        })
        .collect();
    assert!(torn.len() < 3, "torn lines: {torn:#?}");
}

/// The first line that no process wrote. All others must be there, in the order of each process.
fn first_torn_line(output: &str) -> Option<String> {
    let mut numbers: BTreeMap<char, usize> = BTreeMap::new();
    for line in output.lines() {
        let name = line.chars().next().unwrap_or_default();
        let number = numbers.entry(name).or_default();
        let whole = format!("{name} {number:04} {}", name.to_string().repeat(80));
        if line != whole {
            return Some(line.to_owned());
        }
        *number += 1;
    }
    let all = ['a', 'b', 'c', 'd'].map(|name| (name, LINES));
    assert_eq!(numbers, BTreeMap::from(all));
    None
}

#[test]
fn a_prompt_shows_on_a_pipe_before_it_is_answered() {
    let path = program("terminal");
    let arguments = ["run", path.to_str().unwrap(), "--", "prompt"];
    let mut command = isopod(Path::new("."), &arguments);
    let mut running = Running::start(command.stdin(Stdio::piped()));
    let mut input = running.stdin();
    running.wait_for_output("your name? ");
    input.write_all(b"Ada\nblue\n").unwrap();
    let ended = running.end();
    insta::assert_snapshot!(ended, @"
    exit code: 0
    --- standard output
    your name? Ada likes blue
    --- standard error
    your colour, Ada? (no line end)
    ");
}
