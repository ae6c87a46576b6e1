//! The functions of WASI preview 1, which core modules import. The adapter serves them, so its exports are
//! the list of them. Their parameters are plain numbers, so this file holds the meaning of each.

use crate::arguments::Mode;
use crate::guest::{Excluded, TESTED};
use crate::layout::{self, Layout, Size};
use crate::module::counted;
use std::fmt::Write as _;
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef, ValType};

/// The meanings of the parameters of each function: `f` a descriptor, `p` a path and its length, `b` a
/// buffer and its length, `v` buffers and their number, `s` subscriptions, `o` the place of the results,
/// `n` a number of 32 bits, `N` one of 64.
const MEANINGS: &[(&str, &str)] = &[
    ("adapter_close_badfd", "f"),
    ("adapter_monotonic_clock_set_paused", "n"),
    ("adapter_open_badfd", "o"),
    ("args_get", "oo"),
    ("args_sizes_get", "oo"),
    ("clock_res_get", "no"),
    ("clock_time_get", "nNo"),
    ("environ_get", "oo"),
    ("environ_sizes_get", "oo"),
    ("fd_advise", "fNNn"),
    ("fd_allocate", "fNN"),
    ("fd_close", "f"),
    ("fd_datasync", "f"),
    ("fd_fdstat_get", "fo"),
    ("fd_fdstat_set_flags", "fn"),
    ("fd_fdstat_set_rights", "fNN"),
    ("fd_filestat_get", "fo"),
    ("fd_filestat_set_size", "fN"),
    ("fd_filestat_set_times", "fNNn"),
    ("fd_pread", "fvNo"),
    ("fd_prestat_dir_name", "fb"),
    ("fd_prestat_get", "fo"),
    ("fd_pwrite", "fvNo"),
    ("fd_read", "fvo"),
    ("fd_readdir", "fbNo"),
    ("fd_renumber", "ff"),
    ("fd_seek", "fNno"),
    ("fd_sync", "f"),
    ("fd_tell", "fo"),
    ("fd_write", "fvo"),
    ("path_create_directory", "fp"),
    ("path_filestat_get", "fnpo"),
    ("path_filestat_set_times", "fnpNNn"),
    ("path_link", "fnpfp"),
    ("path_open", "fnpnNNno"),
    ("path_readlink", "fpbo"),
    ("path_remove_directory", "fp"),
    ("path_rename", "fpfp"),
    ("path_symlink", "pfp"),
    ("path_unlink_file", "fp"),
    ("poll_oneoff", "sono"),
    ("proc_exit", "n"),
    ("proc_raise", "n"),
    ("random_get", "b"),
    ("reset_adapter_state", ""),
    ("sched_yield", ""),
    ("sock_accept", "fno"),
    ("sock_recv", "fvnoo"),
    ("sock_send", "fvno"),
    ("sock_shutdown", "fn"),
];

/// A function of preview 1.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) name: String,
    meaning: &'static str,
    parameters: Vec<ValType>,
    has_result: bool,
}

impl Raw {
    /// Whether it takes texts, buffers or lists.
    pub(crate) fn takes_much(&self) -> bool {
        self.meaning.contains(['p', 'b', 'v', 's'])
    }
}

/// All functions of the adapter.
pub(crate) fn functions() -> Vec<Raw> {
    let (mut types, mut declared, mut functions) = (Vec::new(), Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER) {
        match payload.unwrap() {
            Payload::TypeSection(section) => {
                types.extend(section.into_iter_err_on_gc_types().map(Result::unwrap));
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(ty) = import.unwrap().ty {
                        declared.push(ty);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                declared.extend(section.into_iter().map(Result::unwrap))
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.unwrap();
                    // The adapter's other exports are those of a component: their names are not plain.
                    let is_plain = export
                        .name
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                    if export.kind != ExternalKind::Func
                        || !is_plain
                        || export.name.starts_with("cabi_")
                    {
                        continue;
                    }
                    let ty = &types[declared[export.index as usize] as usize];
                    let meaning = MEANINGS.iter().find(|(name, _)| *name == export.name);
                    let (_, meaning) = meaning.unwrap_or_else(|| {
                        panic!(
                            "`{}` of preview 1 has no line in MEANINGS: say what it takes",
                            export.name
                        )
                    });
                    functions.push(Raw {
                        name: export.name.to_owned(),
                        meaning,
                        parameters: ty.params().to_vec(),
                        has_result: !ty.results().is_empty(),
                    });
                }
            }
            _ => {}
        }
    }
    assert!(
        functions.len() >= MEANINGS.len(),
        "the adapter has fewer functions than it had"
    );
    functions
}

/// A core module that calls the function, and the number of combinations of arguments.
pub(crate) fn module(raw: &Raw, mode: Mode, size: Size, excluded: &Excluded) -> (Vec<u8>, usize) {
    let layout = Layout::new(size, true);
    let combinations = combinations(raw, mode, &layout);
    let (mut functions, mut first_round, mut further_rounds) =
        (String::new(), String::new(), String::new());
    for (number, arguments) in combinations.iter().enumerate() {
        let call = format!("(call $tested {})", arguments.join(" "));
        let made = match raw.has_result {
            true => format!("(i32.eqz {call})"),
            false => format!("{call} (i32.const 1)"),
        };
        let ready = vectors(raw, mode, &layout, number);
        writeln!(
            functions,
            "(func $call{number} (result i32) (call $stamp) {ready} (call $begun) {made})"
        )
        .unwrap();
        if !excluded.contains(&(TESTED, number)) {
            writeln!(
                first_round,
                "(call $tell (i32.const 118) (i32.const {number}))"
            )
            .unwrap();
            let call = counted(&format!("$call{number}"));
            writeln!(first_round, "{call}").unwrap();
            writeln!(further_rounds, "{call}").unwrap();
        }
    }
    let types: Vec<String> = raw.parameters.iter().map(ToString::to_string).collect();
    let prelude = include_str!("prelude.wat").replace("(export \"cabi_realloc\")", "");
    let text = format!(
        "(module
           (import \"wasi_snapshot_preview1\" \"fd_write\"
             (func $fd_write (param i32 i32 i32 i32) (result i32)))
           (import \"wasi_snapshot_preview1\" \"path_open\"
             (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
           (import \"wasi_snapshot_preview1\" \"{name}\" (func $tested (param {types}) {result}))
           (memory (export \"memory\") {pages})
           (data (i32.const {constants}) \"fd\")
           (global $results (mut i32) (i32.const {results}))
           (global $end (mut i32) (i32.const {end}))
           (global $result_bytes (mut i32) (i32.const {bytes}))
           (func $get_stdout (result i32) (i32.const 1))
           (func $write (param i32 i32 i32 i32)
             (i32.store (i32.const 96) (local.get 1))
             (i32.store (i32.const 100) (local.get 2))
             (drop (call $fd_write (local.get 0) (i32.const 96) (i32.const 1) (local.get 3))))
           {prelude} {functions}
           (func (export \"_start\")
             (call $tell (i32.const 103) (i32.const 0))
             (memory.fill (i32.const {text}) (i32.const 97) (i32.const {text_bytes}))
             ;; Descriptor 3 is the granted directory, 4 becomes a file in it, 5 a directory.
             (drop (call $path_open (i32.const 3) (i32.const 1) (i32.const {constants}) (i32.const 1)
               (i32.const 0) (i64.const 0x1fffffff) (i64.const 0x1fffffff) (i32.const 0) (i32.const {result_at})))
             (drop (call $path_open (i32.const 3) (i32.const 1) (i32.const {directory}) (i32.const 1)
               (i32.const 2) (i64.const 0x1fffffff) (i64.const 0x1fffffff) (i32.const 0) (i32.const {result_at})))
             {first_round}
             (loop $again {further_rounds} (br $again))))",
        name = raw.name,
        types = types.join(" "),
        result = if raw.has_result { "(result i32)" } else { "" },
        pages = layout.end() >> 16,
        constants = layout::CONSTANTS,
        directory = layout::CONSTANTS + 1,
        results = layout.results(),
        end = layout.end(),
        bytes = layout.result_bytes,
        text = layout::TEXT,
        text_bytes = layout.text_bytes,
        result_at = layout::RESULT,
    );
    let module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (module, combinations.len())
}

/// The arguments of all calls.
fn combinations(raw: &Raw, mode: Mode, layout: &Layout) -> Vec<Vec<String>> {
    let text = layout::TEXT;
    let is_small = layout.size == Size::Small;
    let lengths: Vec<u32> = match layout.size {
        Size::Small => vec![16, 0, 255, 4096],
        Size::Large => vec![layout.text_bytes, 1 << 20, 16, 4096],
    };
    // The ladders of the parameters; one meaning may cover two parameters of the signature.
    let mut ladders: Vec<Vec<Vec<String>>> = Vec::new();
    let int = |number: u32| format!("(i32.const {number})");
    for meaning in raw.meaning.chars() {
        ladders.push(match meaning {
            'f' => [3, 4, 5, 0, 1, 6, u32::MAX]
                .iter()
                .map(|&fd| vec![int(fd)])
                .collect(),
            'p' => {
                let mut paths = vec![
                    vec![int(layout::CONSTANTS), int(1)],
                    vec![int(layout::CONSTANTS + 1), int(1)],
                ];
                paths.extend(lengths.iter().map(|&length| vec![int(text), int(length)]));
                paths
            }
            // The bytes of a read must not overwrite the text, so they go to the area of results.
            'b' => lengths
                .iter()
                .map(|&length| vec![int(layout.results()), int(length.min(layout.result_bytes))])
                .collect(),
            'v' => [1, 0, 16, if is_small { 64 } else { layout.list_bytes / 8 }]
                .iter()
                .map(|&count| vec![int(layout.lists()), int(count)])
                .collect(),
            's' => vec![vec![int(layout.lists())]],
            // There are as many events as subscriptions.
            'o' if raw.name == "poll_oneoff" => vec![vec![int(layout.results())]],
            'o' => vec![vec![int(layout::RESULT)]],
            'n' if raw.name == "poll_oneoff" => {
                let most = if is_small { 16 } else { layout.list_bytes / 48 };
                let counts = if mode == Mode::Wait {
                    vec![1]
                } else {
                    vec![1, 0, 16, most]
                };
                counts.into_iter().map(|count| vec![int(count)]).collect()
            }
            'n' => [0, 1, 2, 9, u32::MAX]
                .iter()
                .map(|&number| vec![int(number)])
                .collect(),
            'N' => [0x1fff_ffff_u64, 0, 1, 1 << 20, u64::MAX, 1 << 63]
                .iter()
                .map(|number| vec![format!("(i64.const {number})")])
                .collect(),
            other => panic!("`{other}` means nothing"),
        });
    }
    let longest = ladders.iter().map(Vec::len).max().unwrap_or(1);
    let count = if ladders.len() < 2 {
        longest
    } else {
        longest.max(20)
    };
    let mut random = 0x9e37_79b9_u64;
    let combinations: Vec<Vec<String>> = (0..count)
        .map(|number| {
            let step = |ladder: &Vec<Vec<String>>| {
                if number < longest {
                    return ladder[number % ladder.len()].clone();
                }
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                ladder[(random >> 33) as usize % ladder.len()].clone()
            };
            ladders.iter().flat_map(step).collect()
        })
        .collect();
    for arguments in &combinations {
        assert_eq!(
            arguments.len(),
            raw.parameters.len(),
            "the meaning of `{}`",
            raw.name
        );
    }
    combinations
}

/// Code that writes the buffers or subscriptions of a call.
fn vectors(raw: &Raw, mode: Mode, layout: &Layout, number: usize) -> String {
    let lists = layout.lists();
    if raw.meaning.contains('v') {
        // Few large buffers, and then many small ones.
        let (at, length) = match (layout.size, number % 2) {
            (Size::Large, 0) => (layout.results(), layout.result_bytes),
            _ => (layout.results(), 16),
        };
        let most = if layout.size == Size::Small {
            64
        } else {
            layout.list_bytes / 8
        };
        return format!(
            "(i32.store (i32.const {lists}) (i32.const {at})) (i32.store offset=4 (i32.const {lists}) (i32.const {length}))
             (call $repeat (i32.const {lists}) (i32.const 8) (i32.const {most}))"
        );
    }
    if raw.meaning.contains('s') {
        // A subscription to the monotonic clock, which is due at once or never; all others are the same.
        let time = if mode == Mode::Wait { u64::MAX >> 1 } else { 0 };
        let most = if layout.size == Size::Small {
            16
        } else {
            layout.list_bytes / 48
        };
        return format!(
            "(memory.fill (i32.const {lists}) (i32.const 0) (i32.const 48))
             (i32.store offset=16 (i32.const {lists}) (i32.const 1))
             (i64.store offset=24 (i32.const {lists}) (i64.const {time}))
             (call $repeat (i32.const {lists}) (i32.const 48) (i32.const {most}))"
        );
    }
    String::new()
}
