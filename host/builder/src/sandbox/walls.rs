//! The rights of a confined process, and the kernel rules that enforce them.

use super::system_calls;
use crate::tool;
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, Scope,
};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::Path;

/// The oldest version of Landlock that suffices. In older ones, a process could truncate files that it may
/// not write.
pub(super) const REQUIRED: ABI = ABI::V3;

/// The files that every program of the system needs: its libraries and tools. No user has files there.
const SYSTEM: [&str; 24] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/ssl/openssl.cnf",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/version",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/osrelease",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
];

/// The only device whose end comes at once. A process that reads another one, such as a compiler that
/// includes it, never ends. Random bytes come from a system call.
const DEVICES: [&str; 1] = ["/dev/null"];

/// The files for finding a host and checking its certificate.
const NETWORK: [&str; 12] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/nsswitch.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/run/systemd/resolve",
    "/run/resolvconf",
];

/// The rights beyond those that every program needs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Walls {
    pub(super) read: Vec<OsString>,
    pub(super) written: Vec<OsString>,
    pub(super) network: bool,
}

impl Walls {
    /// Confines the calling thread, and everything that it starts, for good.
    pub(super) fn enclose_this_thread(&self) -> Result<(), String> {
        self.restrict_files().map_err(|error| error.to_string())?;
        system_calls::restrict(self.network).map_err(|error| error.to_string())
    }

    fn restrict_files(&self) -> Result<(), landlock::RulesetError> {
        let read = AccessFs::from_read(REQUIRED);
        // No build needs to make devices or sockets.
        let written = (read | AccessFs::from_write(REQUIRED))
            & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock);
        let device = AccessFs::ReadFile | AccessFs::WriteFile;
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(REQUIRED))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::IoctlDev)?
            .scope(Scope::from_all(ABI::V6))?
            .create()?;
        let network: &[&str] = if self.network { &NETWORK } else { &[] };
        for (paths, access) in [(&SYSTEM[..], read), (network, read), (&DEVICES[..], device)] {
            for path in paths {
                rules = allow(rules, Path::new(path), access)?;
            }
        }
        // Settings of Python, to which links in its library lead.
        let of_python = tool::entries(Path::new("/etc"), "python3");
        let own = self.read.iter().map(Path::new);
        for path in own.chain(of_python.iter().map(Path::new)) {
            rules = allow(rules, path, read)?;
        }
        for path in &self.written {
            rules = allow(rules, Path::new(path), written)?;
        }
        rules.restrict_self()?;
        Ok(())
    }
}

/// Adds a rule for a path that exists.
fn allow(
    rules: landlock::RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<landlock::RulesetCreated, landlock::RulesetError> {
    let (Ok(metadata), Ok(opened)) = (std::fs::metadata(path), PathFd::new(path)) else {
        return Ok(rules);
    };
    let access = match metadata.is_dir() {
        true => access,
        false => access & AccessFs::from_file(REQUIRED),
    };
    rules.add_rule(PathBeneath::new(opened, access))
}
