//! The steps of an attacker with native code. Each is one system call, or a few that belong together.

#![allow(
    unsafe_code,
    reason = "an attacker's system calls are those that no safe library makes"
)]

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Error, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram, UnixStream};

/// Takes one step and returns the answer in words: `done`, or the name of the error.
pub(crate) fn take(step: &str, argument: &str) -> String {
    match try_to(step, argument) {
        Ok(()) => "done".to_owned(),
        Err(error) => match error.raw_os_error() {
            Some(libc::EPERM) => "EPERM".to_owned(),
            Some(libc::EACCES) => "EACCES".to_owned(),
            Some(libc::EXDEV) => "EXDEV".to_owned(),
            Some(libc::ENOSYS) => "ENOSYS".to_owned(),
            _ => format!("other error: {error}"),
        },
    }
}

fn try_to(step: &str, argument: &str) -> io::Result<()> {
    match step {
        "read" => File::open(argument)?.read(&mut [0; 64]).map(drop),
        "list" => fs::read_dir(argument).map(drop),
        "write" => File::create(argument)?.write_all(b"x"),
        "append" => File::options().append(true).open(argument)?.write_all(b"x"),
        "truncate" => call(libc::SYS_truncate, [pointer(&text(argument)), 0, 0, 0]),
        "remove" => fs::remove_file(argument),
        "make-directory" => fs::create_dir(argument),
        "remove-directory" => fs::remove_dir(argument),
        "change-mode" => fs::set_permissions(argument, fs::Permissions::from_mode(0o777)),
        // `FROM>TO`
        "move" => both(argument, |from, to| fs::rename(from, to)),
        "link" => both(argument, |from, to| fs::hard_link(from, to)),
        "link-symbolically" => both(argument, |from, to| std::os::unix::fs::symlink(from, to)),
        "make-device" => call(
            libc::SYS_mknod,
            [pointer(&text(argument)), 0o20_666, 0x103, 0],
        ),
        "start-program" => std::process::Command::new(argument).output().map(drop),
        "become-program" => {
            let path = text(argument);
            let arguments = [path.as_ptr(), std::ptr::null()];
            call(
                libc::SYS_execve,
                [pointer(&path), arguments.as_ptr() as i64, 0, 0],
            )
        }
        "become-memory" => become_memory(argument),
        "fork" => fork(0),
        "fork-into-namespace" => fork(libc::CLONE_NEWUSER),
        // `clone3` takes its flags in memory, where no filter sees them. The size is 0, so a kernel that
        // has the call only returns an error.
        "clone3" => call(libc::SYS_clone3, [0, 0, 0, 0]),
        "start-thread" => {
            let thread = std::thread::Builder::new().spawn(|| ());
            thread?.join().map_err(|_| ErrorKind::Other.into())
        }
        "new-namespaces" => call(
            libc::SYS_unshare,
            [i64::from(libc::CLONE_NEWUSER | libc::CLONE_NEWNS), 0, 0, 0],
        ),
        "change-root" => call(libc::SYS_chroot, [pointer(&text(argument)), 0, 0, 0]),
        "mount" => {
            let (none, target, kind) = (text("none"), text(argument), text("tmpfs"));
            let arguments = [pointer(&none), pointer(&target), pointer(&kind), 0];
            call(libc::SYS_mount, arguments)
        }
        // The call attaches to another process without stopping it, and could read its memory.
        "trace" => call(libc::SYS_ptrace, [PTRACE_SEIZE, number(argument)?, 0, 0]),
        "read-memory" => read_memory(number(argument)?),
        "signal" => call(libc::SYS_kill, [number(argument)?, 0, 0, 0]),
        "signal-thread" => {
            let process = number(argument)?;
            call(libc::SYS_tgkill, [process, process, 0, 0])
        }
        "signal-by-descriptor" => call(libc::SYS_pidfd_open, [number(argument)?, 0, 0, 0]),
        "signal-by-input" => {
            let (reader, _writer) = io::pipe()?;
            let owner = number(argument)?;
            let descriptor = i64::from(reader.as_raw_fd());
            call(
                libc::SYS_fcntl,
                [descriptor, i64::from(libc::F_SETOWN), owner, 0],
            )
        }
        "signal-self" => {
            let process = i64::from(std::process::id());
            call(libc::SYS_tgkill, [process, process, 0, 0])
        }
        "limit" => call(libc::SYS_prlimit64, [number(argument)?, 7, 0, 0]),
        "type-into-terminal" => {
            let key = b'x';
            let ioctl = [0, 0x5412, std::ptr::from_ref(&key) as i64, 0];
            call(libc::SYS_ioctl, ioctl)
        }
        "connect" => TcpStream::connect(address(argument)?).map(drop),
        "listen" => TcpListener::bind(address(argument)?).map(drop),
        "send" => {
            let any: SocketAddr = ([0, 0, 0, 0], 0).into();
            UdpSocket::bind(any)?
                .send_to(b"x", address(argument)?)
                .map(drop)
        }
        "raw-socket" => socket(libc::AF_INET, libc::SOCK_RAW),
        "netlink" => socket(libc::AF_NETLINK, libc::SOCK_RAW),
        "connect-unix" => UnixStream::connect(argument).map(drop),
        "connect-abstract" => {
            let address = UnixAddress::from_abstract_name(argument)?;
            UnixStream::connect_addr(&address).map(drop)
        }
        "send-unix" => UnixDatagram::pair()?.0.send_to(b"x", argument).map(drop),
        "stream-pair" => UnixStream::pair().map(drop),
        "look-up" => (argument, 0).to_socket_addrs().map(drop),
        "io-uring" => {
            let parameters = [0_u64; 15];
            call(
                libc::SYS_io_uring_setup,
                [1, parameters.as_ptr() as i64, 0, 0],
            )
        }
        "bpf" => call(libc::SYS_bpf, [0, 0, 0, 0]),
        "perf" => call(libc::SYS_perf_event_open, [0, 0, -1, -1]),
        "keys" => call(libc::SYS_keyctl, [0, -3, 0, 0]),
        "load-module" => call(libc::SYS_finit_module, [-1, 0, 0, 0]),
        "page-faults" => call(libc::SYS_userfaultfd, [0, 0, 0, 0]),
        "share-memory" => call(libc::SYS_shmget, [0, 4096, 0o600, 0]),
        "open-by-handle" => call(libc::SYS_open_by_handle_at, [-1, 0, 0, 0]),
        "become-user" => call(libc::SYS_setuid, [number(argument)?, 0, 0, 0]),
        other => Err(Error::other(format!("no step {other}"))),
    }
}

const PTRACE_SEIZE: i64 = 0x4206;

fn call(number: libc::c_long, [a, b, c, d]: [i64; 4]) -> io::Result<()> {
    // SAFETY: the test observes the outcome, whatever it is. Pointers among the arguments lead to data that
    // lives until the call has returned, and none of these calls writes beyond it.
    let result = unsafe { libc::syscall(number, a, b, c, d) };
    match result {
        -1 => Err(Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Makes a process of its own, which ends at once.
fn fork(flags: i32) -> io::Result<()> {
    let flags = i64::from(flags | libc::SIGCHLD);
    // SAFETY: the child has a copy of the memory and only ends.
    let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match child {
        -1 => Err(Error::last_os_error()),
        // SAFETY: ends the child without any of the parent's steps at its end.
        0 => unsafe { libc::_exit(0) },
        _ => Ok(()),
    }
}

fn read_memory(process: i64) -> io::Result<()> {
    let mut byte = 0_u8;
    let own = libc::iovec {
        iov_base: std::ptr::from_mut(&mut byte).cast(),
        iov_len: 1,
    };
    let other = libc::iovec {
        iov_base: std::ptr::null_mut(),
        iov_len: 1,
    };
    let process = i32::try_from(process).map_err(Error::other)?;
    // SAFETY: one byte is written at most, into `byte`.
    let read =
        unsafe { libc::process_vm_readv(process, &raw const own, 1, &raw const other, 1, 0) };
    match (read, Error::last_os_error()) {
        // Nothing is at that address, but the answer shows that the call reached the other process.
        (-1, error) if error.raw_os_error() == Some(libc::EFAULT) => Ok(()),
        (-1, error) => Err(error),
        _ => Ok(()),
    }
}

/// Executes a copy of a program that has no path.
fn become_memory(program: &str) -> io::Result<()> {
    // SAFETY: makes a descriptor, of a name that is a constant.
    let memory = unsafe { libc::memfd_create(c"program".as_ptr(), 0) };
    if memory < 0 {
        return Err(Error::last_os_error());
    }
    if let Ok(bytes) = fs::read(program) {
        // SAFETY: writes only the contents of `bytes`.
        let _ = unsafe { libc::write(memory, bytes.as_ptr().cast(), bytes.len()) };
    }
    let empty = text("");
    let arguments = [empty.as_ptr(), std::ptr::null()];
    // SAFETY: the strings live until the call returns, if it does.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            memory,
            empty.as_ptr(),
            arguments.as_ptr(),
            std::ptr::null::<libc::c_char>(),
            libc::AT_EMPTY_PATH,
        )
    };
    Err(Error::last_os_error())
}

fn socket(family: i32, kind: i32) -> io::Result<()> {
    call(libc::SYS_socket, [i64::from(family), i64::from(kind), 0, 0])
}

fn both(argument: &str, action: impl FnOnce(&str, &str) -> io::Result<()>) -> io::Result<()> {
    let (from, to) = argument.split_once('>').ok_or(ErrorKind::InvalidInput)?;
    action(from, to)
}

fn address(argument: &str) -> io::Result<SocketAddr> {
    argument.parse().map_err(Error::other)
}

fn number(argument: &str) -> io::Result<i64> {
    argument.parse().map_err(Error::other)
}

fn text(argument: &str) -> CString {
    CString::new(argument).expect("arguments have no NUL bytes")
}

fn pointer(text: &CString) -> i64 {
    text.as_ptr() as i64
}
