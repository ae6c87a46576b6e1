//! Compiled code on disk.
//!
//! An entry is named by a hash of the component, of the engine's settings and of the versions that made
//! it, so a changed setting never meets old code. It is written to a temporary file and renamed: a reader
//! sees the whole entry or nothing, and code that a running process has mapped is never overwritten.
//!
//! The contents of the directory run as native code, so it must belong to the user alone (it is made with
//! mode 0700, and a directory that others can write to is not used). Nor does isopod trust the contents:
//! each entry and each note carries a code that only the holder of a key can make, and the key lies
//! elsewhere (`key`, `seal`). An entry without such a code, or with that of another entry, another key or
//! other contents, is compiled anew, and such a note is ignored.

#![allow(
    unsafe_code,
    reason = "loading compiled code is unsafe: see the three blocks"
)]

mod key;
mod seal;

pub use key::cache_key_file;

use crate::code::compile;
use crate::error::{Error, ErrorKind, Result};
use key::Key;
use seal::Refusal;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder};
use std::hash::{Hash, Hasher};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The permissions of the files written here: no process opens them to write, so a mapped file stays
/// unchanged.
const MODE: u32 = 0o400;

/// The purpose that the codes of notes cover.
const NOTE: &[u8] = b"isopod code note 2";

/// A note holds a name, a number and a code, which together are shorter than this.
const LARGEST_NOTE_BYTES: u64 = 512;

/// A directory of compiled code.
#[derive(Debug)]
pub(crate) struct CodeCache {
    directory: PathBuf,
    key: Key,
}

impl CodeCache {
    /// Uses a directory and a key, and makes them if they are missing.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if they cannot be made; [`ErrorKind::AccessDenied`] if others than their owner,
    /// or an owner other than this user, could put code into the directory or read the key, or if the key
    /// lies in the directory.
    pub(crate) fn open(directory: PathBuf, key_file: Option<PathBuf>) -> Result<CodeCache> {
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
                    "the cache directory `{}` must belong to you and be writable by nobody else, since isopod runs its contents as native code",
                    directory.display()
                ),
            ));
        }
        let key_file = key_file.or_else(cache_key_file).ok_or_else(|| {
            Error::new(
                ErrorKind::Io,
                "the cache needs a key, and `HOME` is not set: `ISOPOD_STATE` names a directory for it",
            )
        })?;
        let key = Key::open(&key_file)?;
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if real(&key_file).starts_with(real(&directory)) {
            return Err(Error::new(
                ErrorKind::AccessDenied,
                format!(
                    "the key of the cache `{}` lies in the cache, where a writer of entries could read it",
                    key_file.display()
                ),
            ));
        }
        Ok(CodeCache { directory, key })
    }

    /// The compiled form of a program: from the cache, or compiled and put there.
    ///
    /// A cache that fails costs time, never correctness: its failures are only logged.
    ///
    /// # Errors
    /// The compiler's error for the program.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
        compile: impl FnOnce() -> Result<Component>,
    ) -> Result<Component> {
        let name = file_name(engine, bytes);
        if let Some(component) = self.kept(engine, &name) {
            return Ok(component);
        }
        let component = compile()?;
        match component.serialize() {
            Ok(code) => {
                // Code without a seal is compiled anew, so the seal of other code must not lie beside it.
                let written = self.write(&name, &code).and_then(|()| {
                    let seal = seal::of(&self.key, &name, &code);
                    self.write(&format!("{name}.seal"), seal.as_bytes())
                });
                if let Err(error) = written {
                    tracing::warn!(%error, name, "compiled code could not be kept");
                }
            }
            Err(error) => tracing::warn!(%error, "compiled code could not be serialised"),
        }
        Ok(component)
    }

    /// The compiled form of the component in a file of this identity, and the bytes of its instances, if
    /// [`note`](Self::note) has recorded them. The file need not be read, nor its contents hashed (20 ms
    /// for one of 30 MB).
    pub(crate) fn component_of_file(
        &self,
        engine: &Engine,
        identity: &str,
    ) -> Option<(Component, u64)> {
        let note_name = note_name(engine, identity);
        let mut note = String::new();
        let file = isopod_file::open(self.directory.join(&note_name)).ok()?;
        io::Read::read_to_string(&mut io::Read::take(file, LARGEST_NOTE_BYTES), &mut note).ok()?;
        let (told, code) = note.rsplit_once('\n')?;
        if !self.key.is_code(code, &note_parts(&note_name, told)) {
            tracing::warn!(
                note_name,
                "a note of compiled code is not isopod's own, and is not used"
            );
            return None;
        }
        let (name, instance_bytes) = told.split_once('\n')?;
        let instance_bytes = instance_bytes.parse().ok()?;
        Some((self.kept(engine, name)?, instance_bytes))
    }

    /// Records that the file of this identity holds the component of these bytes, and how many bytes of
    /// the host's memory its instances take.
    pub(crate) fn note(&self, engine: &Engine, identity: &str, bytes: &[u8], instance_bytes: u64) {
        let (note_name, name) = (note_name(engine, identity), file_name(engine, bytes));
        let told = format!("{name}\n{instance_bytes}");
        let code = self.key.code(&note_parts(&note_name, &told));
        if let Err(error) = self.write(&note_name, format!("{told}\n{code}").as_bytes()) {
            tracing::warn!(%error, note_name, "a note of compiled code could not be kept");
        }
    }

    /// The component of an entry that is complete and isopod's own.
    fn kept(&self, engine: &Engine, name: &str) -> Option<Component> {
        let (file, better_seal) = match seal::opened(&self.key, &self.directory, name) {
            Ok(opened) => opened,
            Err(Refusal::Missing) => return None,
            Err(Refusal::Broken(reason)) => {
                tracing::warn!(
                    reason,
                    name,
                    "compiled code is not isopod's own, and is compiled anew"
                );
                return None;
            }
        };
        if let Some(seal) = better_seal {
            // If this fails, the next start takes a little longer.
            let _ = self.write(&format!("{name}.seal"), seal.as_bytes());
        }
        // The file that was checked, even if another file has its name by now.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // SAFETY: `write` below wrote the file, from the engine's serialised code: its seal holds, and
        // making a seal takes the key. The seal covers the file's name, which holds the hash of the
        // engine's settings. The file has mode 0400 and one link, so it is not written while it is
        // mapped; see `seal` for the cases that this leaves out.
        match unsafe { Component::deserialize_file(engine, path) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%error, name, "compiled code could not be loaded");
                None
            }
        }
    }

    fn write(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let mode = fs::Permissions::from_mode(MODE);
        let mut file = tempfile::Builder::new()
            .permissions(mode)
            .tempfile_in(&self.directory)?;
        // A file without a lock was left by a process that has ended, and is swept.
        file.as_file().try_lock()?;
        io::Write::write_all(&mut file, contents)?;
        file.persist(self.directory.join(name))?;
        Ok(())
    }
}

/// The parts that the code of a note covers.
fn note_parts<'a>(note_name: &'a str, told: &'a str) -> [&'a [u8]; 3] {
    [NOTE, note_name.as_bytes(), told.as_bytes()]
}

fn note_name(engine: &Engine, identity: &str) -> String {
    format!("{identity}-{}.note", settings(engine))
}

/// Loads code that was compiled before.
///
/// # Safety
/// The file is native code and runs with all rights of this process: it must come from
/// [`Program::precompile`](crate::Program::precompile) and from a trusted party.
pub(crate) unsafe fn load(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: passed on to the caller.
    unsafe { Component::deserialize_file(engine, path) }
}

/// Loads the code that a process of the compiler has just returned.
pub(crate) fn load_compiled(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the embedder has named the compiler that made the code, and the code came through a file
    // that only that process and this one have had. It is trusted as the compiler in this process is:
    // nothing more can be said of the code of that one either.
    unsafe { Component::deserialize(engine, code) }
}

fn file_name(engine: &Engine, bytes: &[u8]) -> String {
    let content = Sha256::digest(bytes);
    let content: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{content}-{}.cwasm", settings(engine))
}

/// A hash of the engine's settings and of the versions that take part in compiling.
fn settings(engine: &Engine) -> String {
    let mut settings = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    compile::VERSION.hash(&mut settings);
    format!("{:016x}", settings.finish())
}

#[cfg(test)]
mod tests;
