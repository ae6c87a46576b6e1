//! Compiled code on disk.
//!
//! An entry is named by a hash of the component, of the engine's settings and of the versions that
//! made it, so a changed setting never meets old code. It is written to a temporary file and
//! renamed: a reader sees all of it or nothing, and code that is mapped by a running process is
//! never overwritten.
//!
//! What is in the directory is run as native code, so it must belong to the user alone: the
//! directory is made with mode 0700, and one that others can write to is not used.

#![allow(
    unsafe_code,
    reason = "loading compiled code is unsafe: see the three blocks"
)]

use crate::compile;
use crate::error::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder};
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

/// A directory of compiled code.
#[derive(Debug)]
pub(crate) struct CodeCache {
    directory: PathBuf,
}

impl CodeCache {
    /// Uses a directory, which is made if it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be made; [`ErrorKind::AccessDenied`] if others than its
    /// owner, or an owner other than this user, could put code into it.
    pub(crate) fn open(directory: PathBuf) -> Result<CodeCache> {
        let failed = |error: io::Error| {
            let text = format!(
                "the cache directory `{}` cannot be used",
                directory.display()
            );
            Error::new(ErrorKind::Io, text).with_cause(error)
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(failed)?;
        let metadata = fs::metadata(&directory).map_err(failed)?;
        let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
        if !is_ours || metadata.permissions().mode() & 0o022 != 0 {
            return Err(Error::new(
                ErrorKind::AccessDenied,
                format!(
                    "the cache directory `{}` must belong to you and be writable by nobody else, since what is in it is run as native code",
                    directory.display()
                ),
            ));
        }
        Ok(CodeCache { directory })
    }

    /// The compiled form of a program: from the cache, or compiled and put there.
    ///
    /// A cache that fails costs time, never correctness: its troubles are logged only.
    ///
    /// # Errors
    /// What the compiler says of the program.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
        compile: impl FnOnce() -> Result<Component>,
    ) -> Result<Component> {
        let path = self.directory.join(file_name(engine, bytes));
        if let Some(component) = self.kept(engine, &path) {
            return Ok(component);
        }
        let component = compile()?;
        match component.serialize() {
            Ok(code) => {
                if let Err(error) = self.write(&path, &code) {
                    tracing::warn!(%error, ?path, "compiled code could not be kept");
                }
            }
            Err(error) => tracing::warn!(%error, "compiled code could not be serialised"),
        }
        Ok(component)
    }

    /// The compiled form of the component in a file of this identity, if [`note`](Self::note) was told
    /// of it: the file need not be read, nor its contents be hashed (20 ms for one of 30 MB).
    pub(crate) fn component_of_file(&self, engine: &Engine, identity: &str) -> Option<Component> {
        let name = fs::read_to_string(self.note_path(engine, identity)).ok()?;
        // Only a name: a note leads to nothing outside of the directory.
        let path = self.directory.join(Path::new(&name).file_name()?);
        self.kept(engine, &path)
    }

    /// Notes that the file of this identity holds the component of these bytes.
    pub(crate) fn note(&self, engine: &Engine, identity: &str, bytes: &[u8]) {
        let path = self.note_path(engine, identity);
        if let Err(error) = self.write(&path, file_name(engine, bytes).as_bytes()) {
            tracing::warn!(%error, ?path, "a note of compiled code could not be kept");
        }
    }

    fn note_path(&self, engine: &Engine, identity: &str) -> PathBuf {
        let settings = settings(engine);
        self.directory.join(format!("{identity}-{settings}.note"))
    }

    fn kept(&self, engine: &Engine, path: &Path) -> Option<Component> {
        if !path.exists() {
            return None;
        }
        // SAFETY: the file was written by `write` below (under its final name only once it
        // was whole), into a directory that only this user can write to, and its name holds
        // the hash of the engine's settings.
        match unsafe { Component::deserialize_file(engine, path) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%error, ?path, "compiled code could not be loaded");
                None
            }
        }
    }

    fn write(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        io::Write::write_all(&mut file, code)?;
        file.persist(path)?;
        Ok(())
    }
}

/// Loads code that was compiled before.
///
/// # Safety
/// The file is native code and runs with all rights of this process: it must come from
/// [`Program::precompile`](crate::Program::precompile) and from somebody who is trusted.
pub(crate) unsafe fn load(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: passed on to the caller.
    unsafe { Component::deserialize_file(engine, path) }
}

/// Loads what a process of the compiler has just given.
pub(crate) fn load_compiled(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the embedder has named the compiler that made it, and it came through a file that only that process and
    // this one have had. It is trusted as the compiler in this process is: no more can be said of its code either.
    unsafe { Component::deserialize(engine, code) }
}

fn file_name(engine: &Engine, bytes: &[u8]) -> String {
    let content = Sha256::digest(bytes);
    let content: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{content}-{}.cwasm", settings(engine))
}

/// A hash of the engine's settings and of the versions that compile.
fn settings(engine: &Engine) -> String {
    let mut settings = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    compile::VERSION.hash(&mut settings);
    format!("{:016x}", settings.finish())
}
