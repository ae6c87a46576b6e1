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
    error: the environment variable `NOT_SET` is not set here
    hint: `--env NOT_SET=VALUE` gives it a value

    --env =value
    error: invalid value `=value` for `--env <NAME[=VALUE]>`: the name of the variable is empty

    --env 
    error: invalid value `` for `--env <NAME[=VALUE]>`: the name of the variable is empty
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
    error: `file` cannot be granted: it is no directory

    --dir ::/data
    error: invalid value `::/data` for `--dir <HOST[::GUEST]>`: the host's directory is empty

    --dir .::
    error: invalid value `.::` for `--dir <HOST[::GUEST]>`: the guest's name for the directory is empty

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

    --memory -1
    error: invalid value `-1` for `--memory <SIZE>`: a size looks like `256MiB`, `1.5GB` or `65536`

    --memory 0
    error: invalid value `0` for `--memory <SIZE>`: no process can live in less than 64KiB; a size looks like `256MiB`

    --memory 1KiB
    error: invalid value `1KiB` for `--memory <SIZE>`: no process can live in less than 64KiB; a size looks like `256MiB`

    --memory 99999999999999999999999
    error: invalid value `99999999999999999999999` for `--memory <SIZE>`: a size looks like `256MiB`, `1.5GB` or `65536`

    --timeout soon
    error: invalid value `soon` for `--timeout <TIME>`: a time looks like `30s`, `500ms` or `1m 30s`

    --timeout 0s
    error: invalid value `0s` for `--timeout <TIME>`: a time is above zero, as `30s`, `500ms` or `1m 30s`

    --timeout 30
    error: invalid value `30` for `--timeout <TIME>`: a time looks like `30s`, `500ms` or `1m 30s`

    --max-processes 0
    error: invalid value `0` for `--max-processes <COUNT>`: a count is a whole number from 1 to 4294967295, such as `100`

    --max-processes many
    error: invalid value `many` for `--max-processes <COUNT>`: a count is a whole number from 1 to 4294967295, such as `100`

    --max-processes 5000000000
    error: invalid value `5000000000` for `--max-processes <COUNT>`: a count is a whole number from 1 to 4294967295, such as `100`
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

    --cores 3-1
    error: invalid value `3-1` for `--cores <LIST>`: the range `3-1` runs backwards

    --cores 0,,1
    error: invalid value `0,,1` for `--cores <LIST>`: `` is not a core number; a list looks like `0-3,6`

    --cores 0-99999999999
    error: invalid value `0-99999999999` for `--cores <LIST>`: core 99999999999 is larger than the limit of 1023
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
        "\nhint: `--cores` takes a list as `0-3,6`; without it all usable cores are used\n\n"
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
    hint: `isopod help run` lists what there is

    --memry 1MiB
    error: unexpected argument `--memry` found
    hint: there is `--memory`

    --memory
    error: a value is required for `--memory <SIZE>` but none was supplied

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
    hint: `isopod help` lists what there is

    rnu
    error: unrecognized subcommand `rnu`
    hint: `isopod help` lists what there is

    run
    error: the following required arguments were not provided: <PATH>
    hint: `isopod help run` lists what there is

    build
    error: the following required arguments were not provided: <PATH>
    hint: `isopod help build` lists what there is

    --loud
    error: unexpected argument `--loud` found
    hint: `isopod help` lists what there is
    ");
}
