//! The part of a confinement that Landlock enforces: files, ports, signals.

use super::{Keep, only_thread, unusable};
use crate::error::{Error, ErrorKind, Result};
use crate::rights::{Network, NetworkAddress};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath,
    RestrictSelf, RestrictSelfAttr as _, Ruleset, RulesetAttr as _, RulesetCreated,
    RulesetCreatedAttr as _, RulesetError, Scope, make_bitflags,
};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The newest rights on files that this module knows: all of them are taken away, and some are given
/// back.
const FILES: ABI = ABI::V5;
/// The newest scopes.
const SCOPES: ABI = ABI::V6;

/// The additions of each version of Landlock, as the text that reports the loss where a kernel lacks
/// them.
const ADDED: [(ABI, &str); 4] = [
    (
        ABI::V3,
        "this kernel's Landlock does not keep files from being cut: Linux 6.2 does",
    ),
    (
        ABI::V4,
        "this kernel's Landlock does not hold TCP to the granted ports: Linux 6.7 does",
    ),
    (
        ABI::V5,
        "this kernel's Landlock does not keep devices from being controlled: Linux 6.10 does",
    ),
    (
        ABI::V6,
        "this kernel's Landlock does not keep abstract sockets of other processes away: Linux 6.12 does",
    ),
];

/// The files that the resolver of the C library reads. A file that does not exist here is not needed.
const RESOLVER: [&str; 6] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
];
/// The directories of the resolver's configuration, where `/etc` only has a link to a file that is made
/// anew with each change.
const RESOLVER_RUNTIME: [&str; 3] = [
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
];
/// The port at which name servers are asked over TCP.
const NAME_SERVER_PORT: u16 = 53;

/// The access that Landlock will allow.
#[derive(Debug)]
pub(super) struct Rules {
    files: Vec<(File, BitFlags<AccessFs>)>,
    ports: Vec<(u16, AccessNet)>,
    handled_ports: BitFlags<AccessNet>,
}

impl Rules {
    /// Looks up all paths, and changes nothing.
    ///
    /// # Errors
    /// A path that does not exist.
    pub(super) fn open(paths: &[(PathBuf, Keep)], network: &Network) -> Result<Rules> {
        let mut files = Vec::new();
        for (path, keep) in paths {
            files.push(rule(path, rights(*keep)).map_err(|error| unusable(path, error))?);
        }
        if network.name_lookup {
            let resolver = RESOLVER.iter().chain(&RESOLVER_RUNTIME);
            let optional = resolver.map(|path| rule(Path::new(path), rights(Keep::Read)));
            files.extend(optional.filter_map(io::Result::ok));
        }
        let mut handled_ports = BitFlags::EMPTY;
        let mut ports = Vec::new();
        for (addresses, access) in [
            (&network.connect, AccessNet::ConnectTcp),
            (&network.listen, AccessNet::BindTcp),
        ] {
            let numbers: Option<Vec<u16>> = addresses.iter().map(NetworkAddress::port).collect();
            // An address without a port allows all ports.
            if let Some(numbers) = numbers {
                handled_ports |= access;
                ports.extend(numbers.into_iter().map(|port| (port, access)));
            }
        }
        if network.name_lookup && handled_ports.contains(AccessNet::ConnectTcp) {
            ports.push((NAME_SERVER_PORT, AccessNet::ConnectTcp));
        }
        if !network.connect.is_empty() && handled_ports.contains(AccessNet::BindTcp) {
            // A socket may be bound to any free port before it connects.
            ports.push((0, AccessNet::BindTcp));
        }
        Ok(Rules {
            files,
            ports,
            handled_ports,
        })
    }

    /// Restricts this process, and adds what the kernel lacks to `missing`.
    ///
    /// # Errors
    /// If there are other threads that it cannot restrict too, or the kernel refuses.
    pub(super) fn restrict(self, missing: &mut Vec<String>) -> Result<()> {
        let abi = match available()? {
            Ok(abi) => abi,
            Err(why) => {
                missing.push(why.to_owned());
                return Ok(());
            }
        };
        if abi < ABI::V8 {
            only_thread()?;
        }
        let lost = ADDED.iter().filter(|(since, _)| abi < *since);
        missing.extend(lost.map(|(_, text)| (*text).to_owned()));
        if abi < ABI::V2 {
            missing.push(
                "this kernel's Landlock lets no file be moved to another directory: Linux 5.19 does"
                    .to_owned(),
            );
        }
        let ruleset = self.ruleset().map_err(refused)?;
        ruleset
            .all_threads(true)
            .and_then(RulesetCreated::restrict_self)
            .map_err(refused)?;
        Ok(())
    }

    fn ruleset(self) -> Result<RulesetCreated, RulesetError> {
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(FILES))?
            .scope(Scope::from_all(SCOPES))?;
        if !self.handled_ports.is_empty() {
            ruleset = ruleset.handle_access(self.handled_ports)?;
        }
        let mut created = ruleset.create()?;
        for (file, rights) in self.files {
            created = created.add_rule(PathBeneath::new(file, rights))?;
        }
        for (port, access) in self.ports {
            created = created.add_rule(NetPort::new(port, access))?;
        }
        Ok(created)
    }
}

/// The version of Landlock that this kernel and this program have in common; or the reason why there is
/// none.
fn available() -> Result<std::result::Result<ABI, &'static str>> {
    // Asks for nothing, so nothing changes; the crate reports the version only in this way.
    let status = RestrictSelf::default()
        .no_new_privs(false)
        .apply()
        .map_err(refused)?;
    Ok(match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => Ok(effective_abi),
        LandlockStatus::NotEnabled => Err(
            "Landlock is not enabled in this kernel, so files that are not granted can be opened",
        ),
        LandlockStatus::NotImplemented => {
            Err("this kernel has no Landlock, so files that are not granted can be opened")
        }
    })
}

fn refused(error: RulesetError) -> Error {
    Error::new(
        ErrorKind::Engine,
        "Landlock refuses to confine this process",
    )
    .with_cause(error)
}

/// A path and the rights there. Opens only a reference, which needs no right to read.
fn rule(path: &Path, mut rights: BitFlags<AccessFs>) -> io::Result<(File, BitFlags<AccessFs>)> {
    let flags = rustix::fs::OFlags::PATH.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    if !file.metadata()?.is_dir() {
        rights &= AccessFs::from_file(FILES);
    }
    Ok((file, rights))
}

fn rights(keep: Keep) -> BitFlags<AccessFs> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    match keep {
        Keep::Read => read,
        // The rights to make devices, FIFOs and sockets and to execute programs are left out: guests
        // cannot ask for these.
        Keep::Write => {
            read | make_bitflags!(AccessFs::{
                WriteFile | Truncate | MakeReg | MakeDir | MakeSym | RemoveFile | RemoveDir | Refer
            })
        }
        Keep::RemoveFiles => AccessFs::RemoveFile.into(),
        Keep::RemoveDirectories => AccessFs::RemoveDir.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn ports(connect: &[&str], listen: &[&str], name_lookup: bool) -> Rules {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let network = Network {
            connect: addresses(connect),
            listen: addresses(listen),
            name_lookup,
        };
        Rules::open(&[], &network).unwrap()
    }

    #[test]
    fn ports_are_those_of_the_grants() {
        let both = AccessNet::ConnectTcp | AccessNet::BindTcp;
        let none = ports(&[], &[], false);
        assert_eq!((none.handled_ports, none.ports), (both, vec![]));
        let client = ports(&["1.2.3.4:80", "*:81"], &[], false);
        let expected = vec![
            (80, AccessNet::ConnectTcp),
            (81, AccessNet::ConnectTcp),
            (0, AccessNet::BindTcp),
        ];
        assert_eq!((client.handled_ports, client.ports), (both, expected));
        let names = ports(&[], &[], true);
        assert_eq!(
            (names.handled_ports, names.ports),
            (both, vec![(53, AccessNet::ConnectTcp)])
        );
        let server = ports(&["*:*"], &["127.0.0.1:8080"], true);
        let expected = vec![(8080, AccessNet::BindTcp), (0, AccessNet::BindTcp)];
        assert_eq!(
            (server.handled_ports, server.ports),
            (AccessNet::BindTcp.into(), expected)
        );
        let any = ports(&["*:*"], &["*:*"], false);
        assert_eq!((any.handled_ports, any.ports), (BitFlags::EMPTY, vec![]));
    }

    #[test]
    fn a_file_has_the_rights_of_files_only() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (_, of_file) = rule(file.path(), rights(Keep::Write)).unwrap();
        let expected = make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate});
        assert_eq!(of_file, expected);
        let (_, of_directory) = rule(Path::new("/"), rights(Keep::Write)).unwrap();
        assert_eq!(of_directory, rights(Keep::Write));
        assert!(!of_directory.contains(AccessFs::Execute));
    }
}
