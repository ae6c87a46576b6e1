//! JavaScript: programs and plugins. componentize-js, which contains the engine, makes them components.
//!
//! npm installs componentize-js into the cache. node and npm themselves are not installed: the build uses
//! those of the machine.

use crate::cache::Cache;
use crate::language::{Kind, Source};
use crate::sandbox::Sandbox;
use crate::temporary::{PLACE_IN_JAVASCRIPT, Temporary};
use crate::tool::{self, last_lines, output_of};
use crate::{Error, ErrorKind, Options, environment, file, stage};
use std::path::{Path, PathBuf};

/// The package that contains the engine. Another version has another engine.
const COMPONENTIZE_JS: &str = "@bytecodealliance/componentize-js@0.23.0";

/// Its directory in the cache.
const DIRECTORY: &str = "js/componentize-js-0.23.0";

/// The oldest version of node that componentize-js is known to run on.
const NODE: u32 = 18;

/// The binding and the WIT, by path in the workspace. The build script makes this list.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/javascript_files.rs"));

/// Builds a program or plugin.
pub(crate) fn build(
    cache: &Cache,
    source: &Source,
    options: &Options,
    announce: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, Error> {
    let sandbox = Sandbox::for_source(cache, options)?;
    let main = match source.main.file_name().and_then(|name| name.to_str()) {
        // The file keeps its name, because errors show it, unless the name would hide one of isopod's own
        // files.
        Some(name) if !name.starts_with("isopod") => name.to_owned(),
        _ => format!("{}.js", source.kind.name()),
    };
    let modules = stage::files(source, "js", &main, options)?;
    let parts = stage::parts(FILES, COMPONENTIZE_JS, source, &modules);
    stage::cached(cache, &parts, announce, |announce| {
        let installed = componentize_js(cache, options.install, announce)?;
        announce("builds with componentize-js (half a minute)");
        make(sandbox, &installed, source, &main, &modules)
    })
}

/// The directory from which componentize-js can be imported.
fn componentize_js(
    cache: &Cache,
    may_install: bool,
    announce: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    let lacks = |text: String, said: String| {
        Error::new(ErrorKind::Toolchain, text)
            .because(last_lines(&said))
            .with_hint(format!(
                "install Node.js {NODE} or later with npm (Debian: nodejs, npm); it is needed for \
                 builds, programs run without it"
            ))
    };
    let version = output_of(tool::command("node").arg("--version")).map_err(|said| {
        lacks(
            "there is no `node` to build JavaScript with".to_owned(),
            said,
        )
    })?;
    let major: Option<u32> = version
        .strip_prefix('v')
        .and_then(|version| version.split('.').next()?.parse().ok());
    if major.is_none_or(|major| major < NODE) {
        return Err(lacks(
            "the `node` of this machine is too old".to_owned(),
            version,
        ));
    }
    let directory = cache.directory(DIRECTORY)?;
    if environment::is_complete(&directory) {
        return Ok(directory);
    }
    if !may_install {
        return Err(environment::not_installed(COMPONENTIZE_JS));
    }
    let _lock = cache.lock("componentize-js", || {
        announce("waits for another build that installs componentize-js");
    })?;
    if environment::is_complete(&directory) {
        return Ok(directory);
    }
    announce(&format!(
        "installs `{COMPONENTIZE_JS}` with npm into `{}`",
        directory.display()
    ));
    environment::remove(&directory.join("node_modules"))?;
    let mut command = tool::command("npm");
    command
        .current_dir(&directory)
        .args([
            "install",
            // No installed package may run code during the installation.
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--silent",
        ])
        .args(["--no-package-lock", "--prefix", ".", COMPONENTIZE_JS]);
    output_of(&mut command).map_err(|said| {
        if tool::command("npm").arg("--version").output().is_err() {
            return lacks(
                "there is no `npm` to install componentize-js with".to_owned(),
                said,
            );
        }
        Error::new(
            ErrorKind::Toolchain,
            format!("`{COMPONENTIZE_JS}` cannot be installed"),
        )
        .because(last_lines(&said))
        .with_hint("npm must reach its registry, or a mirror that its settings name")
    })?;
    environment::mark_complete(&directory)?;
    Ok(directory)
}

/// Makes the component in a directory of its own, below the directory of componentize-js.
fn make(
    sandbox: Sandbox,
    installed: &Path,
    source: &Source,
    main: &str,
    modules: &[(String, Vec<u8>)],
) -> Result<Vec<u8>, Error> {
    let temporary = Temporary::new_in(&installed.join(PLACE_IN_JAVASCRIPT))?;
    let mut files: Vec<(String, Vec<u8>)> = modules
        .iter()
        .map(|(name, text)| (format!("source/{name}"), text.clone()))
        .collect();
    for (name, content) in FILES {
        let door = format!("guest/js/{}.js", source.kind.name());
        let content = if *name == door {
            // A JSON string is a JavaScript string, so this quotes any name correctly. The file has the
            // quotes already.
            let quoted = serde_json::to_string(main).unwrap_or_default();
            String::from_utf8_lossy(content)
                .replace("PROGRAM", quoted.trim_matches('"'))
                .into_bytes()
        } else {
            content.to_vec()
        };
        files.push((place(name), content));
    }
    stage::write(temporary.path(), &files)?;
    let entry = match source.kind {
        Kind::Program => "source/isopod-program.js",
        Kind::Plugin => "source/isopod-plugin.js",
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let node = tool::all_named(&std::env::split_paths(&path).collect::<Vec<_>>(), "node");
    let node = node.first().and_then(|node| node.canonicalize().ok());
    let sandbox = sandbox
        .read_all(node.as_deref().and_then(environment::prefix_of))
        .read_all(node)
        .read(installed)
        .write(temporary.path());
    let mut command = sandbox.command("node");
    command.current_dir(temporary.path()).args([
        "build.mjs",
        entry,
        "wit",
        source.kind.name(),
        "component.wasm",
    ]);
    sandbox.output_of(&mut command).map_err(|said| {
        Error::new(
            ErrorKind::Compile,
            format!("componentize-js cannot build `{}`", source.name),
        )
        .because(what_node_said(&said))
    })?;
    let output = temporary.path().join("component.wasm");
    file::read(&output, file::MOST_MODULE_BYTES)
}

/// The place where componentize-js expects a file of the workspace.
fn place(name: &str) -> String {
    match name {
        "guest/js/build.js" => "build.mjs".to_owned(),
        "guest/js/isopod.js" => "source/isopod.js".to_owned(),
        "guest/js/program.js" => "source/isopod-program.js".to_owned(),
        "guest/js/plugin.js" => "source/isopod-plugin.js".to_owned(),
        _ => match (
            name.strip_prefix("wit/"),
            name.strip_prefix("guest/js/world/"),
        ) {
            (Some(rest), _) => format!("wit/deps/multiprocessing/{rest}"),
            (_, Some(rest)) => format!("wit/{rest}"),
            (None, None) => name.to_owned(),
        },
    }
}

/// The error in the source, without node's own frames.
fn what_node_said(said: &str) -> String {
    let engine = said.split_once("Exception while evaluating top-level script\n");
    let said = engine.map_or(said, |(_, rest)| rest);
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim_start().starts_with("at ") && !line.starts_with("Node.js v"))
        .collect();
    last_lines(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_needed_is_carried() {
        let places: Vec<String> = FILES.iter().map(|(name, _)| place(name)).collect();
        for path in [
            "build.mjs",
            "source/isopod.js",
            "source/isopod-program.js",
            "source/isopod-plugin.js",
            "wit/js.wit",
            "wit/deps/wasi-cli/run.wit",
            "wit/deps/multiprocessing/program.wit",
        ] {
            assert!(
                places.iter().any(|place| place == path),
                "{path}: {places:?}"
            );
        }
    }

    #[test]
    fn what_node_says_is_short() {
        let said = "file.js:3\n  x\nSyntaxError: bad\n    at a (b:1)\n\nNode.js v20.0.0\n";
        assert_eq!(what_node_said(said), "file.js:3\n  x\nSyntaxError: bad");
        let said = "a/b.js:3\nException while evaluating top-level script\nx.js:2:1 SyntaxError\n";
        assert_eq!(what_node_said(said), "x.js:2:1 SyntaxError");
    }
}
