//! `wasi:filesystem/types`: each operation is wasmtime-wasi's, called on a thread where it may block,
//! with a copy of the descriptor in a table of its own.

use super::streams::{FileInput, Place};
use crate::guest::State;
use crate::limit_kind::LimitKind;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream,
    ErrorCode, Filesize, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp,
    OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

impl HostDescriptor for State {
    async fn advise(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FsResult<()> {
        self.on(descriptor, async move |files, descriptor| {
            files.advise(descriptor, offset, length, advice).await
        })
        .await
    }

    async fn sync_data(&mut self, descriptor: Resource<Descriptor>) -> FsResult<()> {
        self.on(descriptor, async |files, descriptor| {
            files.sync_data(descriptor).await
        })
        .await
    }

    async fn get_flags(&mut self, descriptor: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.on(descriptor, async |files, descriptor| {
            files.get_flags(descriptor).await
        })
        .await
    }

    async fn get_type(&mut self, descriptor: Resource<Descriptor>) -> FsResult<DescriptorType> {
        if let Descriptor::Dir(_) = &self.held(&descriptor)?.descriptor {
            return Ok(DescriptorType::Directory);
        }
        self.on(descriptor, async |files, descriptor| {
            files.get_type(descriptor).await
        })
        .await
    }

    async fn set_size(&mut self, descriptor: Resource<Descriptor>, size: Filesize) -> FsResult<()> {
        self.set_size_counted(descriptor, size).await
    }

    async fn set_times(
        &mut self,
        descriptor: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        self.on(descriptor, async move |files, descriptor| {
            files.set_times(descriptor, accessed, modified).await
        })
        .await
    }

    async fn read(
        &mut self,
        descriptor: Resource<Descriptor>,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        self.on(descriptor, async move |files, descriptor| {
            files.read(descriptor, length, offset).await
        })
        .await
    }

    async fn write(
        &mut self,
        descriptor: Resource<Descriptor>,
        bytes: Vec<u8>,
        offset: Filesize,
    ) -> FsResult<Filesize> {
        self.write_counted(descriptor, bytes, offset).await
    }

    async fn read_directory(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        self.entries(descriptor).await
    }

    async fn sync(&mut self, descriptor: Resource<Descriptor>) -> FsResult<()> {
        self.on(descriptor, async |files, descriptor| {
            files.sync(descriptor).await
        })
        .await
    }

    async fn create_directory_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let asked = self.asked(&descriptor, &path, true);
        let result = self.create_directory_at_counted(descriptor, path).await;
        self.told(asked, result)
    }

    async fn stat(&mut self, descriptor: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        self.on(descriptor, async |files, descriptor| {
            files.stat(descriptor).await
        })
        .await
    }

    async fn stat_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let asked = self.asked(&descriptor, &path, false);
        let result = self.on(descriptor, async move |files, descriptor| {
            files.stat_at(descriptor, path_flags, path).await
        });
        let result = result.await;
        self.told(asked, result)
    }

    async fn set_times_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let asked = self.asked(&descriptor, &path, true);
        let result = self.on(descriptor, async move |files, descriptor| {
            files
                .set_times_at(descriptor, path_flags, path, accessed, modified)
                .await
        });
        let result = result.await;
        self.told(asked, result)
    }

    async fn link_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        new_descriptor: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let asked = self.asked(&descriptor, &path, true);
        let result = self
            .link_at_counted(descriptor, path_flags, path, new_descriptor, new_path)
            .await;
        self.told(asked, result)
    }

    async fn open_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let making = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let changes = open_flags.intersects(making) || flags.contains(DescriptorFlags::WRITE);
        let asked = self.asked(&descriptor, &path, changes);
        let result = self
            .open_at_counted(descriptor, path_flags, path, open_flags, flags)
            .await;
        self.told(asked, result)
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> wasmtime::Result<()> {
        Ok(self.close(&descriptor)?)
    }

    async fn readlink_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
    ) -> FsResult<String> {
        let asked = self.asked(&descriptor, &path, false);
        let result = self.on(descriptor, async move |files, descriptor| {
            files.readlink_at(descriptor, path).await
        });
        let result = result.await;
        self.told(asked, result)
    }

    async fn remove_directory_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let asked = self.asked(&descriptor, &path, true);
        let result = self.on(descriptor, async move |files, descriptor| {
            files.remove_directory_at(descriptor, path).await
        });
        let result = result.await;
        self.told(asked, result)
    }

    async fn rename_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
        new_descriptor: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let asked = self.asked(&descriptor, &path, true);
        let result = self
            .rename_at_counted(descriptor, path, new_descriptor, new_path)
            .await;
        self.told(asked, result)
    }

    async fn symlink_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        target: String,
        path: String,
    ) -> FsResult<()> {
        let asked = self.asked(&descriptor, &path, true);
        let result = self.symlink_at_counted(descriptor, target, path).await;
        self.told(asked, result)
    }

    async fn unlink_file_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let asked = self.asked(&descriptor, &path, true);
        let result = self.on(descriptor, async move |files, descriptor| {
            files.unlink_file_at(descriptor, path).await
        });
        let result = result.await;
        self.told(asked, result)
    }

    fn read_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        let held = self.held(&descriptor)?;
        let Descriptor::File(file) = &held.descriptor else {
            return Err(ErrorCode::IsDirectory.into());
        };
        let stream = FileInput::new(&file.file, held, offset, &self.operations);
        let stream: DynInputStream = Box::new(stream);
        Ok(self.push(stream)?)
    }

    fn write_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.output(&descriptor, Place::Position(offset))
    }

    fn append_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.output(&descriptor, Place::End)
    }

    async fn is_same_object(
        &mut self,
        a: Resource<Descriptor>,
        b: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        let other = self.held(&b)?.clone();
        let is_same = self.on(a, async move |files, descriptor| {
            let held = other;
            let other = files.table.push(held.descriptor.clone())?;
            files
                .is_same_object(descriptor, other)
                .await
                .map_err(FsError::trap)
        });
        is_same.await.map_err(|error| match error.downcast() {
            // The call cannot return an error of this kind.
            Ok(code) => self.stop_at(
                LimitKind::FileOperations,
                format!("two files could not be compared: {code}"),
            ),
            Err(error) => error,
        })
    }

    async fn metadata_hash(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<MetadataHashValue> {
        self.on(descriptor, async |files, descriptor| {
            files.metadata_hash(descriptor).await
        })
        .await
    }

    async fn metadata_hash_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        let asked = self.asked(&descriptor, &path, false);
        let result = self.on(descriptor, async move |files, descriptor| {
            files.metadata_hash_at(descriptor, path_flags, path).await
        });
        let result = result.await;
        self.told(asked, result)
    }
}

impl HostDirectoryEntryStream for State {
    async fn read_directory_entry(
        &mut self,
        entries: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.next_entry(entries).await
    }

    fn drop(&mut self, entries: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.close_entries(&entries)
    }
}
