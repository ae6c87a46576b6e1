//! The part of a confinement that the filter of system calls enforces.
//!
//! The list names the allowed calls; all others fail with `EPERM`, including those that later kernels
//! add. For a call that is allowed with any arguments, the kernel checks one bit (since Linux 5.11) and
//! never runs the filter. So the calls of the hot paths (`futex`, `madvise`, `sched_yield`, `mprotect`)
//! have no conditions. To compute these bits the kernel runs through the filter once for each call that
//! it has, and this is the cost of a confinement at the start: [`tree`] keeps these paths short.

use super::tree;
use crate::error::{Error, ErrorKind, Result};
use crate::rights::Network;
use libc::c_long;
use seccompiler::{
    SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompRule,
    apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// The calls that running guests needs, with any arguments. Of files, only those that Landlock leaves can
/// be opened.
const ALLOWED: &[c_long] = &[
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_mincore,
    libc::SYS_msync,
    libc::SYS_membarrier,
    libc::SYS_memfd_create,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect,
    // Threads, and waiting.
    libc::SYS_futex,
    libc::SYS_futex_waitv,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_getcpu,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getpgid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_getrandom,
    libc::SYS_umask,
    // For children that were started before.
    libc::SYS_wait4,
    libc::SYS_waitid,
    // Signals of this process itself.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sigaltstack,
    // Clocks.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_times,
    libc::SYS_timer_create,
    libc::SYS_timer_settime,
    libc::SYS_timer_gettime,
    libc::SYS_timer_getoverrun,
    libc::SYS_timer_delete,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    // Descriptors.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_preadv2,
    libc::SYS_pwritev2,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_splice,
    libc::SYS_sendfile,
    libc::SYS_copy_file_range,
    // Files.
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fadvise64,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_utimensat,
    // Existing sockets.
    libc::SYS_accept4,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    // A process that is confined may confine itself more.
    libc::SYS_landlock_create_ruleset,
    libc::SYS_landlock_add_rule,
    libc::SYS_landlock_restrict_self,
];

/// The older forms of calls that other processors never had, and calls that not all processors have.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
    libc::SYS_accept,
    libc::SYS_getrlimit,
    libc::SYS_getpgrp,
    libc::SYS_time,
    // The second halves of stacks that the processor guards; `libc` does not name the call.
    SYS_MAP_SHADOW_STACK,
];
#[cfg(target_arch = "x86_64")]
const SYS_MAP_SHADOW_STACK: c_long = 453;
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = &[libc::SYS_accept];

/// `fcntl`: no command that sends signals or leases a file.
const FCNTL: &[u64] = &[
    0,    // F_DUPFD
    1,    // F_GETFD
    2,    // F_SETFD
    3,    // F_GETFL
    4,    // F_SETFL
    5,    // F_GETLK
    6,    // F_SETLK
    7,    // F_SETLKW
    36,   // F_OFD_GETLK
    37,   // F_OFD_SETLK
    38,   // F_OFD_SETLKW
    1030, // F_DUPFD_CLOEXEC
    1033, // F_ADD_SEALS
    1034, // F_GET_SEALS
];

/// `ioctl`: queries, and the commands of std and wasmtime. None puts input into the user's terminal
/// (`TIOCSTI`).
const IOCTL: &[u64] = &[
    0x5401,      // TCGETS: is it a terminal?
    0x5413,      // TIOCGWINSZ
    0x541b,      // FIONREAD
    0x5421,      // FIONBIO
    0x5450,      // FIONCLEX
    0x5451,      // FIOCLEX
    0xc060_6610, // PAGEMAP_SCAN
];

/// `prctl`: names of threads and mappings, and more confinement.
const PRCTL: &[u64] = &[
    3,           // PR_GET_DUMPABLE
    15,          // PR_SET_NAME
    16,          // PR_GET_NAME
    21,          // PR_GET_SECCOMP
    38,          // PR_SET_NO_NEW_PRIVS
    39,          // PR_GET_NO_NEW_PRIVS
    0x5356_4d41, // PR_SET_VMA: names
];

/// All namespaces that `clone` can make.
const NAMESPACES: u64 = 0x7e02_0000;
const CLONE_THREAD: u64 = 0x1_0000;
/// The part of a socket's type that is not flags.
const SOCKET_TYPE: u64 = 0xf;

/// Restricts all threads of this process, and adds what the kernel lacks to `missing`.
///
/// # Errors
/// If the kernel refuses.
pub(super) fn restrict(network: &Network, missing: &mut Vec<String>) -> Result<()> {
    let Some(filter) = tree::program(rules(network)?) else {
        missing.push(format!(
            "there is no filter of system calls for this processor, `{}`",
            std::env::consts::ARCH
        ));
        return Ok(());
    };
    match apply_filter_all_threads(&filter) {
        Ok(()) => Ok(()),
        Err(seccompiler::Error::Seccomp(error))
            if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) =>
        {
            missing.push(
                "this kernel has no filters of system calls (seccomp), so all calls can be made"
                    .to_owned(),
            );
            Ok(())
        }
        Err(error) => Err(refused(error)),
    }
}

/// Each allowed call with its conditions. If it has any, one of them must hold.
fn rules(network: &Network) -> Result<BTreeMap<i64, Vec<SeccompRule>>> {
    let always = ALLOWED.iter().chain(ALLOWED_HERE);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        always.map(|call| (*call, Vec::new())).collect();
    let own = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, one_of(0, &[own])?);
    rules.insert(libc::SYS_prlimit64, one_of(0, &[0, own])?);
    rules.insert(libc::SYS_fcntl, one_of(1, FCNTL)?);
    rules.insert(libc::SYS_ioctl, one_of(1, IOCTL)?);
    rules.insert(libc::SYS_prctl, one_of(0, PRCTL)?);
    // Threads, in the existing namespaces.
    let thread = masked(0, NAMESPACES | CLONE_THREAD, CLONE_THREAD)?;
    rules.insert(libc::SYS_clone, vec![rule(vec![thread])?]);
    // Both ends are here. Only a stream socket cannot send to other addresses.
    rules.insert(
        libc::SYS_socketpair,
        vec![socket(libc::AF_UNIX, libc::SOCK_STREAM)?],
    );
    if network.has_addresses() || network.name_lookup {
        let kinds = [
            (libc::AF_INET, libc::SOCK_STREAM),
            (libc::AF_INET, libc::SOCK_DGRAM),
            (libc::AF_INET6, libc::SOCK_STREAM),
            (libc::AF_INET6, libc::SOCK_DGRAM),
        ];
        let kinds = kinds.map(|(family, kind)| socket(family, kind));
        rules.insert(
            libc::SYS_socket,
            kinds.into_iter().collect::<Result<Vec<_>>>()?,
        );
        for call in [libc::SYS_connect, libc::SYS_bind, libc::SYS_listen] {
            rules.insert(call, Vec::new());
        }
    }
    Ok(rules)
}

fn socket(family: i32, kind: i32) -> Result<SeccompRule> {
    rule(vec![
        equal(0, u64::from(family.unsigned_abs()))?,
        masked(1, SOCKET_TYPE, u64::from(kind.unsigned_abs()))?,
    ])
}

/// The kernel reads only the lower half of these arguments.
fn one_of(argument: u8, values: &[u64]) -> Result<Vec<SeccompRule>> {
    values
        .iter()
        .map(|value| rule(vec![equal(argument, *value)?]))
        .collect()
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition> {
    SeccompCondition::new(argument, Len::Dword, Op::Eq, value).map_err(refused)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition> {
    SeccompCondition::new(argument, Len::Dword, Op::MaskedEq(mask), value).map_err(refused)
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule> {
    SeccompRule::new(conditions).map_err(refused)
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(
        ErrorKind::Engine,
        "the filter of system calls cannot be set up",
    )
    .with_cause(error)
}

#[cfg(test)]
mod tests;
