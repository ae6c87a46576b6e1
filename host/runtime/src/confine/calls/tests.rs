//! The list, and the filter that is made from it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
use super::*;

fn allowed(network: &Network) -> BTreeMap<i64, Vec<SeccompRule>> {
    rules(network).unwrap()
}

#[test]
fn what_no_guest_needs_is_on_no_list() {
    let all = Network {
        connect: vec!["*:*".parse().unwrap()],
        listen: vec!["*:*".parse().unwrap()],
        name_lookup: true,
    };
    let rules = allowed(&all);
    for call in [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_open_by_handle_at,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_io_uring_setup,
        libc::SYS_userfaultfd,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_shmget,
        libc::SYS_mknodat,
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        libc::SYS_fchownat,
        libc::SYS_setxattr,
        libc::SYS_setuid,
        libc::SYS_capset,
        libc::SYS_clock_settime,
        libc::SYS_reboot,
        libc::SYS_seccomp,
    ] {
        assert!(!rules.contains_key(&call), "system call {call}");
    }
}

#[test]
fn sockets_are_made_with_a_grant_only() {
    let network = |grant: fn(&mut Network)| {
        let mut network = Network::default();
        grant(&mut network);
        allowed(&network)
    };
    let calls = [libc::SYS_socket, libc::SYS_connect, libc::SYS_bind];
    let without = network(|_| {});
    assert!(calls.iter().all(|call| !without.contains_key(call)));
    for with in [
        network(|network| network.connect.push("*:80".parse().unwrap())),
        network(|network| network.listen.push("*:80".parse().unwrap())),
        network(|network| network.name_lookup = true),
    ] {
        assert!(calls.iter().all(|call| with.contains_key(call)));
    }
}
