//! Refuses system calls that no compiler needs and that Landlock does not cover.
//!
//! Landlock restricts files by path. These calls reach the network, other processes, the kernel, keys, or the
//! attributes of files that were not granted. They fail with `EPERM`, so a tool that tries one reports it.

use libc::c_long;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};
use std::collections::BTreeMap;

/// Refused with any arguments.
const REFUSED: &[c_long] = &[
    // Another way to make sockets, and operations that no filter sees.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Other processes. Landlock refuses most of it already.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Namespaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // The kernel and the machine.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    // Keys that the kernel keeps for the user's session.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Files by number instead of path.
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    // Queues and memory that programs of one user share by number.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    // Attributes of files, which Landlock does not check: owners and extended attributes. `MODES` handles the
    // permissions.
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    // These leave the terminal's process group, and then Ctrl-C no longer reaches the whole build.
    libc::SYS_setsid,
    libc::SYS_setpgid,
    libc::SYS_vhangup,
];

/// Refused for other processes. The number is the index of the argument that names the process; 0 is the
/// caller.
const OTHERS: [(c_long, u8); 6] = [
    (libc::SYS_prlimit64, 0),
    (libc::SYS_sched_setscheduler, 0),
    (libc::SYS_sched_setattr, 0),
    (libc::SYS_sched_setparam, 0),
    (libc::SYS_setpriority, 1),
    (libc::SYS_ioprio_set, 1),
];

/// The flags of `clone` that make a namespace.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWCGROUP,
];

/// Requests that type into the user's terminal, which may be standard error.
const TERMINAL_INPUT: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// Refuses the calls to this thread and to the processes that it starts. A tool with the network runs no code
/// of the source, so it keeps sockets and all changes of permissions.
pub(super) fn restrict(network: bool) -> Result<(), Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let refused = REFUSED.iter().chain(REFUSED_HERE);
    rules.extend(refused.map(|number| (*number, Vec::new())));
    for (number, argument) in OTHERS {
        rules.insert(number, vec![rule(argument, SeccompCmpOp::Ne, 0)?]);
    }
    if !network {
        rules.insert(libc::SYS_socket, Vec::new());
        for (number, argument) in MODES {
            rules.insert(*number, refused_modes(*argument)?);
        }
        // The permissions of an open file, which may not be one of the build's own. A copy gets the
        // permissions of its original, so the filter refuses only those that let others write or make a
        // program run as its owner.
        rules.insert(libc::SYS_fchmod, any_bit(1, 0o7002)?);
    }
    let mut namespaces = Vec::new();
    for flag in NAMESPACES {
        let flag = u64::from(flag.unsigned_abs());
        namespaces.push(rule(0, SeccompCmpOp::MaskedEq(flag), flag)?);
    }
    rules.insert(libc::SYS_clone, namespaces);
    let mut typing = Vec::new();
    for request in TERMINAL_INPUT {
        typing.push(rule(1, SeccompCmpOp::Eq, request)?);
    }
    rules.insert(libc::SYS_ioctl, typing);
    apply(rules, libc::EPERM)?;
    // The flags of `clone3` are in memory, where no filter sees them. Programs use `clone` if the call does
    // not exist.
    apply(
        BTreeMap::from([(libc::SYS_clone3, Vec::new())]),
        libc::ENOSYS,
    )
}

/// Further calls of this architecture.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_kexec_file_load,
    libc::SYS_modify_ldt,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// The calls that change permissions by path, and the index of the argument with the permissions. Linkers
/// make their output executable by its path, so these calls cannot be refused altogether.
#[cfg(target_arch = "x86_64")]
const MODES: &[(c_long, u8)] = &[
    (libc::SYS_chmod, 1),
    (libc::SYS_fchmodat, 2),
    (SYS_FCHMODAT2, 2),
];
#[cfg(not(target_arch = "x86_64"))]
const MODES: &[(c_long, u8)] = &[(libc::SYS_fchmodat, 2), (SYS_FCHMODAT2, 2)];

/// The same number on all architectures.
const SYS_FCHMODAT2: c_long = 452;

/// No file of a build has any of these permissions: the build runs with a umask of 077, so a linker asks for
/// none.
const OPEN_TO_OTHERS: u64 = 0o7077;

/// Rules for these permissions, and for those that take a file from its owner.
fn refused_modes(argument: u8) -> Result<Vec<SeccompRule>, Error> {
    let mut rules = any_bit(argument, OPEN_TO_OTHERS)?;
    for bit in [0o400, 0o200] {
        rules.push(rule(argument, SeccompCmpOp::MaskedEq(bit), 0)?);
    }
    Ok(rules)
}

/// A rule for any of these permissions.
fn any_bit(argument: u8, permissions: u64) -> Result<Vec<SeccompRule>, Error> {
    let bits = (0..12).map(|bit| 1_u64 << bit);
    bits.filter(|bit| permissions & bit != 0)
        .map(|bit| rule(argument, SeccompCmpOp::MaskedEq(bit), bit))
        .collect()
}

fn rule(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, Error> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
    Ok(SeccompRule::new(vec![condition?])?)
}

fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, error: libc::c_int) -> Result<(), Error> {
    let architecture: TargetArch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(error.unsigned_abs()),
        architecture,
    )?;
    let program: BpfProgram = filter.try_into()?;
    apply_filter(&program)
}
