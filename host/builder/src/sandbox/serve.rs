//! A tool in a sandbox, from the side of the process that starts and ends it: see
//! [`Supervisor`](crate::Supervisor).
//!
//! This process stays outside the walls, so no process inside can signal it (from Linux 6.12 on). It is the
//! subreaper of all its descendants: a process whose parent has ended becomes its own child, and no process
//! can avoid that. So this process can find and end all of them, one generation after the other.

use super::walls::Walls;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, getpid, kill_process, pidfd_open,
    set_child_subreaper, setrlimit, wait,
};
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest delay until the end of a process other than the tool is noticed.
const LOOK: Duration = Duration::from_millis(200);
/// The longest time for ending the processes that a tool has left, which may go on making new ones.
const END_TIME: Duration = Duration::from_secs(30);
/// A limit above the size of any request.
const MOST_REQUEST_BYTES: u64 = 64 << 20;
/// The exit code of a tool that the limit or the end of the build has ended: a shell's code for SIGKILL.
const ENDED: u8 = 137;

/// The request of a build.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) walls: Walls,
    pub(super) time: Duration,
    pub(super) memory_bytes: Option<u64>,
}

impl Request {
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let text = serde_json::to_vec(self)?;
        let length = u64::try_from(text.len()).map_err(io::Error::other)?;
        Ok([&length.to_le_bytes()[..], &text].concat())
    }

    fn read(from: &mut impl io::Read) -> io::Result<Request> {
        let mut length = [0; 8];
        from.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut text = Vec::new();
        from.take(length.min(MOST_REQUEST_BYTES))
            .read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// Runs a tool of a build, and returns its exit code. The program that a [`Supervisor`](crate::Supervisor)
/// names calls this. The build sends the rest of the request through standard input.
///
/// # Errors
/// If no build has started this process, or the tool cannot be started.
pub fn serve_build(tool: Vec<OsString>) -> io::Result<u8> {
    let mut lifetime = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut words = tool.into_iter();
    let (true, Some(program)) = (lifetime.metadata()?.file_type().is_fifo(), words.next()) else {
        return Err(io::Error::other("only a build of isopod starts this"));
    };
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        // Ctrl-C reaches this process too, and must not end it: the build ends first, and this process after
        // it. The tool receives the signals as usual.
        signal_hook::flag::register(signal, Arc::default())?;
    }
    set_child_subreaper(Some(getpid()))?;
    let request = Request::read(&mut lifetime)?;
    let deadline = Instant::now().checked_add(request.time);
    if let Some(bytes) = request.memory_bytes {
        bound(Resource::Data, bytes)?;
        bound(Resource::Fsize, bytes)?;
    }
    bound(Resource::Core, 0)?;
    let walls = request.walls;
    let thread = std::thread::Builder::new().name("isopod-sandbox".to_owned());
    let started = thread.spawn(move || {
        walls.enclose_this_thread().map_err(io::Error::other)?;
        let mut tool = Command::new(program);
        tool.args(words).stdin(Stdio::null()).spawn()
    })?;
    let started = started
        .join()
        .map_err(|_| io::Error::other("the thread of a build panicked"))??;
    let ended = until_end(Pid::from_child(&started), &lifetime, deadline)?;
    end_the_rest()?;
    Ok(ended.unwrap_or(ENDED))
}

/// Sets a limit that no process of the tool can raise again, unless it runs as the super-user.
fn bound(resource: Resource, most: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    Ok(setrlimit(resource, limit)?)
}

/// Waits for the tool, and returns its exit code; none if the build has ended or the deadline has passed.
fn until_end(tool: Pid, lifetime: &File, deadline: Option<Instant>) -> io::Result<Option<u8>> {
    let descriptor = pidfd_open(tool, PidfdFlags::empty())?;
    loop {
        while let Some((ended, status)) = next_end()? {
            if ended == tool {
                return Ok(Some(status));
            }
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(None);
        }
        let look = left.map_or(LOOK, |left| left.min(LOOK));
        let look = Timespec::try_from(look).map_err(io::Error::other)?;
        let mut ends = [
            PollFd::new(&descriptor, PollFlags::IN),
            PollFd::new(lifetime, PollFlags::IN),
        ];
        match poll(&mut ends, Some(&look)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [_, lifetime] = &ends;
        // The build writes nothing more to the pipe, so the event can only be its end.
        if !lifetime.revents().is_empty() {
            return Ok(None);
        }
    }
}

/// Reaps a process that has ended, and returns its exit code; none if none has ended.
fn next_end() -> io::Result<Option<(Pid, u8)>> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                let signal = status.terminating_signal().map(|signal| 128 | signal);
                let code = status.exit_status().or(signal);
                let code = code.and_then(|code| u8::try_from(code).ok());
                return Ok(Some((pid, code.unwrap_or(u8::MAX))));
            }
            Ok(None) | Err(Errno::CHILD) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Ends all processes that are left. They are children of this process, or become its children when their
/// parents end.
fn end_the_rest() -> io::Result<()> {
    let until = Instant::now() + END_TIME;
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => continue,
            Err(Errno::CHILD) => return Ok(()),
            Ok(None) if Instant::now() < until => {}
            Ok(None) => return Err(io::Error::other("processes of the build do not end")),
            Err(error) => return Err(error.into()),
        }
        // The kernel does not reuse their numbers before this process has waited for them.
        let children = children()?;
        for child in &children {
            // A child may have ended meanwhile.
            let _ = kill_process(*child, Signal::KILL);
        }
        if let Some(child) = children.first() {
            let descriptor = pidfd_open(*child, PidfdFlags::empty())?;
            let look = Timespec::try_from(LOOK).map_err(io::Error::other)?;
            // The next round sees whether it has ended.
            let _ = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&look));
        }
    }
}

/// The children of this process.
fn children() -> io::Result<Vec<Pid>> {
    let own = getpid().as_raw_nonzero().get().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let record = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The process's name, in brackets, can contain any bytes, so the search starts from the end.
        let parent = record
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if parent == Some(&own) {
            found.extend(Pid::from_raw(pid));
        }
    }
    Ok(found)
}
