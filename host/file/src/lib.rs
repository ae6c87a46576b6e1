//! Files whose names a user or a source chose: opened without waiting, and read up to a limit.
//!
//! Such a name can lead to a FIFO without a writer, to a device without end, or to a file of terabytes that
//! takes no room on disk. [`open`] and [`read`] accept only regular files. [`create`] and [`append`] also
//! write to FIFOs with a reader, and to character devices such as a terminal.
//!
//! Errors are a clause that follows the name of the file: ``cannot read `x.rs`: it is a FIFO,
//! not a regular file``.

#![forbid(unsafe_code)]

pub mod owned;
pub mod removal;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Opening a FIFO or a device does not wait, and no terminal becomes the controlling terminal of the process.
const NEVER_WAIT: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY);

/// Opens a regular file to read it.
///
/// # Errors
/// The error of the system; [`io::ErrorKind::InvalidInput`] if the name does not lead to a regular file.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    // Checked before the open, because opening a device can itself have an effect.
    check(fs::metadata(path)?.file_type())?;
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags()).open(path)?;
    // Another file may have taken the name since the first check.
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads a regular file of at most this many bytes.
///
/// # Errors
/// The errors of [`open`]; [`io::ErrorKind::FileTooLarge`] with the limit.
pub fn read(path: impl AsRef<Path>, most_bytes: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    if length > most_bytes {
        return Err(too_large(most_bytes));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // A file can grow meanwhile, and some files report no length.
    file.take(most_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= most_bytes => Ok(bytes),
        _ => Err(too_large(most_bytes)),
    }
}

/// Reads a regular file of text of at most this many bytes.
///
/// # Errors
/// The errors of [`read`]; [`io::ErrorKind::InvalidData`] if it is not UTF-8.
pub fn read_text(path: impl AsRef<Path>, most_bytes: u64) -> io::Result<String> {
    let bytes = read(path, most_bytes)?;
    String::from_utf8(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

/// Refuses every file that is not regular.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] with the kind of the file.
pub fn check(kind: FileType) -> io::Result<()> {
    match kind.is_file() {
        true => Ok(()),
        false => Err(refused(kind)),
    }
}

/// Creates a file for writing, or empties a regular file. A FIFO needs a reader; a character device
/// stays as it is.
///
/// # Errors
/// The error of the system; [`io::ErrorKind::InvalidInput`] if the name leads to anything else.
pub fn create(path: impl AsRef<Path>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    to_write(
        path.as_ref(),
        options.write(true).create(true).truncate(true),
    )
}

/// Like [`create`], but writes at the end of the file. If it creates the file, the file gets this mode.
///
/// # Errors
/// The errors of [`create`].
pub fn append(path: impl AsRef<Path>, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    to_write(path.as_ref(), options.append(true).create(true).mode(mode))
}

fn to_write(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let takes = |kind: FileType| match kind.is_file() || kind.is_fifo() || kind.is_char_device() {
        true => Ok(()),
        false => Err(refused(kind)),
    };
    if let Ok(found) = fs::metadata(path) {
        takes(found.file_type())?;
    }
    let opened = options.custom_flags(flags()).open(path);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NXIO) => io::Error::other("nobody reads it"),
        _ => error,
    })?;
    takes(file.metadata()?.file_type())?;
    // The flag was only for the open: writes wait for their reader.
    fcntl_setfl(&file, fcntl_getfl(&file)? & !OFlags::NONBLOCK)?;
    Ok(file)
}

fn flags() -> i32 {
    NEVER_WAIT.bits().cast_signed()
}

fn refused(kind: FileType) -> io::Error {
    let kind = match kind {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_block_device() || kind.is_char_device() => "a device",
        _ => "something else",
    };
    let text = format!("it is {kind}, not a regular file");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn too_large(most_bytes: u64) -> io::Error {
    let most = match most_bytes {
        most if most >= 1 << 20 && most.is_multiple_of(1 << 20) => format!("{} MiB", most >> 20),
        most => format!("{most} bytes"),
    };
    let text = format!("it is larger than the limit of {most}");
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use rustix::fs::{CWD, Mode, mknodat};
    use std::io::Write as _;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;
    use std::time::Duration;

    /// The ways to write a file.
    const WAYS: [fn(&Path) -> io::Result<File>; 2] =
        [|path| create(path), |path| append(path, 0o600)];

    /// The result of work that could wait for ever.
    fn at_once<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, result) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("waits-for-ever".to_owned());
        thread.spawn(move || sender.send(work())).unwrap();
        result.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    fn fifo(directory: &Path) -> PathBuf {
        let path = directory.join("fifo");
        mknodat(CWD, &path, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
        path
    }

    #[test]
    fn only_regular_files_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        let link = directory.path().join("link");
        let waiting = fifo(directory.path());
        std::os::unix::fs::symlink(&waiting, &link).unwrap();
        for (path, kind) in [
            (waiting, "a FIFO"),
            (link, "a FIFO"),
            (socket, "a socket"),
            (PathBuf::from("/dev/zero"), "a device"),
            (PathBuf::from("/"), "a directory"),
        ] {
            let text = at_once(move || read(&path, 10)).unwrap_err().to_string();
            assert_eq!(text, format!("it is {kind}, not a regular file"));
        }
    }

    #[test]
    fn no_more_than_the_limit_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"0123456789");
        assert_eq!(read_text(&path, u64::MAX).unwrap(), "0123456789");
        let error = read(&path, 9).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "it is larger than the limit of 9 bytes");
        // A file of terabytes that takes no room.
        let sparse = File::create(directory.path().join("sparse")).unwrap();
        sparse.set_len(1 << 42).unwrap();
        let error = read(directory.path().join("sparse"), 64 << 20).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than the limit of 64 MiB");
        // A file whose length is unknown.
        let error = read("/proc/self/maps", 10).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_is_written_needs_a_reader_and_is_no_disk() {
        let directory = tempfile::tempdir().unwrap();
        let path = fifo(directory.path());
        for open in WAYS {
            let path = path.clone();
            let error = at_once(move || open(&path)).unwrap_err();
            assert_eq!(error.to_string(), "nobody reads it");
        }
        let mut options = OpenOptions::new();
        let reader = options.read(true).custom_flags(flags()).open(&path);
        let mut reader = reader.unwrap();
        let mut file = create(&path).unwrap();
        file.write_all(b"text").unwrap();
        assert!(!fcntl_getfl(&file).unwrap().contains(OFlags::NONBLOCK));
        let mut text = [0; 4];
        reader.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"text");
        create(Path::new("/dev/null")).unwrap();
        let error = create(directory.path()).unwrap_err();
        assert_eq!(error.to_string(), "it is a directory, not a regular file");
    }

    #[test]
    fn a_file_is_emptied_or_written_at_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let [creates, appends] = WAYS;
        for (open, expected) in [(creates, "x"), (appends, "xx"), (creates, "x")] {
            open(&path).unwrap().write_all(b"x").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        }
    }
}
