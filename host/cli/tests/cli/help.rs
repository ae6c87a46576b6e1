//! The help texts.

use crate::support::{isopod, run};
use std::path::Path;

fn told(arguments: &[&str]) -> String {
    run(isopod(Path::new("."), arguments)).to_string()
}

#[test]
fn isopod_help() {
    insta::assert_snapshot!(told(&["--help"]), @"
    exit code: 0
    --- standard output
    `multiprocessing` for WebAssembly: programs of several isolated processes

    Usage: isopod <COMMAND>

    Commands:
      new      Make the directory of a new program or plugin, in Rust, C, Python or JavaScript
      run      Run a program: a Python script, a WebAssembly file, or source, which a sandbox builds
               first
      build    Build a program or plugin from source, or from a WebAssembly core module, to a component
      call     Call a function of a plugin, once or many times
      inspect  Show what a program or plugin imports, exports and needs
      compile  Compile a program or plugin to native code, which loads in a fraction of a millisecond
      ps       Show the processes of running programs: what they use, and what waits for whom
      help     Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Examples:
      isopod run word_count.rs --dir texts -- texts 4
      isopod build word_count.rs
      isopod run word_count.wasm --dir texts --memory 64MiB --timeout 30s -- texts 4

    `isopod help run` lists the options and the exit codes.
    ");
    assert_eq!(told(&["help"]), told(&["--help"]));
}

#[test]
fn isopod_help_run() {
    insta::assert_snapshot!(told(&["help", "run"]), @r"
    exit code: 0
    --- standard output
    Run a program: a Python script, a WebAssembly file, or source, which a sandbox builds first

    Usage: isopod run [OPTIONS] [PATH] [-- <ARGS>...]

    Arguments:
      [PATH]     The program: a Python script (`.py`, or `-` for standard input), a `.wasm` file
                 (component or core module), one `.rs`, `.c` or `.js` file, or a directory of source
      [ARGS]...  Arguments for the program

    Options:
      -m, --module <NAME>       Run a Python module as a script, as `python -m`
      -c, --code <CODE>         Run this Python code, as `python -c`
          --cores <LIST>        Run processes on these cores only, as `0-3,6` [default: all that isopod
                                may use]
          --on-deadlock <WHAT>  What to do when processes wait for each other for ever: tell it on
                                standard error, end the program with exit code 120, or nothing [default:
                                report] [possible values: report, end, ignore]
      -h, --help                Print help

    Grants:
          --dir <HOST[::GUEST]>       Let the program read and write the directory HOST and what is
                                      below it, under the name GUEST (default: as given). May be given
                                      several times
          --read-dir <HOST[::GUEST]>  As `--dir`, but the program can only read it. Not for a directory
                                      that holds the key of isopod's cache
          --allow-overlap             Allow `--dir` for a directory that holds a compiler or another
                                      program that builds use, or lies in one. Who writes there has
                                      native code run as you: only for a program that you trust.
                                      isopod's cache and its key stay refused
          --env <NAME[=VALUE]>        Set an environment variable of the program; NAME alone takes the
                                      value it has here. May be given several times
          --allow-special-files       Let the program open FIFOs and devices in its directories, which
                                      may wait for ever
          --net <ADDRESS:PORT>        Let the program connect to this address, as `192.0.2.7:443` or
                                      `[::1]:80`; `*` is any address, or any port. May be given several
                                      times
          --listen <ADDRESS:PORT>     Let the program accept connections at this address of the machine.
                                      May be given several times
          --allow-name-lookup         Let the program look up the addresses of host names

    Limits:
          --memory <SIZE>                 Limit the memory of each process, as `256MiB`
          --timeout <TIME>                End the program, or a call, when it has run this long, as
                                          `30s` or `1m 30s`, or `none`; building does not count
                                          [default: 30days]
          --cpu-time <TIME>               Limit the CPU time of each process, or of each call; waiting
                                          does not count [default: as --timeout]
          --max-handles <COUNT>           Limit what each process holds at a time: handles, open files
                                          [default: 100000]
          --max-message <SIZE>            Limit the size of a message, or of inputs and outputs of a
                                          call [default: 64MiB]
          --max-output <SIZE>             Limit what each process, or each call, writes to standard
                                          output and error [default: 1GiB]
          --max-file-operations <COUNT>   Limit the file operations of each process that have not
                                          returned [default: 4]
          --max-descriptors <COUNT>       Limit the open files, directories and sockets of each process
                                          [default: as --tree-descriptors]
          --max-queued <SIZE>             Limit what waits in queues, pipes and pools, with shared
                                          memory and managers' contents [default: 1GiB]
          --tree-memory <SIZE>            Limit the memory of all processes together [default: half of
                                          the machine's]
          --tree-host-memory <SIZE>       Limit the memory that the host uses for all processes, beside
                                          their own [default: a quarter of the machine's, at most 2GiB]
          --tree-cpu-time <TIME>          Limit the CPU time of all processes together, those that have
                                          ended too
          --cpus <CPUS>                   Limit the CPU time of all processes together in each second:
                                          0.5 is half of a core
          --tree-file-operations <COUNT>  Limit the file operations of all processes that have not
                                          returned [default: 64]
          --tree-descriptors <COUNT>      Limit the open files, directories and sockets of all processes
                                          together [default: half of what `ulimit -n` leaves]
          --tree-written <SIZE>           Limit what all processes write to files, in all directories
                                          together [default: 4GiB in the private /tmp, no limit
                                          elsewhere]
          --tree-files <COUNT>            Limit the files, directories and links that all processes
                                          make, in all directories together [default: 100000 in the
                                          private /tmp, no limit elsewhere]
          --tree-output <SIZE>            Limit what all processes write to standard output and error
                                          together [default: 4GiB]
          --max-processes <COUNT>         Limit the number of processes alive at a time [default: 256]
          --max-started <COUNT>           Limit the number of processes started in all [default:
                                          100000000]
          --max-jobs <COUNT>              Limit the number of jobs of a pool that wait [default:
                                          1000000]

    Building and loading:
          --allow-precompiled       Allow PATH to be a `.cwasm` file. It holds native code, which no
                                    sandbox checks: only for files from someone you trust
          --no-install              Never install what a build lacks; fail and say what is missing
          --trust-build             Build the source without a sandbox: its build scripts and macros may
                                    do whatever you can
          --read-source <DIR>       Let the build read the directory DIR too, as that of a dependency by
                                    path. May be given several times
          --build-timeout <TIME>    Give up when one tool of a sandboxed build has taken so long
                                    [default: 1h]
          --build-memory <SIZE>     Limit the memory of each process of a sandboxed build, and the size
                                    of each file that it writes [default: half of the machine's memory]
          --compile-timeout <TIME>  Give up when compiling has taken so long [default: 5m]
          --compile-memory <SIZE>   Limit the memory that compiling takes [default: half of the
                                    machine's]
          --max-program <SIZE>      Limit the size of the program itself, as WebAssembly [default:
                                    128MiB]

    Reports:
          --stats               Print at the end what the program has used: processes, CPU time, memory
          --status-file <FILE>  Write how the program ended to FILE, as JSON: `status`, `code` (the
                                program's, as Python gives it), `exit_code` (isopod's), `message`,
                                `signal`. An error of isopod itself has the status `error`; bad usage
                                writes nothing; the file stays empty if isopod is cut short
          --audit <FILE>        Append to FILE, as lines of JSON, what the program is granted, what it
                                is refused, which limits it reaches, and who ends what. FILE must not
                                lie in a directory that the program may write, nor in the program's
                                source
      -q, --quiet               Do not print the progress of a build
      -v, --verbose...          Print what the program is granted, and what the host does; `-vv` and
                                `-vvv` for more

    Source is built in a sandbox: its build reads the source, the compiler and the crates that it
    depends on,
    and nothing else of this machine; it has no network and no variables. `--trust-build` builds without
    it.

    Examples:
      isopod run hello.rs -- Anna                     build one file and run it
      isopod run examples/word_count --dir . -- .     build a crate; it may use this directory
      isopod run app.wasm --dir /srv/data::/data      the program sees /srv/data as /data
      isopod run count.py --dir data -- data 4        a Python script; it may use this directory
      isopod run -m timeit -- -n 10 '1 + 1'           a module of Python; `-c` runs code
      isopod run app.wasm --env LANG --env LEVEL=3    LANG as it is here, LEVEL as given
      isopod run app.wasm --net 192.0.2.7:443         it may connect there, and nowhere else
      isopod run app.wasm --cores 0-3,6 --memory 256MiB --timeout 30s
      isopod run app.wasm --cpu-time 10s --max-output 1MiB --tree-memory 1GiB
      isopod run app.wasm --status-file status.json   how the program ended, as JSON

    What the program gets: standard input, output and error, its arguments, an empty directory as /tmp
    that is removed at its end, the directory of its source to read if it is given as source, and what
    the options name. Nothing else: no other file, no other variable, no network. `-v` prints it.

    Exit codes: the program's own; 1 uncaught error or panic; 120 deadlock; 121 memory limit;
    122 CPU time limit; 123 other limit; 124 timeout; 125 an error of isopod itself, or bad usage;
    130 interrupted; 134 trap; 137 killed; 143 terminated.

    Ctrl-C ends all processes of the program in order; a second one ends isopod at once.
    SIGQUIT (Ctrl-\) prints what runs, and what waits for whom, to standard error.
    ");
    assert_eq!(told(&["run", "--help"]), told(&["help", "run"]));
}

#[test]
fn isopod_help_build() {
    insta::assert_snapshot!(told(&["help", "build"]), @"
    exit code: 0
    --- standard output
    Build a program or plugin from source, or from a WebAssembly core module, to a component

    Usage: isopod build [OPTIONS] <PATH>

    Arguments:
      <PATH>  The directory of a Rust crate, or one with a `main` or `plugin` that ends in `.c`, `.py`
              or `.js`; one `.rs`, `.c`, `.py` or `.js` file; or a WebAssembly core module

    Options:
      -o, --output <FILE>  Where to write the component [default: NAME.wasm in the current directory]
      -q, --quiet          Print nothing but errors
      -h, --help           Print help

    Building and loading:
          --no-install            Never install what a build lacks; fail and say what is missing
          --trust-build           Build the source without a sandbox: its build scripts and macros may
                                  do whatever you can
          --read-source <DIR>     Let the build read the directory DIR too, as that of a dependency by
                                  path. May be given several times
          --build-timeout <TIME>  Give up when one tool of a sandboxed build has taken so long [default:
                                  1h]
          --build-memory <SIZE>   Limit the memory of each process of a sandboxed build, and the size of
                                  each file that it writes [default: half of the machine's memory]

    Source is built in a sandbox: its build reads the source, the compiler and the crates that it
    depends on,
    and nothing else of this machine; it has no network and no variables. `--trust-build` builds without
    it.

    Examples:
      isopod build hello.rs                      writes hello.wasm to the current directory
      isopod build examples/word_count -o /tmp/word_count.wasm
      isopod build module.wasm -o component.wasm

    What is missing to build (a compiler, componentize-py, componentize-js) is installed and announced;
    `--no-install` forbids that. JavaScript needs Node.js with npm, Python a Python 3 with pip.
    ");
}

#[test]
fn no_command_is_bad_usage_that_shows_the_help() {
    let ended = run(isopod(Path::new("."), &[]));
    assert_eq!((ended.exit_code, ended.stdout.as_str()), (125, ""));
    let help = run(isopod(Path::new("."), &["-h"]));
    assert_eq!(ended.stderr, help.stdout);
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        told(&["--version"]),
        format!("exit code: 0\n--- standard output\nisopod {version}\n")
    );
}

#[test]
fn isopod_help_ps() {
    insta::assert_snapshot!(told(&["help", "ps"]), @r#"
    exit code: 0
    --- standard output
    Show the processes of running programs: what they use, and what waits for whom

    Usage: isopod ps [OPTIONS] [PID]

    Arguments:
      [PID]  The pid of an `isopod run` [default: all of this user]

    Options:
          --json  Print an array of JSON objects, one for each program
      -h, --help  Print help

    Examples:
      isopod ps                                  all programs of this user
      isopod ps 4711                             the one that the `isopod run` with this pid runs
      isopod ps --json | jq '.[].processes[] | select(.state == "waiting") | .state_text'

    The `isopod run` and the `isopod ps` must use the same cache directory (`ISOPOD_CACHE`).
    "#);
}
