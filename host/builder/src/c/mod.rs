//! C: programs and plugins. They are compiled with the library of `guest/c`, which stands on the code that
//! wit-bindgen generates from the WIT.
//!
//! The library is compiled once for each compiler and kept. After that, a build only compiles the program's
//! own files.

mod compiler;

use crate::cache::{Cache, cannot_write};
use crate::language::{Kind, Source};
use crate::rust::source::refuse_home;
use crate::sandbox::Sandbox;
use crate::sdk::short_hash;
use crate::stderr::{Told, forward};
use crate::temporary::Temporary;
use crate::tool::{last_lines, output_of};
use crate::{Error, ErrorKind, Options, file, links, stage};
use compiler::Compiler;
use std::fs;
use std::io::{self, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// The library and the generated code, by path: `guest/c/isopod.h`, `program/wit.c`. The build script makes
/// this list.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/c_files.rs"));

/// Builds a program or plugin into a core module.
pub(crate) fn build(
    cache: &Cache,
    source: &Source,
    options: &Options,
    announce: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, Error> {
    let mut sandbox = Sandbox::for_source(cache, options)?;
    let directory = source.main.parent().unwrap_or(&source.main);
    let main = source.main.file_name().unwrap_or_default();
    let files: Vec<String> = if source.is_directory {
        if !options.trust {
            refuse_home(directory, &options.unread)?;
            let mut roots = vec![directory.to_owned()];
            roots.extend(options.read_source.iter().cloned());
            links::check_entries(directory, &options.read_source)?.check(&roots)?;
        }
        sandbox = sandbox.read(directory);
        let files = stage::files(source, "c", "", options)?;
        files.into_iter().map(|(name, _)| name).collect()
    } else {
        // The sandbox does not get the file's directory, which may be anything: a home, or the one for
        // temporary files.
        let headers = headers(directory);
        headers
            .iter()
            .try_for_each(|header| links::check_size(header))?;
        if !options.trust {
            for also in &options.read_source {
                links::check_entries(also, &[])?;
            }
        }
        sandbox = sandbox.read(&source.main).read_all(headers);
        vec![main.to_string_lossy().into_owned()]
    };
    let compiler = compiler::find(cache, options.install, announce)?;
    let library = library(cache, &compiler, source.kind, announce)?;
    let temporary = Temporary::new(cache)?;
    let output = temporary.path().join("module.wasm");
    let kept = cache.directory("c/zig-cache")?;
    let sandbox = compiler
        .grant(sandbox, &kept)
        .read_all(&options.read_source)
        .read(&library)
        .write(temporary.path());
    let mut command = compiler.command(&sandbox);
    command.env("ZIG_GLOBAL_CACHE_DIR", &kept);
    // File names are relative, so that no path of this machine gets into the module.
    command.current_dir(directory);
    // Programs too: see `program.c`.
    command.arg("-mexec-model=reactor");
    command.args(["-O2", if options.quiet { "-w" } else { "-Wall" }, "-I"]);
    command.arg(&library);
    // The `./` keeps the compiler from taking a name that begins with a hyphen for an option.
    command.args(files.iter().map(|name| format!("./{name}")));
    command.args(objects(&library));
    command.args(["-lm", "-o"]).arg(&output);
    if io::stderr().is_terminal() {
        // The compiler sees a pipe, so it would not colour by itself.
        command.arg("-fcolor-diagnostics");
    }
    command.stdout(Stdio::null());
    let (status, told) = run(&sandbox, &mut command)?;
    if !status.success() {
        let error = Error::new(
            ErrorKind::Compile,
            format!("`{}` does not compile", source.name),
        );
        return Err(match sandbox.is_closed() {
            true => told.explain(error),
            false => error,
        });
    }
    file::read(&output, file::MOST_MODULE_BYTES)
}

/// Runs the compiler, and copies its messages to standard error as they come.
fn run(sandbox: &Sandbox, command: &mut Command) -> Result<(ExitStatus, Told), Error> {
    let running = sandbox.spawn(command.stderr(Stdio::piped()));
    let mut running = running.map_err(|error| {
        Error::new(ErrorKind::Toolchain, "the C compiler cannot be run").because(error)
    })?;
    let told = match running.child.stderr.take() {
        // If printing fails, the messages are lost, but the status still holds.
        Some(errors) => forward(BufReader::new(errors), &mut io::stderr()).unwrap_or_default(),
        None => Told::default(),
    };
    Ok((running.wait()?, told))
}

/// The directory with the header and the objects of the library, compiled by this compiler.
fn library(
    cache: &Cache,
    compiler: &Compiler,
    kind: Kind,
    announce: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    let mut parts = FILES.to_vec();
    let description = compiler.description();
    parts.push((kind.name(), description.as_bytes()));
    let name = format!("{}-{}", kind.name(), short_hash(&parts));
    let parent = cache.directory("c")?;
    let library = parent.join(&name);
    if library.is_dir() {
        return Ok(library);
    }
    let _lock = cache.lock(&format!("c-{name}"), || {
        announce("waits for another build of the library for C");
    })?;
    if library.is_dir() {
        return Ok(library);
    }
    announce("builds the library for C, once (seconds)");
    let temporary = Temporary::new(cache)?;
    let files: Vec<(String, Vec<u8>)> = FILES
        .iter()
        .filter_map(|(name, content)| Some((place(name, kind)?.to_owned(), content.to_vec())))
        .collect();
    stage::write(temporary.path(), &files)?;
    for (name, _) in &files {
        let Some(stem) = name.strip_suffix(".c") else {
            continue;
        };
        let mut command = compiler.command(&Sandbox::open());
        command.current_dir(temporary.path());
        command.args(["-O2", "-I", ".", "-c", name, "-o"]);
        command.arg(format!("{stem}.o"));
        output_of(&mut command).map_err(|said| {
            Error::new(
                ErrorKind::Toolchain,
                format!("the C compiler cannot build isopod's own `{name}`"),
            )
            .because(last_lines(&said))
        })?;
    }
    fs::rename(temporary.path(), &library).map_err(|error| cannot_write(&library, &error))?;
    Ok(library)
}

/// The place of a file in the library of this kind; none if the file belongs to the other kind.
fn place(name: &str, kind: Kind) -> Option<&str> {
    if let Some(name) = name.strip_prefix("guest/c/") {
        let is_others = match kind {
            Kind::Program => name == "plugin.c",
            Kind::Plugin => name == "program.c",
        };
        return (!is_others).then_some(name);
    }
    name.strip_prefix(kind.name())?.strip_prefix('/')
}

/// The headers beside a single file.
fn headers(directory: &Path) -> Vec<PathBuf> {
    const MOST: usize = 256;
    let mut headers = crate::tool::entries(directory, "");
    headers.retain(|path| {
        let ends = path.extension().is_some_and(|extension| extension == "h");
        // A link would give the build the file that it leads to, which the user has not named.
        ends && fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
    });
    headers.truncate(MOST);
    headers
}

/// The objects of a library.
fn objects(library: &Path) -> Vec<PathBuf> {
    let mut objects = crate::tool::entries(library, "");
    objects.retain(|path| path.extension().is_some_and(|extension| extension == "o"));
    objects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_files() {
        let places = |kind| -> Vec<&str> {
            let names = FILES.iter().map(|(name, _)| *name);
            names.filter_map(|name| place(name, kind)).collect()
        };
        for kind in [Kind::Program, Kind::Plugin] {
            let places = places(kind);
            for name in [
                "isopod.h",
                "pool.c",
                "wit.c",
                "wit.h",
                "wit_component_type.o",
            ] {
                assert!(places.contains(&name), "{name}: {places:?}");
            }
            assert_eq!(places.contains(&"plugin.c"), kind == Kind::Plugin);
            assert_eq!(places.contains(&"program.c"), kind == Kind::Program);
        }
    }
}
