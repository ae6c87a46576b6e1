//! Compiled code on disk.
//!
//! An entry is named by a hash of the component, of the engine's settings and of the versions that
//! made it, so a changed setting never meets old code. It is written to a temporary file and
//! renamed: a reader sees all of it or nothing, and code that is mapped by a running process is
//! never overwritten.
//!
//! What is in the directory is run as native code, so it must belong to the user alone (it is made with mode 0700, and
//! one that others can write to is not used), and it need not be believed: each entry and each note carries a
//! code that only the holder of a key makes, which lies elsewhere (`key`, `seal`). What has none, or that of another
//! entry, another key or other contents, is compiled anew.

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

/// The permissions of what is written: nobody opens it to write, so what is mapped stays as it is.
const MODE: u32 = 0o400;

/// What codes of notes are of.
const NOTE: &[u8] = b"isopod code note 2";

/// A note has a name, a number and a code, which together have less than this.
const LARGEST_NOTE_BYTES: u64 = 512;

/// A directory of compiled code.
#[derive(Debug)]
pub(crate) struct CodeCache {
    directory: PathBuf,
    key: Key,
}

impl CodeCache {
    /// Uses a directory and a key, which are made if they are missing.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if they cannot be made; [`ErrorKind::AccessDenied`] if others than their
    /// owner, or an owner other than this user, could put code into it or read the key, or if the key lies in the
    /// directory.
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
                    "the cache directory `{}` must belong to you and be writable by nobody else, since what is in it is run as native code",
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
                    "the key of the cache `{}` lies in the cache, where whoever writes entries could read it",
                    key_file.display()
                ),
            ));
        }
        Ok(CodeCache { directory, key })
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
        let name = file_name(engine, bytes);
        if let Some(component) = self.kept(engine, &name) {
            return Ok(component);
        }
        let component = compile()?;
        match component.serialize() {
            Ok(code) => {
                // Code without a seal is compiled anew, so the seal of other code must not stand beside it.
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

    /// The compiled form of the component in a file of this identity, if [`note`](Self::note) was told
    /// of it, and the bytes of its instances: the file need not be read, nor its contents be hashed (20 ms for one of
    /// 30 MB).
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

    /// Notes that the file of this identity holds the component of these bytes, and what the host has in memory for its
    /// instances.
    pub(crate) fn note(&self, engine: &Engine, identity: &str, bytes: &[u8], instance_bytes: u64) {
        let (note_name, name) = (note_name(engine, identity), file_name(engine, bytes));
        let told = format!("{name}\n{instance_bytes}");
        let code = self.key.code(&note_parts(&note_name, &told));
        if let Err(error) = self.write(&note_name, format!("{told}\n{code}").as_bytes()) {
            tracing::warn!(%error, note_name, "a note of compiled code could not be kept");
        }
    }

    /// The component of an entry that is whole and isopod's own.
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
            // Without it the next start takes a little longer.
            let _ = self.write(&format!("{name}.seal"), seal.as_bytes());
        }
        // The file that was looked at, whatever bears its name by now.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // SAFETY: the file was written by `write` below, from what the engine serialised: its seal holds, which
        // takes the key. Its name, which the seal is of, holds the hash of the engine's settings. It has mode 0400 and
        // one link, so it is not written while it is mapped; see `seal` for what that leaves out.
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
        // A file without a lock was left by somebody who has ended, and is swept.
        file.as_file().try_lock()?;
        io::Write::write_all(&mut file, contents)?;
        file.persist(self.directory.join(name))?;
        Ok(())
    }
}

/// What the code of a note is of.
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

#[cfg(test)]
mod tests;
