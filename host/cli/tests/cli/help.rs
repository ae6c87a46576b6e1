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
      new      Create a directory with a new program or plugin in Rust, C, Python or JavaScript
      run      Run a program from a Python script, a WebAssembly file or source
      build    Build a component from the source of a program or plugin, or from a WebAssembly core
               module
      call     Call a function of a plugin, once or many times
      inspect  Show the functions, exports, imports and needs of a program or plugin
      compile  Compile a program or plugin to native code, which loads in a fraction of a millisecond
      ps       Show the processes of running programs, the resources that they use, and their waits
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
    Run a program from a Python script, a WebAssembly file or source

    Usage: isopod run [OPTIONS] [PATH] [-- <ARGS>...]

    Arguments:
      [PATH]     The program: a Python script (`.py`, or `-` for standard input), a `.wasm` file
                 (component or core module), one `.rs`, `.c` or `.js` file, or a source directory
      [ARGS]...  Arguments for the program

    Options:
      -m, --module <NAME>         Run a Python module as a script, like `python -m`
      -c, --code <CODE>           Run this Python code, like `python -c`
          --cores <LIST>          Run processes on these cores only, for example `0-3,6` [default: all
                                  cores that isopod can use]
          --on-deadlock <ACTION>  Choose the response to a deadlock: report it on standard error, end
                                  the program with exit code 120, or ignore it [default: report]
                                  [possible values: report, end, ignore]
      -h, --help                  Print help

    Grants:
          --dir <HOST[::GUEST]>       Let the program read and write the directory HOST and everything
                                      below it. The program sees the directory under the name GUEST
                                      [default: as given]. Can be given several times
          --read-dir <HOST[::GUEST]>  Like `--dir`, but read-only. isopod refuses a directory that holds
                                      the key of its cache
          --allow-overlap             Allow `--dir` for a directory that contains a compiler or another
                                      build tool, or lies in the directory of one. A program that writes
                                      there can run native code as you, so use this for trusted programs
                                      only. isopod still refuses its cache and the key of the cache
          --env <NAME[=VALUE]>        Set an environment variable of the program. NAME alone copies the
                                      value from isopod's own environment. Can be given several times
          --allow-special-files       Let the program open FIFOs and devices in its directories.
                                      Operations on them can wait for ever
          --net <ADDRESS:PORT>        Let the program connect to this address, for example
                                      `192.0.2.7:443` or `[::1]:80`. `*` stands for any address or any
                                      port. Can be given several times
          --listen <ADDRESS:PORT>     Let the program accept connections at this address of the machine.
                                      Can be given several times
          --allow-name-lookup         Let the program look up the addresses of host names

    Limits:
          --memory <SIZE>                 Limit the memory of each process, for example `256MiB`
          --timeout <TIME>                End the program or the call after this time, for example
                                          `30s`, `1m 30s` or `none`. Building does not count [default:
                                          30days]
          --cpu-time <TIME>               Limit the CPU time of each process or call. Waiting does not
                                          count [default: as --timeout]
          --max-handles <COUNT>           Limit the number of handles and open files that each process
                                          holds [default: 100000]
          --max-message <SIZE>            Limit the size of each message, and of each input and output
                                          of a call [default: 64MiB]
          --max-output <SIZE>             Limit the output of each process or call to standard output
                                          and error [default: 1GiB]
          --max-file-operations <COUNT>   Limit the number of file operations that each process has in
                                          progress [default: 4]
          --max-descriptors <COUNT>       Limit the number of open files, directories and sockets of
                                          each process [default: as --tree-descriptors]
          --max-queued <SIZE>             Limit the total size of the data in queues, pipes, pools,
                                          shared memory and managers [default: 1GiB]
          --tree-memory <SIZE>            Limit the memory of all processes together [default: half of
                                          the machine's memory]
          --tree-host-memory <SIZE>       Limit the memory that the host uses for all processes, in
                                          addition to their own memory [default: a quarter of the
                                          machine's memory, at most 2GiB]
          --tree-cpu-time <TIME>          Limit the CPU time of all processes together, including ended
                                          processes
          --cpus <CPUS>                   Limit the CPU time that all processes together use in each
                                          second: 0.5 is half of a core
          --tree-file-operations <COUNT>  Limit the number of file operations that all processes
                                          together have in progress [default: 64]
          --tree-descriptors <COUNT>      Limit the number of open files, directories and sockets of all
                                          processes together [default: half of the descriptors that
                                          `ulimit -n` leaves]
          --tree-written <SIZE>           Limit the number of bytes that all processes together write to
                                          files [default: 4GiB in the private /tmp, no limit elsewhere]
          --tree-files <COUNT>            Limit the number of files, directories and links that all
                                          processes together create [default: 100000 in the private
                                          /tmp, no limit elsewhere]
          --tree-output <SIZE>            Limit the output of all processes together to standard output
                                          and error [default: 4GiB]
          --max-processes <COUNT>         Limit the number of processes that are alive at a time
                                          [default: 256]
          --max-started <COUNT>           Limit the total number of processes that the program starts
                                          [default: 100000000]
          --max-jobs <COUNT>              Limit the number of waiting jobs of each pool [default:
                                          1000000]

    Building and loading:
          --allow-precompiled       Allow a `.cwasm` file as PATH. It holds native code, which no
                                    sandbox checks, so use this only for files from a source that you
                                    trust
          --no-install              Never install missing build tools. The build fails and names them
          --trust-build             Build the source without a sandbox. Its build scripts and macros can
                                    do anything that you can do
          --read-source <DIR>       Let the build also read the directory DIR, for example that of a
                                    dependency by path. Can be given several times
          --build-timeout <TIME>    Limit the time of each tool of a sandboxed build [default: 1h]
          --build-memory <SIZE>     Limit the memory of each process of a sandboxed build, and the size
                                    of each file that the build writes [default: half of the machine's
                                    memory]
          --compile-timeout <TIME>  Limit the time of compiling [default: 5m]
          --compile-memory <SIZE>   Limit the memory of compiling [default: half of the machine's
                                    memory]
          --max-program <SIZE>      Limit the size of the WebAssembly of the program [default: 128MiB]

    Reports:
          --stats               Print the number of processes, the CPU time and the memory of the
                                program at its end
          --status-file <FILE>  Write the program's end to FILE, as a JSON object: `status`, `code` (the
                                program's exit code, as in Python), `exit_code` (isopod's exit code),
                                `message` and `signal`. An error of isopod itself has the status
                                `error`. Bad usage writes nothing. The file stays empty if something
                                kills isopod
          --audit <FILE>        Append the program's grants, refusals, reached limits and killed
                                processes to FILE, as JSON lines. FILE must not lie in a directory that
                                the program can write, nor in the program's source
      -q, --quiet               Print only warnings and errors
      -v, --verbose...          Print the program's grants and the host's events. `-vv` and `-vvv` print
                                more events

    isopod builds source in a sandbox. The build can read the source, the compiler and the crates that
    it depends on, and nothing else. It has no network and no environment variables. `--trust-build`
    builds without the sandbox.

    Examples:
      isopod run hello.rs -- Anna                     build one file and run it
      isopod run examples/word_count --dir . -- .     build a crate and grant it this directory
      isopod run app.wasm --dir /srv/data::/data      show /srv/data to the program as /data
      isopod run count.py --dir data -- data 4        run a Python script and grant it `data`
      isopod run -m timeit -- -n 10 '1 + 1'           run a Python module; `-c` runs code
      isopod run app.wasm --env LANG --env LEVEL=3    copy LANG from here, and set LEVEL
      isopod run app.wasm --net 192.0.2.7:443         allow connections to this address only
      isopod run app.wasm --cores 0-3,6 --memory 256MiB --timeout 30s
      isopod run app.wasm --cpu-time 10s --max-output 1MiB --tree-memory 1GiB
      isopod run app.wasm --status-file status.json   write the program's end to a file, as JSON

    The program gets standard input, output and error, its arguments, and an empty directory as /tmp,
    which isopod removes at the end. A program that is given as source can also read the directory of
    its source. Options grant the rest: the program gets no other file, variable or network access.
    `-v` prints all grants.

    Exit codes: the program's own; 1 uncaught error or panic; 120 deadlock; 121 memory limit;
    122 CPU time limit; 123 other limit; 124 timeout; 125 an error of isopod itself, or bad usage;
    130 interrupted; 134 trap; 137 killed; 143 terminated.

    Ctrl-C ends all processes of the program in order. A second Ctrl-C ends isopod at once.
    SIGQUIT (Ctrl-\) prints the program's processes and their waits to standard error.
    ");
    assert_eq!(told(&["run", "--help"]), told(&["help", "run"]));
}

#[test]
fn isopod_help_build() {
    insta::assert_snapshot!(told(&["help", "build"]), @"
    exit code: 0
    --- standard output
    Build a component from the source of a program or plugin, or from a WebAssembly core module

    Usage: isopod build [OPTIONS] <PATH>

    Arguments:
      <PATH>  A directory that holds a Rust crate, or a file `main` or `plugin` that ends in `.c`, `.py`
              or `.js`; one `.rs`, `.c`, `.py` or `.js` file; or a WebAssembly core module

    Options:
      -o, --output <FILE>  Write the result to FILE [default: NAME.wasm or NAME.cwasm in the current
                           directory]
      -q, --quiet          Print only warnings and errors
      -h, --help           Print help

    Building and loading:
          --no-install            Never install missing build tools. The build fails and names them
          --trust-build           Build the source without a sandbox. Its build scripts and macros can
                                  do anything that you can do
          --read-source <DIR>     Let the build also read the directory DIR, for example that of a
                                  dependency by path. Can be given several times
          --build-timeout <TIME>  Limit the time of each tool of a sandboxed build [default: 1h]
          --build-memory <SIZE>   Limit the memory of each process of a sandboxed build, and the size of
                                  each file that the build writes [default: half of the machine's
                                  memory]

    isopod builds source in a sandbox. The build can read the source, the compiler and the crates that
    it depends on, and nothing else. It has no network and no environment variables. `--trust-build`
    builds without the sandbox.

    Examples:
      isopod build hello.rs                      write hello.wasm to the current directory
      isopod build examples/word_count -o /tmp/word_count.wasm
      isopod build module.wasm -o component.wasm

    isopod installs missing build tools (a compiler, componentize-py, componentize-js) and
    announces that. `--no-install` forbids it. JavaScript needs Node.js with npm, and Python needs
    Python 3 with pip.
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
    Show the processes of running programs, the resources that they use, and their waits

    Usage: isopod ps [OPTIONS] [PID]

    Arguments:
      [PID]  The pid of an `isopod run` [default: all of this user's runs]

    Options:
          --json  Print the result as JSON
      -h, --help  Print help

    Examples:
      isopod ps                                  show all programs of this user
      isopod ps 4711                             show the program of the `isopod run` with this pid
      isopod ps --json | jq '.[].processes[] | select(.state == "waiting") | .state_text'

    `--json` prints an array of objects, one for each program.

    `isopod run` and `isopod ps` must use the same cache directory (`ISOPOD_CACHE`).
    "#);
}
