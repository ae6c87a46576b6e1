//! `isopod call`, `isopod inspect` and `isopod compile`.

use crate::support::{empty_directory, isopod, program, run};
use std::fs;
use std::path::Path;

/// The output of `isopod COMMAND PLUGIN ...`.
fn told(command: &str, arguments: &[&str]) -> String {
    let plugin = program("text_plugin");
    let mut all = vec![command, plugin.to_str().unwrap()];
    all.extend(arguments);
    run(isopod(Path::new("."), &all)).to_string()
}

#[test]
fn a_function_is_called_with_text_with_json_or_with_a_file() {
    insta::assert_snapshot!(told("call", &["upper", "--input", "hello"]), @"
    exit code: 0
    --- standard output
    HELLO(no line end)
    ");
    insta::assert_snapshot!(told("call", &["numbers.sum", "--input", "[1, 2, 3]"]), @"
    exit code: 0
    --- standard output
    6(no line end)
    ");
    let directory = empty_directory();
    let plugin = program("text_plugin");
    fs::write(directory.path().join("line.txt"), "from a file").unwrap();
    let arguments = ["call", plugin.to_str().unwrap(), "upper", "-i", "line.txt"];
    insta::assert_snapshot!(run(isopod(directory.path(), &arguments)), @"
    exit code: 0
    --- standard output
    FROM A FILE(no line end)
    ");
}

#[test]
fn a_call_that_fails_says_how() {
    insta::assert_snapshot!(told("call", &["numbers.sum", "--input", "[9223372036854775807, 1]"]), @"
    exit code: 1
    --- standard error
    error: the call failed: function-failed
    cause: the sum is too large
    ");
    insta::assert_snapshot!(told("call", &["numbers.sum", "--input", "hello"]), @"
    exit code: 1
    --- standard error
    error: the call failed: invalid-input
    cause: a message of 5 bytes is not a value of type `alloc::vec::Vec<i64>`: expected value at line 1 column 1
    ");
    insta::assert_snapshot!(told("call", &["end", "--input", "panic"]), @"
    exit code: 1
    --- standard error
    error: the call failed: panicked
    cause: panicked at text_plugin.rs:28:20: on purpose
    ");
    insta::assert_snapshot!(told("call", &["end", "--input", "loop", "--timeout", "50ms"]), @"
    exit code: 124
    --- standard error
    error: the call failed: deadline
    cause: deadline of 50ms reached; raise it with `Limits::timeout` or `--timeout`
    ");
    insta::assert_snapshot!(told("call", &["end", "--input", "loop", "--cpu-time", "50ms"]), @"
    exit code: 122
    --- standard error
    error: the call failed: cpu-time-limit
    cause: limit of 50ms of CPU time reached; raise it with `Limits::cpu_time` or `--cpu-time`
    ");
    insta::assert_snapshot!(told("call", &["end", "--input", "memory", "--memory", "16MiB"]), @"
    exit code: 121
    --- standard error
    memory allocation of 1048576 bytes failed
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    error: the call failed: memory-limit
    cause: memory limit of 16 MiB reached: 16512 KiB were wanted; raise it with `Limits::memory` or `--memory`
    ");
    insta::assert_snapshot!(told("call", &["upper", "--input", "hello", "--max-message", "4"]), @"
    exit code: 123
    --- standard error
    error: the call failed: limit-exceeded
    cause: the input of 5 bytes is larger than the plugin's limit of 4 bytes; raise it with `Limits::message_size` or `--max-message`
    ");
    insta::assert_snapshot!(told("call", &["lower"]), @"
    exit code: 125
    --- standard error
    error: `text_plugin` has no function `lower`
    hint: it has: end, numbers.sum, upper
    ");
    let trap = told("call", &["end", "--input", "trap"]);
    assert!(trap.starts_with("exit code: 134\n"), "{trap}");
    assert!(
        trap.contains("error: the call failed: trap\ncause: "),
        "{trap}"
    );
}

#[test]
fn a_load_run_prints_a_table() {
    for more in [&[][..], &["--here"], &["--fresh"]] {
        let mut arguments = vec![
            "upper",
            "--input",
            "x",
            "--repeat",
            "200",
            "--concurrency",
            "3",
        ];
        arguments.extend(more);
        let table = told("call", &arguments);
        assert!(
            table.starts_with("exit code: 0\n--- standard output\ncalls            200\n"),
            "{table}"
        );
        for line in [
            "calls a second",
            "latency p50",
            "latency p99",
            "failed           0\n",
        ] {
            assert!(table.contains(line), "{table}");
        }
    }
    let table = told("call", &["end", "--input", "panic", "--repeat", "5"]);
    assert!(table.starts_with("exit code: 1\n"), "{table}");
    assert!(
        table.contains("failed           5\n  panicked       5\n"),
        "{table}"
    );
    assert!(
        table.contains("error: the call failed: panicked\ncause: panicked at"),
        "{table}"
    );
}

#[test]
fn what_a_plugin_has_is_told() {
    insta::assert_snapshot!(told("inspect", &[]), @"
    exit code: 0
    --- standard output
    text_plugin: a plugin, which begins with 1.3 MiB of memory

    functions, called with bytes or text:
      end: Ends in the way that its input names.
      numbers.sum: The sum of numbers.
      upper: The text in capitals.

    exports:
      isopod:multiprocessing/functions@0.1.0#call: func(name: string, input: list<u8>, handles: list<resource>) -> result<record { bytes: list<u8>, handles: list<resource> }, variant { unknown-function(string), invalid-input(string), failed(string), other(string) }>
      isopod:multiprocessing/functions@0.1.0#describe: func() -> list<record { name: string, text: string }>

    can use, if granted:
      files and directories: `--dir`, `--read-dir`
      environment variables: `--env`
      standard input
      standard output
      standard error

    imports:
      isopod:multiprocessing/process@0.1.0
      isopod:multiprocessing/types@0.1.0
      wasi:cli/environment@0.2.12
      wasi:cli/stderr@0.2.12
      wasi:cli/stdin@0.2.12
      wasi:cli/stdout@0.2.12
      wasi:clocks/wall-clock@0.2.12
      wasi:filesystem/preopens@0.2.12
      wasi:filesystem/types@0.2.12
      wasi:io/error@0.2.12
      wasi:io/streams@0.2.12
    ");
    let json = told("inspect", &["--json"]);
    let json = json.split_once("--- standard output\n").unwrap().1;
    let told: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(told["kind"], "plugin");
    assert_eq!(told["functions"][2]["name"], "upper");
    assert_eq!(
        told["functions"][1]["text"],
        "The sum of numbers.\nIt must not overflow."
    );
    assert!(told["imports"].as_array().unwrap().len() > 5);
}

#[test]
fn the_tasks_of_a_program_are_told() {
    let directory = empty_directory();
    let source = r#"
        #[isopod::task]
        fn square(number: u64) -> u64 { number * number }

        /// Of a module, and with a name of its own.
        mod text {
            #[isopod::task(name = "text.length")]
            fn length(text: String) -> usize { text.len() }
        }

        #[isopod::main]
        fn main() {}
    "#;
    fs::write(directory.path().join("tasks.rs"), source).unwrap();
    let told = |arguments: &[&str]| {
        let finished = run(isopod(directory.path(), arguments)).to_string();
        let (_, output) = finished.split_once("--- standard output\n").unwrap();
        output.to_owned()
    };
    let text = told(&["inspect", "tasks.rs"]);
    let tasks = "\ntasks, for pools of an application that embeds it:\n  square\n  text.length\n";
    assert!(text.contains(tasks), "{text}");
    // The same of the built file: read, and found in the cache of code.
    let arguments = ["build", "-q", "tasks.rs", "-o", "tasks.wasm"];
    let built = run(isopod(directory.path(), &arguments)).to_string();
    assert!(built.starts_with("exit code: 0"), "{built}");
    for _ in 0..2 {
        let json = told(&["inspect", "tasks.wasm", "--json"]);
        let told: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(told["tasks"], serde_json::json!(["square", "text.length"]));
    }
}

#[test]
fn typed_functions_take_json() {
    let directory = empty_directory();
    let component = wat::parse_str(
        r#"(component
            (core module $m (func (export "add") (param i32 i32) (result i32)
              (i32.add (local.get 0) (local.get 1))))
            (core instance $i (instantiate $m))
            (func $add (param "x" u32) (param "y" u32) (result u32) (canon lift (core func $i "add")))
            (instance $adder (export "add" (func $add)))
            (export "docs:adder/add@0.1.0" (instance $adder)))"#,
    );
    fs::write(directory.path().join("adder.wasm"), component.unwrap()).unwrap();
    let told = |arguments: &[&str]| run(isopod(directory.path(), arguments)).to_string();
    insta::assert_snapshot!(told(&["call", "adder.wasm", "add", "--input", "[40, 2]"]), @"
    exit code: 0
    --- standard output
    42
    ");
    insta::assert_snapshot!(told(&["call", "adder.wasm", "add", "--input", "[40]"]), @"
    exit code: 1
    --- standard error
    error: the call failed: invalid-input
    cause: it takes an array of its arguments, or an object with their names: `func(x: u32, y: u32) -> u32`
    ");
    insta::assert_snapshot!(told(&["call", "adder.wasm", "add", "--input", "x"]), @"
    exit code: 125
    --- standard error
    error: the input of `add` is not JSON: expected value at line 1 column 1
    hint: give a JSON array of the arguments, for example `--input '[1, 2]'`; `isopod inspect` shows their types
    ");
    insta::assert_snapshot!(told(&["inspect", "adder.wasm"]), @"
    exit code: 0
    --- standard output
    adder: a plugin, which has no memory of its own

    exports:
      docs:adder/add@0.1.0#add: func(x: u32, y: u32) -> u32
    ");
}

#[test]
fn native_code_is_made_and_loaded_on_request_only() {
    let directory = empty_directory();
    let plugin = program("text_plugin");
    let told = |arguments: &[&str]| run(isopod(directory.path(), arguments)).to_string();
    let made = told(&["compile", plugin.to_str().unwrap(), "-o", "text.cwasm"]);
    assert!(
        made.starts_with("exit code: 0\n--- standard output\ntext.cwasm ("),
        "{made}"
    );
    let call = ["call", "text.cwasm", "upper", "--input", "hello"];
    insta::assert_snapshot!(told(&call), @"
    exit code: 125
    --- standard error
    error: `text.cwasm` holds native code, which no sandbox checks
    hint: `--allow-precompiled` runs it anyway; use it only for files from a source that you trust
    ");
    let call: Vec<&str> = call.into_iter().chain(["--allow-precompiled"]).collect();
    insta::assert_snapshot!(told(&call), @"
    exit code: 0
    --- standard output
    HELLO(no line end)
    ");
    insta::assert_snapshot!(told(&["inspect", "text.cwasm"]), @"
    exit code: 125
    --- standard error
    error: `text.cwasm` is native code, which has no description of its component; inspect the `.wasm` file
    ");
}

#[test]
fn a_plugin_is_not_run() {
    insta::assert_snapshot!(told("run", &[]), @"
    exit code: 125
    --- standard error
    error: `text_plugin` is a plugin: it has no main function to be run; its functions are called with `Plugin` or `isopod call`
    ");
}
