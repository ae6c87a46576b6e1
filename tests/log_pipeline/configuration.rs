//! What is wrong in a pipeline's file is told: where, which key, and what is allowed.

use crate::running::Pipeline;

const STAGE: &str = "[[stage]]
name = \"first\"
plugin = \"plugins/first.wasm\"
function = \"run\"
memory = \"1MiB\"
timeout = \"1s\"
";

const HEAD: &str = "batch_lines = 10
batch_time = \"1s\"
in_flight = 2
reload_every = \"1s\"
";

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let whole = format!("{HEAD}\n{STAGE}");
    let mut told = String::new();
    for (from, to) in [
        ("in_flight = 2\n", ""),
        ("in_flight = 2", "in_flight = 0"),
        ("in_flight", "inflight"),
        ("timeout = \"1s\"", "timeout = \"1 apple\""),
        ("timeout = \"1s\"", "timeout = 1"),
        ("timeout = \"1s\"\n", ""),
        ("1MiB", "lots"),
        ("1MiB", "1KiB"),
        ("memory", "memroy"),
        ("name = \"first\"\n", ""),
        (STAGE, ""),
        (STAGE, &format!("{STAGE}{STAGE}")),
        ("[[stage]]", "[[stage"),
        ("", ""),
    ] {
        let ended = Pipeline::new(&whole.replacen(from, to, 1)).run(&[]);
        assert_eq!(ended.exit_code, Some(1), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
        told += &format!(
            "[{}] -> [{}]\n{}\n",
            shown(from),
            shown(to),
            ended.stderr.trim_end()
        );
    }
    insta::assert_snapshot!(told, @r#"
    [in_flight = 2] -> []
    error: in `pipeline.toml`: TOML parse error at line 1, column 1
      |
    1 | batch_lines = 10
      | ^
    missing field `in_flight`
    [in_flight = 2] -> [in_flight = 0]
    error: in `pipeline.toml`: TOML parse error at line 3, column 13
      |
    3 | in_flight = 0
      |             ^
    0 is too few; 1 is the least
    [in_flight] -> [inflight]
    error: in `pipeline.toml`: TOML parse error at line 3, column 1
      |
    3 | inflight = 2
      | ^^^^^^^^
    unknown field `inflight`, expected one of `batch_lines`, `batch_time`, `in_flight`, `reload_every`, `cache`, `stage`
    [timeout = "1s"] -> [timeout = "1 apple"]
    error: in `pipeline.toml`: stage 1, `first`: `timeout`: `1 apple` is no time; one is written as `100ms`
    [timeout = "1s"] -> [timeout = 1]
    error: in `pipeline.toml`: stage 1, `first`: `timeout`: invalid type: integer `1`, expected a string
    [timeout = "1s"] -> []
    error: in `pipeline.toml`: stage 1, `first`: missing field `timeout`
    [1MiB] -> [lots]
    error: in `pipeline.toml`: stage 1, `first`: `memory`: `lots` is no size; one is written as `64MiB`
    [1MiB] -> [1KiB]
    error: in `pipeline.toml`: stage 1, `first`: `memory` is 1.0 KiB; it is to be at least 64KiB
    [memory] -> [memroy]
    error: in `pipeline.toml`: stage 1, `first`: unknown field `memroy`, expected one of `name`, `plugin`, `function`, `merge`, `workers`, `give_up_after`, `memory`, `timeout`, `cpu_time`, `output`, `message`, `environment`
    [name = "first"] -> []
    error: in `pipeline.toml`: stage 1: missing field `name`
    [[[stage]]; name = "first"; plugin = "plugins/first.wasm"; function = "run"; memory = "1MiB"; timeout = "1s"] -> []
    error: in `pipeline.toml`: a pipeline has at least one `[[stage]]`
    [[[stage]]; name = "first"; plugin = "plugins/first.wasm"; function = "run"; memory = "1MiB"; timeout = "1s"] -> [[[stage]]; name = "first"; plugin = "plugins/first.wasm"; function = "run"; memory = "1MiB"; timeout = "1s"; [[stage]]; name = "first"; plugin = "plugins/first.wasm"; function = "run"; memory = "1MiB"; timeout = "1s"]
    error: in `pipeline.toml`: two stages have the name `first`
    [[[stage]]] -> [[[stage]
    error: in `pipeline.toml`: TOML parse error at line 6, column 8
      |
    6 | [[stage
      |        ^
    unclosed array table, expected `]]`
    [] -> []
    loading plugins; what is not in the cache is compiled
    error: stage `first`: cannot load its plugin: `plugins/first.wasm` does not exist
    "#);
}

fn shown(text: &str) -> String {
    text.trim_end().replace('\n', "; ")
}

#[test]
fn a_file_that_cannot_be_read_is_told_at_once() {
    let ended = Pipeline::new(&format!("{HEAD}\n{STAGE}")).run(&["no-such.log"]);
    assert_eq!(ended.exit_code, Some(1), "{}", ended.stderr);
    let beginning = ended.stderr.starts_with("error: cannot open `");
    assert!(
        beginning && ended.stderr.contains("no-such.log"),
        "{}",
        ended.stderr
    );
}
