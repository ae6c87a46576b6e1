//! Directories that no program may write, because isopod itself runs or trusts their files.
//!
//! Compiled code, the compilers and their libraries, the environment of Python, the key of the cache and isopod's own
//! program: a program that writes one of these runs native code at the next start. isopod refuses a writable grant that
//! contains one of them, or lies in one. It compares paths without links, and also identities, which reveal a directory
//! under another name (a bind mount).

use crate::args::GrantArgs;
use crate::identity::{Identity, identities_above, identity};
use crate::report;
use crate::values::DirectoryGrant;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Programs that builds start.
const TOOLS: [&str; 8] = [
    "cargo", "clang", "node", "npm", "python3", "rustc", "rustup", "zig",
];

/// Programs of the system, with their libraries and settings.
const SYSTEM: [&str; 9] = [
    "/bin",
    "/etc",
    "/lib",
    "/lib64",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib64",
    "/usr/libexec",
];

/// isopod's own places, which no option grants. The first one also contains the private directories of programs.
const OWN: [&str; 2] = ["isopod's cache", "the key of isopod's cache"];

/// A place that programs must not write.
struct Protected {
    what: &'static str,
    path: PathBuf,
    /// Whether it is isopod's own, which no option grants.
    is_own: bool,
}

/// Refuses writable grants that overlap a protected place, and readable grants that contain the key of the cache: with
/// the key a program can forge code that isopod trusts.
///
/// # Errors
/// If it refuses a grant. The error names the place, and the hint the option that allows it.
pub(crate) fn check(grants: &GrantArgs) -> anyhow::Result<()> {
    check_to_write(&grants.directories, grants.allow_overlap)?;
    let Some(key) = isopod_host::code::cache_key_file() else {
        return Ok(());
    };
    for grant in &grants.read_directories {
        if holds_key(grant.host(), &key) {
            return Err(report::with_hint(
                format!(
                    "the directory `{}` cannot be granted: it contains the key of isopod's cache `{}`, and a program with this key can forge code that isopod trusts",
                    grant.host().display(),
                    key.display()
                ),
                "grant only directories without the key, or name another directory for the key with `ISOPOD_STATE`; no option grants the key",
            ));
        }
    }
    Ok(())
}

/// Whether this directory contains the key of the cache, or will contain it.
pub(crate) fn holds_key(directory: &Path, key: &Path) -> bool {
    let [_, what] = OWN;
    let key = Protected {
        what,
        path: key.to_owned(),
        is_own: true,
    };
    overlapping(directory, &[key]).is_some()
}

/// With `is_allowed`, refuses only isopod's cache and its key.
fn check_to_write(grants: &[DirectoryGrant], is_allowed: bool) -> anyhow::Result<()> {
    if grants.is_empty() {
        return Ok(());
    }
    let mut protected = protected();
    if is_allowed {
        protected.retain(|place| place.is_own);
    }
    for grant in grants {
        let shown = grant.host().display();
        if let Some(place) = overlapping(grant.host(), &protected) {
            return Err(report::with_hint(
                format!(
                    "the directory `{shown}` cannot be granted for writing: it overlaps {} `{}`, and a program that writes there can run native code as you",
                    place.what,
                    place.path.display()
                ),
                match place.is_own {
                    true => {
                        "grant another directory, or use `--read-dir`; no option allows this one"
                    }
                    false => {
                        "grant a directory below it with the program's files only, or use `--read-dir`; \
                         `--allow-overlap` allows it anyway, for a program that you trust"
                    }
                },
            ));
        }
    }
    Ok(())
}

fn overlapping<'a>(granted: &Path, protected: &'a [Protected]) -> Option<&'a Protected> {
    let granted = resolved(granted);
    let of_granted = identity(&granted);
    let above_granted = identities_above(&granted);
    protected.iter().find(|place| {
        let path = resolved(&place.path);
        let is_same_path = path.starts_with(&granted) || granted.starts_with(&path);
        let holds = of_granted.is_some_and(|one| identities_above(&path).contains(&one));
        let lies_in = identity(&path).is_some_and(|one| above_granted.contains(&one));
        let is_part = of_granted.is_some_and(|one| parts(&path).contains(&one));
        is_same_path || holds || lies_in || is_part
    })
}

/// The places that isopod runs or trusts.
fn protected() -> Vec<Protected> {
    let home = |below: &str| variable("HOME").map(|home| home.join(below));
    let mut found: Vec<Protected> = Vec::new();
    let mut add = |what, path: Option<PathBuf>| {
        if let Some(path) = path {
            let is_own = OWN.contains(&what);
            found.push(Protected { what, path, is_own });
        }
    };
    let [cache, key] = OWN;
    add(cache, isopod_build::cache_directory());
    add(key, isopod_host::code::cache_key_file());
    add("isopod itself", env::current_exe().ok());
    add(
        "cargo's directory",
        variable("CARGO_HOME").or_else(|| home(".cargo")),
    );
    add(
        "rustup's directory",
        variable("RUSTUP_HOME").or_else(|| home(".rustup")),
    );
    for directory in SYSTEM {
        add("a directory of the system,", Some(PathBuf::from(directory)));
    }
    add("the WASI SDK", variable("WASI_SDK_PATH"));
    add("the environment of Python", variable("VIRTUAL_ENV"));
    add(
        "the private directory for sockets",
        variable("XDG_RUNTIME_DIR"),
    );
    let path = env::var_os("PATH").unwrap_or_default();
    for directory in env::split_paths(&path) {
        // A program could put a compiler of its own there. An empty name is the working directory.
        let directory = match directory.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => directory,
        };
        add("a directory of `PATH`,", Some(directory.clone()));
        for tool in TOOLS {
            // The target of a link in the directory.
            let program = directory.join(tool).canonicalize().ok();
            add("a build tool,", program.filter(|program| program.is_file()));
        }
    }
    found
}

fn variable(name: &str) -> Option<PathBuf> {
    let value = env::var_os(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

/// The path without links. A missing path, which a program could create, is resolved from the nearest existing
/// directory above it.
fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // For a file on `PATH` the directory counts in which it can be replaced, not the target of its link.
    if fs::symlink_metadata(&absolute)
        .is_ok_and(|metadata| metadata.is_symlink() && !absolute.is_dir())
        && let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name())
    {
        return resolved(parent).join(name);
    }
    for above in absolute.ancestors() {
        if let Ok(real) = above.canonicalize() {
            let rest = absolute.strip_prefix(above).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    absolute
}

/// The identities of the direct subdirectories: a part of the cache may also be mounted elsewhere.
fn parts(path: &Path) -> BTreeSet<Identity> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| identity(&entry.path()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::os::unix::fs::symlink;

    fn overlaps(granted: &Path, place: &Path) -> bool {
        let protected = [Protected {
            what: "it",
            path: place.to_owned(),
            is_own: false,
        }];
        overlapping(granted, &protected).is_some()
    }

    #[test]
    fn both_directions_links_and_what_does_not_exist_yet() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("home/cache/isopod/code")).unwrap();
        fs::create_dir_all(at("home/data")).unwrap();
        symlink(at("home"), at("link")).unwrap();
        symlink("../cache/isopod/code", at("home/data/inner")).unwrap();
        let cache = at("home/cache/isopod");
        for granted in [
            "home",
            "home/cache",
            "home/cache/isopod",
            "home/cache/isopod/code",
            "link",
            "link/cache/isopod/code",
            "home/data/inner",
            "home/data/../cache",
        ] {
            assert!(overlaps(&at(granted), &cache), "{granted}");
        }
        assert!(overlaps(directory.path(), &cache));
        assert!(overlaps(Path::new("/"), &cache));
        assert!(!overlaps(&at("home/data"), &cache));
        // The cache of a new user: a program that writes above it could create it.
        assert!(overlaps(&at("home/data"), &at("home/data/not/yet")));
        assert!(overlaps(&at("link/data"), &at("home/data/not/yet")));
        assert!(!overlaps(&at("home/cache"), &at("home/data/not/yet")));
    }

    #[test]
    fn a_link_on_the_path_counts_where_it_lies() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("venv/bin")).unwrap();
        fs::create_dir_all(at("real")).unwrap();
        fs::write(at("real/python3"), "").unwrap();
        symlink(at("real/python3"), at("venv/bin/python3")).unwrap();
        assert!(overlaps(&at("venv"), &at("venv/bin/python3")));
        assert!(!overlaps(&at("real"), &at("venv/bin/python3")));
    }

    #[test]
    fn a_directory_is_known_by_its_identity() {
        // As with a bind mount: other paths, the same directory.
        let identity_of_root = identity(Path::new("/")).unwrap();
        assert!(identities_above(Path::new("/usr/bin")).contains(&identity_of_root));
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("code")).unwrap();
        let code = identity(&directory.path().join("code")).unwrap();
        assert!(parts(directory.path()).contains(&code));
    }
}
