//! Bad options: each is one paragraph and the exit code 125, before anything runs.

use crate::support::{empty_directory, isopod, program, run};
use rustix::thread::sched_getaffinity;
use std::fs;

/// The errors for these options; each error follows its options.
fn errors(cases: &[&[&str]]) -> String {
    let directory = empty_directory();
    fs::copy(program("endings"), directory.path().join("app.wasm")).unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let mut told = String::new();
    for options in cases {
        let arguments = [&["run", "app.wasm"], *options].concat();
        let mut command = isopod(directory.path(), &arguments);
        command.env_remove("NOT_SET");
        let ended = run(command);
        told += &format!("{}\n{}\n", options.join(" "), ended.own_error());
    }
    told
}

#[test]
fn variables() {
    let errors = errors(&[&["--env", "NOT_SET"], &["--env", "=value"], &["--env", ""]]);
    insta::assert_snapshot!(errors, @"
    --env NOT_SET
    error: the environment variable `NOT_SET` is not set
    hint: set it with `--env NOT_SET=VALUE`

    --env =value
    error: invalid value `=value` for `--env <NAME[=VALUE]>`: the name of the variable is empty
    hint: `isopod help run` lists the arguments and options

    --env 
    error: invalid value `` for `--env <NAME[=VALUE]>`: the name of the variable is empty
    hint: `isopod help run` lists the arguments and options
    ");
}

#[test]
fn directories() {
    let errors = errors(&[
        &["--dir", "no/such"],
        &["--dir", "file"],
        &["--dir", "::/data"],
        &["--dir", ".::"],
        &["--dir", ".", "--dir", "/tmp::."],
    ]);
    insta::assert_snapshot!(errors, @"
    --dir no/such
    error: the directory `no/such` cannot be granted
    cause: No such file or directory (os error 2)

    --dir file
    error: `file` cannot be granted: it is not a directory

    --dir ::/data
    error: invalid value `::/data` for `--dir <HOST[::GUEST]>`: the host's directory is empty
    hint: `isopod help run` lists the arguments and options

    --dir .::
    error: invalid value `.::` for `--dir <HOST[::GUEST]>`: the guest's name for the directory is empty
    hint: `isopod help run` lists the arguments and options

    --dir . --dir /tmp::.
    error: two directories are granted as `.`
    hint: `--dir HOST::GUEST` gives a directory another name
    ");
}

#[test]
fn limits() {
    let errors = errors(&[
        &["--memory", "much"],
        &["--memory", "-1"],
        &["--memory", "0"],
        &["--memory", "1KiB"],
        &["--memory", "99999999999999999999999"],
        &["--timeout", "soon"],
        &["--timeout", "0s"],
        &["--timeout", "30"],
        &["--max-processes", "0"],
        &["--max-processes", "many"],
        &["--max-processes", "5000000000"],
    ]);
    insta::assert_snapshot!(errors, @"
    --memory much
    error: invalid value `much` for `--memory <SIZE>`: a size looks like `256MiB`, `1.5GB` or `65536`
    hint: `isopod help run` lists the arguments and options

    --memory -1
    error: invalid value `-1` for `--memory <SIZE>`: a size looks like `256MiB`, `1.5GB` or `65536`
    hint: `isopod help run` lists the arguments and options

    --memory 0
    error: invalid value `0` for `--memory <SIZE>`: a process needs at least 64KiB; a size looks like `256MiB`
    hint: `isopod help run` lists the arguments and options

    --memory 1KiB
    error: invalid value `1KiB` for `--memory <SIZE>`: a process needs at least 64KiB; a size looks like `256MiB`
    hint: `isopod help run` lists the arguments and options

    --memory 99999999999999999999999
    error: invalid value `99999999999999999999999` for `--memory <SIZE>`: a size looks like `256MiB`, `1.5GB` or `65536`
    hint: `isopod help run` lists the arguments and options

    --timeout soon
    error: invalid value `soon` for `--timeout <TIME>`: a time looks like `30s`, `500ms` or `1m 30s`
    hint: `isopod help run` lists the arguments and options

    --timeout 0s
    error: invalid value `0s` for `--timeout <TIME>`: a time must be above zero, for example `30s`, `500ms` or `1m 30s`
    hint: `isopod help run` lists the arguments and options

    --timeout 30
    error: invalid value `30` for `--timeout <TIME>`: a time looks like `30s`, `500ms` or `1m 30s`
    hint: `isopod help run` lists the arguments and options

    --max-processes 0
    error: invalid value `0` for `--max-processes <COUNT>`: a count is a whole number from 1 to 4294967295, such as `100`
    hint: `isopod help run` lists the arguments and options

    --max-processes many
    error: invalid value `many` for `--max-processes <COUNT>`: a count is a whole number from 1 to 4294967295, such as `100`
    hint: `isopod help run` lists the arguments and options

    --max-processes 5000000000
    error: invalid value `5000000000` for `--max-processes <COUNT>`: a count is a whole number from 1 to 4294967295, such as `100`
    hint: `isopod help run` lists the arguments and options
    ");
}

#[test]
fn cores() {
    let errors = errors(&[
        &["--cores", "x"],
        &["--cores", "3-1"],
        &["--cores", "0,,1"],
        &["--cores", "0-99999999999"],
    ]);
    insta::assert_snapshot!(errors, @"
    --cores x
    error: invalid value `x` for `--cores <LIST>`: `x` is not a core number; a list looks like `0-3,6`
    hint: `isopod help run` lists the arguments and options

    --cores 3-1
    error: invalid value `3-1` for `--cores <LIST>`: the range `3-1` runs backwards
    hint: `isopod help run` lists the arguments and options

    --cores 0,,1
    error: invalid value `0,,1` for `--cores <LIST>`: `` is not a core number; a list looks like `0-3,6`
    hint: `isopod help run` lists the arguments and options

    --cores 0-99999999999
    error: invalid value `0-99999999999` for `--cores <LIST>`: core 99999999999 is larger than the limit of 1023
    hint: `isopod help run` lists the arguments and options
    ");
}

#[test]
fn a_core_that_is_not_there() {
    let usable = sched_getaffinity(None).unwrap();
    let core = (99..1024)
        .find(|core| !usable.is_set(*core))
        .unwrap()
        .to_string();
    let told = errors(&[&["--cores", &core]]).replace(&core, "CORE");
    // The list of cores depends on the machine.
    let (told, list) = told.split_once("; usable are ").unwrap();
    insta::assert_snapshot!(told, @"
    --cores CORE
    error: core CORE cannot be used
    ");
    assert!(list.ends_with(
        "\nhint: `--cores` takes a list like `0-3,6`; without it, isopod uses all usable cores\n\n"
    ));
    // One core that the machine lacks is one too many.
    errors(&[&["--cores", &format!("0-{core}")]]);
}

#[test]
fn other_options() {
    let errors = errors(&[
        &["--status-file", "no/such/file"],
        &["--status-file", "."],
        &["-q", "-v"],
        &["--memry", "1MiB"],
        &["--memory"],
        &["argument"],
    ]);
    insta::assert_snapshot!(errors, @"
    --status-file no/such/file
    error: cannot create the status file `no/such/file`
    cause: No such file or directory (os error 2)

    --status-file .
    error: cannot create the status file `.`
    cause: it is a directory, not a regular file

    -q -v
    error: the argument `--quiet` cannot be used with `--verbose...`
    hint: `isopod help run` lists the arguments and options

    --memry 1MiB
    error: unexpected argument `--memry` found
    hint: did you mean `--memory`? `isopod help run` lists all

    --memory
    error: a value is required for `--memory <SIZE>` but none was supplied
    hint: `isopod help run` lists the arguments and options

    argument
    error: unexpected argument `argument` found
    hint: arguments for the program follow `--`; `isopod help run` lists the options
    ");
}

#[test]
fn commands() {
    let mut told = String::new();
    for arguments in [&["walk"][..], &["rnu"], &["run"], &["build"], &["--loud"]] {
        let ended = run(isopod(empty_directory().path(), arguments));
        told += &format!("{}\n{}\n", arguments.join(" "), ended.own_error());
    }
    insta::assert_snapshot!(told, @"
    walk
    error: unrecognized subcommand `walk`
    hint: `isopod help` lists the commands

    rnu
    error: unrecognized subcommand `rnu`
    hint: `isopod help` lists the commands

    run
    error: the following required arguments were not provided: <PATH>
    hint: `isopod help run` lists the arguments and options

    build
    error: the following required arguments were not provided: <PATH>
    hint: `isopod help build` lists the arguments and options

    --loud
    error: unexpected argument `--loud` found
    hint: `isopod help` lists the commands
    ");
}

/// The commands, as the help lists them.
fn all_commands() -> Vec<String> {
    let help = run(isopod(empty_directory().path(), &["help"])).stdout;
    let commands = section(&help, "Commands:");
    let names = commands.filter(|line| is_entry(line));
    let names = names.filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.iter().any(|name| name == "run"), "{help}");
    names.into_iter().filter(|name| name != "help").collect()
}

/// The lines of a section of a help text.
fn section<'a>(help: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let lines = help.lines().skip_while(move |line| *line != heading);
    lines.skip(1).take_while(|line| !line.is_empty())
}

/// Whether a line of a section begins an entry. A continuation line is indented further.
fn is_entry(line: &str) -> bool {
    line.starts_with("  ") && !line.starts_with("   ")
}

/// The options that take a value, as `--name <VALUE>` in the help.
fn options_with_a_value(help: &str) -> Vec<&str> {
    let lines = help.lines().map(str::trim_start);
    let options = lines.filter(|line| line.starts_with('-'));
    let named = options.filter_map(|line| {
        let (before, _) = line.split_once(" <")?;
        before.split_whitespace().last()
    });
    named.filter(|name| name.starts_with("--")).collect()
}

#[test]
fn bad_usage_of_every_command_names_its_help() {
    let commands = all_commands();
    assert!(commands.len() >= 7, "{commands:?}");
    let directory = empty_directory();
    for command in &commands {
        let help = run(isopod(directory.path(), &["help", command])).stdout;
        let places = section(&help, "Arguments:").filter(|line| is_entry(line));
        // One `1` for each argument, and one more.
        let mut surplus = vec![command.as_str()];
        surplus.extend(places.map(|_| "1"));
        surplus.push("1");
        let mut cases = vec![vec![command.as_str(), "--unknown-option"], surplus];
        let options = options_with_a_value(&help);
        cases.extend(options.iter().map(|option| vec![command.as_str(), option]));
        let hint = format!("`isopod help {command}` lists");
        for case in cases {
            let ended = run(isopod(directory.path(), &case));
            let error = ended.own_error();
            let (message, told_hint) = error.split_once("\nhint: ").unwrap_or_default();
            assert!(told_hint.contains(&hint), "{case:?}: {error}");
            let is_about_last = message.contains(case.last().unwrap());
            assert!(is_about_last, "{case:?}: {error}");
        }
    }
}
