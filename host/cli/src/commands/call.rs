//! `isopod call`: calls a function of a plugin, once, or many times to measure it.

use super::grants::Grants;
use super::limits::Given;
use super::source::{self, Source};
use super::{confined, loading, overlap};
use crate::args::CallArgs;
use crate::at_limit;
use crate::audit::{Audit, Place};
use crate::exit_code;
use crate::printer::Printer;
use crate::report::{self, Report};
use crate::values::ByteCount;
use crate::what_runs::table;
use anyhow::Context as _;
use isopod_host::plugin::{Plugin, PluginPool};
use isopod_host::{Error, ErrorKind, LimitKind};
use isopod_text::{Line, size as size_of};
use serde_json::Value;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Most functions that a hint names; `isopod inspect` lists all.
const NAMED_FUNCTIONS: usize = 20;

/// The largest input without `--max-message`: the library's default.
const MOST_INPUT_BYTES: u64 = 64 << 20;

/// The input of a function.
enum Input {
    /// Bytes, for a function that the plugin lists.
    Bytes(Vec<u8>),
    /// Typed values, for any other export of its component.
    Typed(Value),
}

/// Calls the function, prints its output and returns the exit code.
///
/// # Errors
/// Errors of isopod itself, and a missing function. A failed call has an exit code and is no error.
pub(crate) fn run(options: &CallArgs, printer: &Printer) -> anyhow::Result<u8> {
    let source = source::kind_of(&options.path)?;
    let grants = Grants::of(&options.grants)?;
    let place = Place {
        path: options.audit.audit.as_deref(),
        program: Some(&options.path),
        name: source::name_of(&options.path),
    };
    let mut audit = Audit::open(place, grants.writable())?;
    let called = call_audited(options, source, &grants, &mut audit, printer);
    if let Err(error) = &called {
        audit.fail(error);
    }
    audit.end();
    called
}

fn call_audited(
    options: &CallArgs,
    source: Source,
    grants: &Grants,
    audit: &mut Audit,
    printer: &Printer,
) -> anyhow::Result<u8> {
    loading::check_trust(&options.path, source, options.trust.allow_precompiled)?;
    overlap::check(&options.grants)?;
    let given = Given::to_plugin(&options.limits);
    let callers = options.concurrency.unwrap_or(1);
    let most = u32::from(callers).saturating_mul(2).saturating_add(64);
    let engine = loading::engine(
        most,
        options.cores.cores.as_ref(),
        None,
        &options.loading.compile_limits,
        printer,
    )?;
    let (path, toolchain) = (&options.path, &options.loading.toolchain);
    let quiet = options.output.quiet.quiet;
    let program = loading::load(path, source, toolchain, quiet, &engine, printer)?;
    grants.show(&[], engine.cores(), given.shown(), printer);
    // Before isopod gives up the right to read the input.
    let bytes = input_bytes(options)?;
    confined::confine(grants.confinement(), printer)?;
    audit.start(&engine)?;
    let mut builder = Plugin::builder(&program)
        .limits(given.limits())
        .policy(grants.policy())
        .warm_instances(usize::from(callers));
    if options.fresh {
        builder = builder.calls_per_instance(1);
    }
    let plugin = builder.build()?;
    let input = input(options, bytes, &plugin)?;
    match (options.repeat, options.concurrency) {
        (None, None) => Ok(once(options, &plugin, &input, printer)),
        (repeat, _) => load(
            options,
            &plugin,
            &input,
            repeat.unwrap_or(1),
            callers,
            printer,
        ),
    }
}

/// The bytes of the input, if one was given.
///
/// # Errors
/// If the file cannot be read, is a special file, or is larger than the limit of a call.
fn input_bytes(options: &CallArgs) -> anyhow::Result<Option<Vec<u8>>> {
    let most = options
        .limits
        .max_message
        .map_or(MOST_INPUT_BYTES, ByteCount::bytes);
    // The same text as that of the plugin's own limit.
    let too_large = |size: &str| {
        let text = format!(
            "the input of {size} is larger than the plugin's limit of {}; raise it with `Limits::message_size` or `--max-message`",
            size_of(most)
        );
        let kind = ErrorKind::LimitExceeded.as_str();
        at_limit::error(LimitKind::MessageSize, text).context(format!("the call failed: {kind}"))
    };
    Ok(match options.input.as_deref() {
        None => None,
        Some("-") => {
            let mut bytes = Vec::new();
            let stdin = std::io::stdin().take(most.saturating_add(1));
            let read = { stdin }.read_to_end(&mut bytes);
            read.context("standard input cannot be read")?;
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
                let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                return Err(too_large(&format!("{} or more", size_of(read))));
            }
            Some(bytes)
        }
        // A directory with this name is no input, so the text is.
        Some(text) if Path::new(text).exists() && !Path::new(text).is_dir() => {
            match isopod_file::read(text, most) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    let length = std::fs::metadata(text).map_or(0, |found| found.len());
                    let length = length.max(most.saturating_add(1));
                    return Err(too_large(&size_of(length)));
                }
                Err(error) => {
                    return Err(error).context(format!("the input `{text}` cannot be read"));
                }
            }
        }
        Some(text) => Some(text.as_bytes().to_vec()),
    })
}

/// The input in the form that this function takes.
fn input(options: &CallArgs, bytes: Option<Vec<u8>>, plugin: &Plugin) -> anyhow::Result<Input> {
    let functions = plugin.functions();
    let wanted = options.function.as_str();
    let is_told = functions.iter().any(|function| function.name == wanted);
    let is_exported = plugin
        .exports()
        .iter()
        .any(|export| export.name == wanted || export.name.rsplit('#').next() == Some(wanted));
    match (is_told, is_exported) {
        (true, _) => Ok(Input::Bytes(bytes.unwrap_or_default())),
        (false, true) => {
            let bytes = bytes.unwrap_or_else(|| b"[]".to_vec());
            let value = serde_json::from_slice(&bytes).map_err(|error| {
                report::with_hint(
                    format!("the input of `{wanted}` is not JSON: {error}"),
                    "give a JSON array of the arguments, for example `--input '[1, 2]'`; `isopod inspect` shows their types",
                )
            })?;
            Ok(Input::Typed(value))
        }
        (false, false) => Err(report::with_hint(
            format!("`{}` has no function `{wanted}`", Line(&plugin.name())),
            match functions.is_empty() {
                true => "`isopod inspect` lists its exports".to_owned(),
                false => {
                    let names = functions.iter();
                    let names: Vec<String> = names
                        .take(NAMED_FUNCTIONS)
                        .map(|function| Line(&function.name).to_string())
                        .collect();
                    format!("it has: {}", names.join(", "))
                }
            },
        )),
    }
}

fn once(options: &CallArgs, plugin: &Plugin, input: &Input, printer: &Printer) -> u8 {
    let called = match input {
        Input::Bytes(bytes) => plugin
            .call_here(&options.function, bytes, &[])
            .map(|output| output.bytes),
        Input::Typed(value) => plugin
            .call_typed_here(&options.function, value)
            .map(|output| format!("{output}\n").into_bytes()),
    };
    match called {
        Ok(mut bytes) => {
            let mut stdout = std::io::stdout();
            if stdout.is_terminal() && !bytes.is_empty() && !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            // An error means that the reader is gone.
            let _ = stdout.write_all(&bytes).and_then(|()| stdout.flush());
            0
        }
        Err(error) => {
            let code = exit_code::of_call(error.kind());
            print_error(error, printer);
            code
        }
    }
}

fn print_error(error: Error, printer: &Printer) {
    let kind = error.kind();
    let error = anyhow::Error::new(error).context(format!("the call failed: {}", kind.as_str()));
    printer.error(&Report::from(&error));
}

/// Calls the function many times and prints statistics.
fn load(
    options: &CallArgs,
    plugin: &Plugin,
    input: &Input,
    calls: u64,
    callers: u16,
    printer: &Printer,
) -> anyhow::Result<u8> {
    let pool = PluginPool::new(plugin)?;
    let (begun, first_error) = (AtomicU64::new(0), Mutex::new(None));
    let call = || match input {
        Input::Bytes(bytes) if options.here => {
            plugin.call_here(&options.function, bytes, &[]).map(drop)
        }
        Input::Bytes(bytes) => pool.call(&options.function, bytes.as_slice()).map(drop),
        Input::Typed(value) => plugin.call_typed_here(&options.function, value).map(drop),
    };
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                while begun.fetch_add(1, Ordering::Relaxed) < calls {
                    if let Err(error) = call()
                        && let Ok(mut first) = first_error.lock()
                    {
                        first.get_or_insert(error);
                    }
                }
            });
        }
    });
    let elapsed = start.elapsed();
    let statistics = plugin.statistics();
    printer.result(&table::calls(&statistics, elapsed));
    let failed: u64 = statistics.failures.values().sum();
    let first = first_error.into_inner().ok().flatten();
    let code = first.map(|error| {
        let code = exit_code::of_call(error.kind());
        print_error(error, printer);
        code
    });
    Ok(code.unwrap_or_else(|| u8::from(failed > 0)))
}
