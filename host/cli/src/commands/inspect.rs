//! `isopod inspect`: the functions, imports, exports and needs of a program or plugin.

use super::source::{self, Source};
use super::{confined, loading};
use crate::args::InspectArgs;
use crate::printer::Printer;
use crate::values::human_bytes;
use isopod_host::confine::Confinement;
use isopod_host::plugin::{Plugin, PluginFunction};
use isopod_host::{Limits, Program};
use isopod_text::Line;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

const PROCESSES: &str = "processes: `--max-processes`";

/// The use of an interface, and the options that grant it. Each entry begins with a prefix of the interface's name.
const NEEDS: [(&str, &str); 14] = [
    (
        "wasi:filesystem/",
        "files and directories: `--dir`, `--read-dir`",
    ),
    ("wasi:cli/environment", "environment variables: `--env`"),
    ("wasi:cli/stdin", "standard input"),
    ("wasi:cli/stdout", "standard output"),
    ("wasi:cli/stderr", "standard error"),
    ("wasi:sockets/tcp", "the network: `--net`, `--listen`"),
    ("wasi:sockets/udp", "the network: `--net`, `--listen`"),
    (
        "wasi:sockets/ip-name-lookup",
        "look-ups of host names: `--allow-name-lookup`",
    ),
    ("isopod:multiprocessing/process", PROCESSES),
    ("isopod:multiprocessing/pool", PROCESSES),
    (
        "isopod:multiprocessing/queue",
        "objects that processes share: `--max-queued`",
    ),
    (
        "isopod:multiprocessing/pipe",
        "objects that processes share: `--max-queued`",
    ),
    (
        "isopod:multiprocessing/memory",
        "objects that processes share: `--max-queued`",
    ),
    (
        "isopod:multiprocessing/manager",
        "objects that processes share: `--max-queued`",
    ),
];

/// Longest time for a plugin to list its functions.
const DESCRIBE_TIME: Duration = Duration::from_secs(10);

/// The outline, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Outline {
    name: String,
    /// `program` or `plugin`.
    kind: &'static str,
    /// The functions that a plugin lists.
    functions: Vec<Function>,
    /// The tasks that a program offers to an embedder's pool.
    tasks: Vec<String>,
    exports: Vec<Export>,
    imports: Vec<String>,
    /// The uses of its imports. Options have to grant them.
    needs: Vec<String>,
    /// The initial size of its memory.
    initial_memory_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Function {
    name: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Export {
    name: String,
    signature: String,
}

/// Prints the outline of a program or plugin. A plugin lists its functions itself, without any rights.
///
/// # Errors
/// If it cannot be built or loaded.
pub(crate) fn run(options: &InspectArgs, printer: &Printer) -> anyhow::Result<u8> {
    let (path, loading) = (&options.component.path, &options.component.loading);
    let source = source::kind_of(path)?;
    anyhow::ensure!(
        source != Source::Precompiled,
        "`{}` is native code, which has no description of its component; inspect the `.wasm` file",
        path.display()
    );
    let engine = loading::engine(1, None, None, &loading.compile_limits, printer)?;
    let program = loading::load(path, source, &loading.toolchain, true, &engine, printer)?;
    let outline = outline_of(&program, printer)?;
    printer.result(&match options.format.json {
        true => isopod_text::json(&serde_json::to_string_pretty(&outline)?).into_owned(),
        false => text(&outline),
    });
    Ok(0)
}

fn outline_of(program: &Program, printer: &Printer) -> anyhow::Result<Outline> {
    let outline = program.outline();
    let functions = match program.is_plugin() {
        true => {
            confined::confine(Confinement::new(), printer)?;
            let limits = Limits::default().timeout(DESCRIBE_TIME);
            let plugin = Plugin::builder(program).limits(limits).build()?;
            plugin.functions().to_vec()
        }
        false => Vec::new(),
    };
    let mut needs: Vec<String> = Vec::new();
    for (beginning, need) in NEEDS {
        // A plugin imports the interface only to report its end.
        if need == PROCESSES && program.is_plugin() {
            continue;
        }
        let is_imported = outline
            .imports
            .iter()
            .any(|name| name.starts_with(beginning));
        if is_imported && !needs.iter().any(|known| known == need) {
            needs.push(need.to_owned());
        }
    }
    Ok(Outline {
        name: program.name().to_owned(),
        kind: match program.is_plugin() {
            true => "plugin",
            false => "program",
        },
        functions: functions
            .into_iter()
            .map(|PluginFunction { name, text, .. }| Function { name, text })
            .collect(),
        // Always there: native code was refused before.
        tasks: outline.tasks.unwrap_or_default(),
        exports: outline
            .exports
            .into_iter()
            .map(|export| Export {
                name: export.name,
                signature: export.signature,
            })
            .collect(),
        imports: outline.imports,
        needs,
        initial_memory_bytes: outline.initial_memory_bytes,
    })
}

fn text(outline: &Outline) -> String {
    let memory = match outline.initial_memory_bytes {
        Some(bytes) => format!("begins with {} of memory", human_bytes(bytes)),
        None => "has no memory of its own".to_owned(),
    };
    let mut text = format!(
        "{}: a {}, which {memory}\n",
        Line(&outline.name),
        outline.kind
    );
    let mut list = |heading: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{heading}:");
            for line in lines {
                let _ = writeln!(text, "  {}", Line(&line));
            }
        }
    };
    let functions = outline.functions.iter();
    list(
        "functions, called with bytes or text",
        functions
            .map(|function| match function.text.lines().next() {
                Some(first) => format!("{}: {first}", function.name),
                None => function.name.clone(),
            })
            .collect(),
    );
    list(
        "tasks, for pools of an application that embeds it",
        outline.tasks.clone(),
    );
    let exports = outline.exports.iter();
    list(
        "exports",
        exports
            .map(|export| format!("{}: {}", export.name, export.signature))
            .collect(),
    );
    list("can use, if granted", outline.needs.clone());
    list("imports", outline.imports.clone());
    text
}
