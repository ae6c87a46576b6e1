//! How one isopod asks another what it runs: over a socket in the cache directory, which only its
//! user can reach (the directory has mode 0700, the socket 0600).
//!
//! Whoever connects gets one [`Run`] as JSON, and the connection is closed. Nothing is read: there is
//! nothing to ask but this, and nothing that the question could do to the program.

use super::Run;
use anyhow::Context as _;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The directory of the sockets, in the cache directory. Each is named by a process number.
const SOCKETS: &str = "runs";

/// How long an answer may take: whoever does not read it, or does not give it, is left alone.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a run may answer at most: a description of some ten thousand processes.
const LONGEST_ANSWER_BYTES: u64 = 64 << 20;

/// A socket that is there until this is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    directory: PathBuf,
    path: PathBuf,
    /// Until it is answered.
    listener: Option<UnixListener>,
}

impl Socket {
    /// Makes the socket. Who asks waits until it is answered.
    ///
    /// # Errors
    /// If there is no cache directory that can be written, or its path is too long for a socket.
    pub(crate) fn open() -> anyhow::Result<Socket> {
        let directory = directory().context("there is no cache directory: `HOME` is not set")?;
        let path = directory.join(std::process::id().to_string());
        let listener = listen(&directory, &path)
            .with_context(|| format!("cannot listen on `{}`", path.display()))?;
        Ok(Socket {
            directory,
            path,
            listener: Some(listener),
        })
    }

    /// Where it lies, with those of other runs.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Begins to answer, on a thread of its own, each question with what `run` gives then.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn answer(&mut self, run: impl Fn() -> Run + Send + 'static) -> anyhow::Result<()> {
        let Some(listener) = self.listener.take() else {
            return Ok(());
        };
        std::thread::Builder::new()
            .name("isopod-ps".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    // Who asked has gone: nobody is left to be told.
                    let _ = answer(stream, &run());
                }
            })
            .context("cannot start the thread that tells what runs")?;
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // If it is gone already, that is as well.
        let _ = fs::remove_file(&self.path);
    }
}

/// Asks the isopod with this number what it runs; none if there is no such one.
///
/// # Errors
/// If it does not answer, or not as it should.
pub(crate) fn ask(pid: u32) -> anyhow::Result<Option<Run>> {
    match directory() {
        Some(directory) => ask_at(&directory.join(pid.to_string())),
        None => Ok(None),
    }
}

/// Asks all that run, by their numbers. Who ends meanwhile is left out.
///
/// # Errors
/// If the directory of the sockets cannot be read, or one of them does not answer as it should.
pub(crate) fn ask_all() -> anyhow::Result<Vec<Run>> {
    let Some(directory) = directory() else {
        return Ok(Vec::new());
    };
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot read `{}`", directory.display()))?,
    };
    let mut runs = Vec::new();
    for entry in entries {
        runs.extend(ask_at(&entry?.path())?);
    }
    runs.sort_by_key(|run| run.pid);
    Ok(runs)
}

fn directory() -> Option<PathBuf> {
    Some(isopod_build::cache_directory()?.join(SOCKETS))
}

fn listen(directory: &Path, path: &Path) -> io::Result<UnixListener> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    // It may be older than this program, or made with another mode.
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    match fs::remove_file(path) {
        // Of one that had this number before and was ended without a chance to tidy up.
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn answer(mut stream: UnixStream, run: &Run) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&serde_json::to_vec(run)?)
}

fn ask_at(path: &Path) -> anyhow::Result<Option<Run>> {
    let stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            // Nobody listens any more: it was ended without a chance to tidy up.
            let _ = fs::remove_file(path);
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot connect to `{}`", path.display()));
        }
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = Vec::new();
    let read = stream.take(LONGEST_ANSWER_BYTES).read_to_end(&mut text);
    match read {
        // It has ended before it could answer.
        Ok(0) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
        read => read.with_context(|| format!("no answer from `{}`", path.display()))?,
    };
    let run = serde_json::from_slice(&text)
        .with_context(|| format!("an answer from `{}` that is none", path.display()))?;
    Ok(Some(run))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_socket_that_nobody_listens_on_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1");
        drop(UnixListener::bind(&path).unwrap());
        assert!(ask_at(&path).unwrap().is_none());
        assert!(!path.exists());
        assert!(ask_at(&path).unwrap().is_none());
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1");
        let listener = UnixListener::bind(&path).unwrap();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"{}").unwrap();
        });
        let error = ask_at(&path).unwrap_err();
        assert!(error.to_string().starts_with("an answer from "), "{error}");
        answering.join().unwrap();
    }

    #[test]
    fn only_the_user_reaches_it() {
        let directory = tempfile::tempdir().unwrap();
        let sockets = directory.path().join("runs");
        let path = sockets.join("1");
        let _listener = listen(&sockets, &path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&sockets), mode(&path)), (0o700, 0o600));
    }
}
