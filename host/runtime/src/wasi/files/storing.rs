//! Operations of `wasi:filesystem` that store something: each is counted before it is performed, and a file
//! that was not made does not count.

use super::held::Held;
use super::open::{self, Wanted};
use super::room::Full;
use super::streams::{Place, count_write};
use super::{QUOTA, REFUSED_DESCRIPTOR, links};
use crate::guest::State;
use rustix::io::Errno;
use std::io;
use std::sync::Arc;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, Filesize, HostDescriptor as _, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};

impl State {
    pub(super) async fn create_directory_at_counted(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let room = self.held(&descriptor)?.room.clone();
        self.on(descriptor, async move |files, descriptor| {
            let made = room.make().map_err(|Full| QUOTA)?;
            files.create_directory_at(descriptor, path).await?;
            made.keep();
            Ok(())
        })
        .await
    }

    pub(super) async fn link_at_counted(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        new_descriptor: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let other = self.held(&new_descriptor)?.clone();
        self.on(descriptor, async move |files, descriptor| {
            // Moves all of it here, so that it counts until the operation has returned.
            let other = other;
            if let (Descriptor::Dir(from), Descriptor::Dir(to)) =
                (files.table.get(&descriptor)?, &other.descriptor)
            {
                links::check_moved(from, &path, to, &new_path)?;
            }
            let made = other.room.make().map_err(|Full| QUOTA)?;
            let to = files.table.push(other.descriptor.clone())?;
            files
                .link_at(descriptor, path_flags, path, to, new_path)
                .await?;
            made.keep();
            Ok(())
        })
        .await
    }

    pub(super) async fn open_at_counted(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let takes_special_files = self.process.birth.rights.special_files;
        let taken = self.take_descriptor().ok_or(REFUSED_DESCRIPTOR)?;
        let room = self.held(&descriptor)?.room.clone();
        let wanted = Wanted {
            path,
            path_flags,
            open_flags,
            flags,
        };
        let opened = self.on(descriptor, async move |files, descriptor| {
            let held = |descriptor, room| Held {
                descriptor,
                room,
                taken: Some(Arc::new(taken)),
            };
            if !takes_special_files
                && let Descriptor::Dir(directory) = files.table.get(&descriptor)?
                && let Some(opened) = open::ordinary(directory, &wanted, &room)?
            {
                return Ok(held(opened, room));
            }
            let (at, path) = (Resource::new_borrow(descriptor.rep()), wanted.path.clone());
            let found = files.stat_at(at, path_flags, path).await;
            if let Ok(found) = &found
                && !takes_special_files
            {
                open::check_type(found)?;
            }
            // A file that is not there is to be made.
            let makes = open_flags.contains(OpenFlags::CREATE) && found.is_err();
            let made = makes.then(|| room.make()).transpose();
            let made = made.map_err(|Full| QUOTA)?;
            let opened = files
                .open_at(descriptor, path_flags, wanted.path, open_flags, flags)
                .await?;
            if let Some(made) = made {
                made.keep();
            }
            let opened = files.table.delete(opened)?;
            open::check_opened(&opened)?;
            Ok(held(opened, room))
        });
        let opened = opened.await?;
        Ok(self.put(opened)?)
    }

    pub(super) async fn rename_at_counted(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
        new_descriptor: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let other = self.held(&new_descriptor)?.clone();
        let room = self.held(&descriptor)?.room.clone();
        self.on(descriptor, async move |files, descriptor| {
            // Moves all of it here, so that it counts until the operation has returned.
            let other = other;
            if let (Descriptor::Dir(from), Descriptor::Dir(to)) =
                (files.table.get(&descriptor)?, &other.descriptor)
            {
                links::check_moved(from, &path, to, &new_path)?;
            }
            let brought = other.room.take_from(&room).map_err(|Full| QUOTA)?;
            let to = files.table.push(other.descriptor.clone())?;
            files.rename_at(descriptor, path, to, new_path).await?;
            brought.keep();
            Ok(())
        })
        .await
    }

    pub(super) async fn symlink_at_counted(
        &mut self,
        descriptor: Resource<Descriptor>,
        target: String,
        path: String,
    ) -> FsResult<()> {
        let room = self.held(&descriptor)?.room.clone();
        self.on(descriptor, async move |files, descriptor| {
            if let Descriptor::Dir(directory) = files.table.get(&descriptor)? {
                links::check_new(directory, &path, &target)?;
            }
            let made = room.make().map_err(|Full| QUOTA)?;
            let length = u64::try_from(target.len()).unwrap_or(u64::MAX);
            room.write(length).map_err(|Full| QUOTA)?;
            files.symlink_at(descriptor, target, path).await?;
            made.keep();
            Ok(())
        })
        .await
    }

    pub(super) async fn set_size_counted(
        &mut self,
        descriptor: Resource<Descriptor>,
        size: Filesize,
    ) -> FsResult<()> {
        let room = self.held(&descriptor)?.room.clone();
        self.on(descriptor, async move |files, descriptor| {
            if room.counts_bytes() {
                let now = files.stat(Resource::new_borrow(descriptor.rep())).await?;
                let grows_by = size.saturating_sub(now.size);
                room.write(grows_by).map_err(|Full| QUOTA)?;
            }
            files.set_size(descriptor, size).await
        })
        .await
    }

    pub(super) async fn write_counted(
        &mut self,
        descriptor: Resource<Descriptor>,
        bytes: Vec<u8>,
        offset: Filesize,
    ) -> FsResult<Filesize> {
        let room = self.held(&descriptor)?.room.clone();
        self.on(descriptor, async move |files, descriptor| {
            if let Descriptor::File(file) = files.table.get(&descriptor)? {
                let place = Place::Position(offset);
                count_write(&room, &file.file, place, bytes.len()).map_err(told)?;
            }
            files.write(descriptor, bytes, offset).await
        })
        .await
    }
}

/// The error for a guest that could not write.
fn told(error: io::Error) -> FsError {
    match Errno::from_io_error(&error) {
        Some(Errno::DQUOT) => QUOTA.into(),
        _ => error.into(),
    }
}
