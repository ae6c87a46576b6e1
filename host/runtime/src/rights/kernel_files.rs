//! File systems that the kernel synthesizes. Their files look regular and are not: `/proc/self/mem` is
//! the memory of the host, and a line in a file of `/sys` or `/proc/sys` can name a program that the
//! kernel runs.
//!
//! No guest gets a file of `/proc`, and none writes a file of another such file system. This holds for
//! every kind of grant, and also below a directory in which such a file system is mounted.

use rustix::fs::fstatfs;
use std::os::fd::AsFd;

/// `PROC_SUPER_MAGIC` in `linux/magic.h`.
const PROC: u64 = 0x9fa0;

/// The magic numbers of the other ones: sysfs, debugfs, tracefs, securityfs, configfs, cgroup, cgroup2,
/// bpf, efivarfs, selinuxfs, smackfs, pstorefs and binderfs.
const OTHERS: [u64; 13] = [
    0x6265_6572,
    0x6462_6720,
    0x7472_6163,
    0x7363_6673,
    0x6265_6570,
    0x0027_e0eb,
    0x6367_7270,
    0xcafe_4a11,
    0xde5e_81e4,
    0xf97c_ff8c,
    0x4341_5d53,
    0x6165_676c,
    0x6c6f_6f70,
];

/// Whether a guest must not get this file or directory. `may_write` says whether the guest could write
/// it.
///
/// # Errors
/// The errors of `fstatfs`.
pub(crate) fn is_refused(file: impl AsFd, may_write: bool) -> rustix::io::Result<bool> {
    // The kernel's magic numbers have 32 bits.
    let kind = u64::from_ne_bytes(fstatfs(file)?.f_type.to_ne_bytes()) & 0xffff_ffff;
    Ok(kind == PROC || may_write && OTHERS.contains(&kind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use std::fs::File;

    #[test]
    fn the_kernels_files_are_told_from_others() {
        let refused = |path: &str, may_write| is_refused(File::open(path).unwrap(), may_write);
        for path in [
            "/proc",
            "/proc/self",
            "/proc/self/mem",
            "/proc/self/environ",
        ] {
            assert_eq!(refused(path, false), Ok(true), "{path}");
            assert_eq!(refused(path, true), Ok(true), "{path}");
        }
        assert_eq!(refused("/sys", false), Ok(false));
        assert_eq!(refused("/sys", true), Ok(true));
        let directory = tempfile::tempdir().unwrap();
        let ordinary = directory.path().to_str().unwrap();
        assert_eq!(refused(ordinary, true), Ok(false));
        assert_eq!(refused("/dev", true), Ok(false));
    }
}
