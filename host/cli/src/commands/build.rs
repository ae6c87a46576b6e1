//! `isopod build`: builds source, or a core module, to a component in a file.

use super::source::{self, Source};
use crate::args::BuildArgs;
use crate::printer::Printer;
use crate::private;
use crate::report;
use crate::values::human_bytes;
use crate::written;
use anyhow::Context as _;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Builds a component, writes it, and prints its path and size.
///
/// # Errors
/// If it cannot be built or written.
pub(crate) fn run(options: &BuildArgs, printer: &Printer) -> anyhow::Result<u8> {
    let source = source::kind_of(&options.path)?;
    anyhow::ensure!(
        source != Source::Precompiled,
        "`{}` is already native code and cannot be built",
        options.path.display()
    );
    // Before the build, which may take minutes.
    if let Some(output) = &options.file.output {
        check_output(&options.path, output)?;
    }
    private::sweep_cache();
    let built = source::build(
        &options.path,
        &options.toolchain,
        options.quiet.quiet,
        printer,
    )?;
    let output = match &options.file.output {
        Some(output) => output.clone(),
        None => {
            let output = PathBuf::from(format!("{}.wasm", built.name));
            check_output(&options.path, &output)?;
            output
        }
    };
    write(&output, &built.component)
        .with_context(|| format!("`{}` cannot be written", output.display()))?;
    let size = human_bytes(u64::try_from(built.component.len()).unwrap_or(u64::MAX));
    printer.result(&format!("{} ({size})", output.display()));
    Ok(0)
}

/// Writes a whole file, or to a FIFO that has a reader.
pub(super) fn write(output: &Path, bytes: &[u8]) -> io::Result<()> {
    isopod_file::create(output)?.write_all(bytes)
}

/// Refuses an output that is the source, would replace a file of the source, or cannot be a file.
pub(super) fn check_output(source: &Path, output: &Path) -> anyhow::Result<()> {
    let shown = output.display();
    if output.is_dir() {
        return Err(report::with_hint(
            format!("the output `{shown}` is a directory"),
            "`-o FILE` names the file to write",
        ));
    }
    // A bare file name has the empty parent, which is the current directory.
    if let Some(parent) = output.parent()
        && !parent.as_os_str().is_empty()
        && !parent.is_dir()
    {
        anyhow::bail!(
            "the output `{shown}` cannot be written: there is no directory `{}`",
            parent.display()
        );
    }
    let same = fs::canonicalize(source).ok() == fs::canonicalize(output).ok();
    let directory = written::source_directory(source);
    let is_of_source = directory.is_some_and(|directory| written::lies_in(output, &directory));
    if output.exists() && (same || is_of_source && !is_made(output)) {
        return Err(report::with_hint(
            format!("the output `{shown}` would replace the source"),
            "`-o FILE` names another file",
        ));
    }
    Ok(())
}

/// Whether a file is empty, or a result of isopod: source does not begin like one.
fn is_made(output: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = isopod_file::open(output).and_then(|file| file.take(4).read_to_end(&mut beginning));
    read.is_ok() && [&b""[..], b"\0asm", b"\x7fELF"].contains(&&*beginning)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn outputs_that_cannot_be() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("a.wasm"), "").unwrap();
        let check = |output: &str| {
            check_output(&at("a.wasm"), &at(output)).map_err(|error| error.to_string())
        };
        assert_eq!(check("b.wasm"), Ok(()));
        assert!(
            check("a.wasm")
                .unwrap_err()
                .ends_with("would replace the source")
        );
        assert!(
            check("x/../a.wasm")
                .unwrap_err()
                .contains("there is no directory")
        );
        assert!(check(".").unwrap_err().ends_with("is a directory"));
        assert!(check_output(&at("a.wasm"), Path::new("b.wasm")).is_ok());
        fs::create_dir(at("source")).unwrap();
        for (name, text, is_taken) in [
            ("main.c", "int main(void) {}", false),
            ("empty", "", true),
            ("old.wasm", "\0asm\x0d\0\x01\0", true),
            ("old.cwasm", "\x7fELF\x02", true),
        ] {
            let output = at("source").join(name);
            assert!(check_output(&at("source"), &output).is_ok(), "{name}");
            fs::write(&output, text).unwrap();
            let checked = check_output(&at("source"), &output);
            assert_eq!(checked.is_ok(), is_taken, "{name}");
        }
    }
}
