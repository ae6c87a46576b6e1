//! Reads directories a few entries at a time. The host keeps only the entries that one small buffer holds,
//! however many the directory has.
//!
//! WASI's names are text. A name that is not UTF-8 is left out, because no guest could open it; the other
//! entries of its directory are still listed.

use super::REFUSED_DESCRIPTOR;
use super::calls::BUSY;
use crate::guest::{Busy, State};
use crate::limits::Taken;
use crate::mutex::lock;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, openat, statat};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode,
};

/// The size of one read from the kernel, in bytes: some fifty entries with short names, or seven with the
/// longest.
const BUFFER_BYTES: usize = 2 << 10;

/// The object in a guest's table for a stream of entries.
struct Entries {
    source: Arc<Source>,
    batch: VecDeque<DirectoryEntry>,
}

/// An open directory, which counts as a descriptor.
struct Source {
    /// Behind a mutex, because each read moves its position.
    directory: Mutex<OwnedFd>,
    _taken: Taken,
}

impl State {
    pub(super) async fn entries(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        let Descriptor::Dir(directory) = &self.held(&descriptor)?.descriptor else {
            return Err(ErrorCode::NotDirectory.into());
        };
        let directory = Arc::clone(&directory.dir);
        let taken = self.take_descriptor().ok_or(REFUSED_DESCRIPTOR)?;
        let opened = self.operations.run(move || Source::open(&directory, taken));
        let source = match opened.await {
            Ok(opened) => opened.map_err(io::Error::from)?,
            Err(Busy) => return Err(BUSY.into()),
        };
        let entries = self.push(Entries {
            source: Arc::new(source),
            batch: VecDeque::new(),
        })?;
        Ok(Resource::new_own(entries.rep()))
    }

    pub(super) async fn next_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let own = Resource::<Entries>::new_borrow(stream.rep());
        let entries = self.table.get_mut(&own)?;
        if entries.batch.is_empty() {
            let source = Arc::clone(&entries.source);
            let batch = match self.operations.run(move || read(&source)).await {
                Ok(batch) => batch?,
                Err(Busy) => return Err(BUSY.into()),
            };
            self.table.get_mut(&own)?.batch = batch;
        }
        Ok(self.table.get_mut(&own)?.batch.pop_front())
    }

    pub(super) fn close_entries(
        &mut self,
        stream: &Resource<DirectoryEntryStream>,
    ) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<Entries>::new_own(stream.rep()))?;
        Ok(())
    }
}

impl Source {
    fn open(directory: &File, taken: Taken) -> rustix::io::Result<Source> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Source {
            directory: Mutex::new(openat(directory, ".", flags, Mode::empty())?),
            _taken: taken,
        })
    }
}

/// The next entries; none at the end.
fn read(source: &Source) -> io::Result<VecDeque<DirectoryEntry>> {
    let directory = lock(&source.directory);
    let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
    let mut entries = RawDir::new(&*directory, &mut buffer);
    let mut batch = VecDeque::new();
    // Takes all entries in the buffer, because the next call begins behind them.
    while batch.is_empty() || !entries.is_buffer_empty() {
        let Some(entry) = entries.next() else { break };
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let Ok(text) = name.to_str() else { continue };
        let kind = match entry.file_type() {
            // Not every file system keeps the type in its directories.
            FileType::Unknown => match statat(&*directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => FileType::from_raw_mode(found.st_mode),
                // It was removed meanwhile.
                Err(_) => continue,
            },
            kind => kind,
        };
        batch.push_back(DirectoryEntry {
            type_: described(kind),
            name: text.to_owned(),
        });
    }
    Ok(batch)
}

fn described(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        _ => DescriptorType::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::limits::EngineDescriptors;
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn what_is_no_text_is_left_out_and_the_others_are_listed() {
        use std::os::unix::ffi::OsStrExt as _;
        let directory = tempfile::tempdir().unwrap();
        for name in [&b"a"[..], b"\xff", b"b\xc3", b"c", b"\xc3\xa9"] {
            let name = std::ffi::OsStr::from_bytes(name);
            fs::write(directory.path().join(name), "").unwrap();
        }
        let engine = EngineDescriptors::new(None, 1).unwrap();
        let opened = File::open(directory.path()).unwrap();
        let source = Source::open(&opened, engine.take(1).unwrap()).unwrap();
        let batch = read(&source).unwrap();
        let names: BTreeSet<&str> = batch.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, BTreeSet::from(["a", "c", "\u{e9}"]));
        assert!(read(&source).unwrap().is_empty());
    }

    #[test]
    fn a_large_directory_comes_in_batches() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..1_000 {
            fs::write(directory.path().join(number.to_string()), "").unwrap();
        }
        fs::create_dir(directory.path().join("directory")).unwrap();
        std::os::unix::fs::symlink("x", directory.path().join("link")).unwrap();
        let engine = EngineDescriptors::new(None, 1).unwrap();
        let opened = File::open(directory.path()).unwrap();
        let source = Source::open(&opened, engine.take(1).unwrap()).unwrap();
        let mut found = Vec::new();
        loop {
            let batch = read(&source).unwrap();
            assert!(batch.len() <= BUFFER_BYTES / 24, "{}", batch.len());
            if batch.is_empty() {
                break;
            }
            found.extend(batch);
        }
        let names: BTreeSet<&str> = found.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!((names.len(), found.len()), (1_002, 1_002));
        let kind = |name: &str| {
            let entry = found.iter().find(|entry| entry.name == name).unwrap();
            entry.type_
        };
        assert_eq!(kind("directory"), DescriptorType::Directory);
        assert_eq!(kind("link"), DescriptorType::SymbolicLink);
        assert_eq!(kind("7"), DescriptorType::RegularFile);
    }
}
