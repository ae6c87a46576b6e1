//! The shared parts of builds of C, Python and JavaScript: the files of a source, and the cache of
//! components.

use crate::cache::{Cache, cannot_write, write_if_changed};
use crate::file::MOST_SOURCE_BYTES;
use crate::language::Source;
use crate::sdk::short_hash;
use crate::{Error, ErrorKind, Options, file, links, unreadable};
use std::fs;
use std::path::{Path, PathBuf};

/// The files of a source with this extension, by their paths below its directory. For a single file, only
/// that file, under the name `main`. Directories whose names begin with a dot, `node_modules` and
/// `__pycache__` are left out.
pub(crate) fn files(
    source: &Source,
    extension: &str,
    main: &str,
    options: &Options,
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    if !source.is_directory {
        return Ok(vec![(
            main.to_owned(),
            file::read(&source.main, MOST_SOURCE_BYTES)?,
        )]);
    }
    let root = source.main.parent().unwrap_or(&source.main);
    let mut found = Vec::new();
    let mut left = MOST_SOURCE_BYTES;
    let mut roots = vec![root.to_owned()];
    roots.extend(options.read_source.iter().cloned());
    let roots = (!options.trust).then_some(roots.as_slice());
    collect(root, root, extension, roots, &mut left, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(
    root: &Path,
    directory: &Path,
    extension: &str,
    roots: Option<&[PathBuf]>,
    left: &mut u64,
    found: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Error> {
    let unreadable = |error| unreadable(directory).because(error);
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = entry.path();
        // A link to a directory is not followed, because it may lead in a circle. A link to a file counts as
        // a file.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !name.starts_with('.') && name != "node_modules" && name != "__pycache__" {
                collect(root, &path, extension, roots, left, found)?;
            }
            continue;
        }
        if path.extension().is_none_or(|found| found != extension) || !path.is_file() {
            continue;
        }
        if let (Some(roots), Ok(kind)) = (roots, entry.file_type())
            && kind.is_symlink()
        {
            links::stays_below(&path, roots)?;
        }
        let bytes = file::read(&path, MOST_SOURCE_BYTES)?;
        *left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            Error::new(
                ErrorKind::Source,
                format!(
                    "the sources in `{}` are larger than the limit of {} MiB",
                    root.display(),
                    MOST_SOURCE_BYTES >> 20
                ),
            )
            .with_hint("give the program a directory of its own")
        })?;
        let below = path.strip_prefix(root).unwrap_or(&path);
        found.push((below.to_string_lossy().into_owned(), bytes));
    }
    Ok(())
}

/// Writes files below a directory, and makes the directory if it is missing.
pub(crate) fn write(directory: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Error> {
    for (name, content) in files {
        let path = directory.join(name);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(directory))?;
            fs::write(&path, content)
        };
        write().map_err(|error| cannot_write(&path, &error))?;
    }
    Ok(())
}

/// All parts of a component, for [`cached`]: isopod's own files, the version of the package with the engine,
/// the kind, and the modules of the source.
pub(crate) fn parts<'a>(
    own: &[(&'a str, &'a [u8])],
    version: &'a str,
    source: &Source,
    modules: &'a [(String, Vec<u8>)],
) -> Vec<(&'a str, &'a [u8])> {
    let mut parts = own.to_vec();
    parts.push((version, source.kind.name().as_bytes()));
    parts.extend(modules.iter().map(|(name, text)| (&**name, &**text)));
    parts
}

/// The cached component of the same parts. If there is none, calls `build` and keeps its result.
pub(crate) fn cached(
    cache: &Cache,
    parts: &[(&str, &[u8])],
    announce: &mut dyn FnMut(&str),
    build: impl FnOnce(&mut dyn FnMut(&str)) -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    let hash = short_hash(parts);
    let path = cache.directory("components")?.join(format!("{hash}.wasm"));
    let present = || fs::read(&path).ok();
    if let Some(component) = present() {
        return Ok(component);
    }
    let _lock = cache.lock(&format!("component-{hash}"), || {
        announce("waits for another build of the same source");
    })?;
    if let Some(component) = present() {
        return Ok(component);
    }
    let component = build(announce)?;
    write_if_changed(&path, &component)?;
    Ok(component)
}
