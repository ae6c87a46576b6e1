//! The access of a script to the directory that it lies in.
//!
//! A script reads its own directory, which holds its modules and data. But a home directory, `/tmp` and other shared
//! directories hold unrelated files too. Of such a directory the script gets copies only: of itself, and of the modules
//! that it could import from there.

use super::overlap;
use crate::private;
use crate::report;
use anyhow::Context as _;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Most modules to copy, and their largest total size.
const MOST_MODULES: u64 = 1_000;
const MOST_BYTES: u64 = 16 << 20;
/// Most directory entries to look at.
const MOST_ENTRIES: u64 = 100_000;
/// Deepest nesting of packages.
const DEEPEST: u32 = 16;

/// Directories that all users share, on all machines.
const SHARED: [&str; 4] = ["/", "/tmp", "/var/tmp", "/dev/shm"];

/// Writable for all users, with the sticky bit.
const SHARED_MODE: u32 = 0o1002;

/// The directory of a script, if it holds unrelated files too.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) directory: PathBuf,
    /// The name under which the script sees it.
    pub(super) name: String,
    /// The file of the script; `None` for a module.
    pub(super) script: Option<PathBuf>,
}

/// Whether a directory belongs to a program alone: it is not, and does not contain, the home directory, a shared
/// directory, the cache or the key of the cache.
pub(super) fn is_only_the_programs(directory: &Path) -> bool {
    is_only_with_key(directory, isopod_host::code::cache_key_file().as_deref())
}

fn is_only_with_key(directory: &Path, key: Option<&Path>) -> bool {
    let Ok(directory) = directory.canonicalize() else {
        return true;
    };
    if fs::metadata(&directory).is_ok_and(|found| found.mode() & SHARED_MODE == SHARED_MODE) {
        return false;
    }
    let of_user = [
        std::env::var_os("HOME").map(PathBuf::from),
        isopod_build::cache_directory(),
        Some(std::env::temp_dir()),
    ];
    let shared = SHARED.iter().map(PathBuf::from);
    let mut shared = shared.chain(of_user.into_iter().flatten());
    let holds_key = key.is_some_and(|key| overlap::holds_key(&directory, key));
    !holds_key && !shared.any(|shared| private::lies_in(&private::real(&shared), &directory))
}

impl Own {
    /// Copies the script and the modules beside it, and returns the number of modules.
    ///
    /// # Errors
    /// The script cannot be read, there are too many modules, or they cannot be written.
    pub(super) fn copy_to(&self, destination: &Path) -> anyhow::Result<u64> {
        let mut copying = Copying {
            modules: 0,
            bytes: 0,
            entries: 0,
        };
        if let Some(script) = &self.script {
            let name = script.file_name().unwrap_or(OsStr::new("script"));
            let copied = isopod_file::read(script, MOST_BYTES)
                .and_then(|text| fs::write(destination.join(name), text));
            copied.with_context(|| format!("the script `{}` cannot be read", script.display()))?;
        }
        copying
            .modules_of(&self.directory, destination, DEEPEST)
            .map_err(|error| {
                let shown = self.directory.display();
                report::with_hint(
                    format!("the modules in `{shown}` cannot be copied for the program: {error}"),
                    "put the script into a directory of its own, or grant the directory with `--read-dir`",
                )
            })?;
        Ok(copying.modules)
    }
}

struct Copying {
    modules: u64,
    bytes: u64,
    entries: u64,
}

impl Copying {
    fn modules_of(&mut self, from: &Path, to: &Path, depth: u32) -> io::Result<()> {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            self.entries += 1;
            check(self.entries, MOST_ENTRIES, "entries")?;
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let is_package = path.join("__init__.py").is_file();
                if is_package && depth > 0 {
                    let to = to.join(&name);
                    fs::create_dir(&to)?;
                    self.modules_of(&path, &to, depth - 1)?;
                }
                continue;
            }
            // A link may lead anywhere, and another user may have created it.
            if !kind.is_file() || path.extension().is_none_or(|extension| extension != "py") {
                continue;
            }
            let Some(mut module) = opened(&path)? else {
                continue;
            };
            self.modules += 1;
            check(self.modules, MOST_MODULES, "modules")?;
            let mut copy = match fs::File::create_new(to.join(&name)) {
                // The script itself. Writing it again would wait for the disk on some file systems.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            };
            self.bytes += io::copy(
                &mut (&mut module).take(MOST_BYTES - self.bytes + 1),
                &mut copy,
            )?;
            check(self.bytes, MOST_BYTES, "bytes of modules")?;
        }
        Ok(())
    }
}

/// Opens a module; `None` if the program could not import it either, or if it was replaced meanwhile.
fn opened(path: &Path) -> io::Result<Option<fs::File>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) => {
            return match Errno::from_io_error(&error) {
                Some(Errno::ACCESS | Errno::PERM | Errno::NOENT | Errno::LOOP | Errno::NXIO) => {
                    Ok(None)
                }
                _ => Err(error),
            };
        }
    };
    Ok(file.metadata()?.is_file().then_some(file))
}

fn check(count: u64, most: u64, what: &str) -> io::Result<()> {
    match count <= most {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "there are more than {most} {what}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn directories_of_many_are_no_programs_own() {
        for path in ["/", "/tmp", "/var", "/dev"] {
            assert!(!is_only_the_programs(Path::new(path)), "{path}");
        }
        let home = PathBuf::from(std::env::var_os("HOME").unwrap());
        assert!(!is_only_the_programs(&home));
        let own = tempfile::tempdir().unwrap();
        assert!(is_only_the_programs(own.path()));
        let shared = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
        fs::set_permissions(own.path(), shared).unwrap();
        assert!(!is_only_the_programs(own.path()));
    }

    #[test]
    fn no_directory_with_the_key_of_the_cache_is_a_programs_own() {
        let own = tempfile::tempdir().unwrap();
        let (key, other) = (own.path().join("a/b/cache.key"), own.path().join("a/other"));
        for is_there in [false, true] {
            if is_there {
                fs::create_dir_all(&other).unwrap();
                fs::create_dir_all(key.parent().unwrap()).unwrap();
                fs::write(&key, "").unwrap();
                assert!(is_only_with_key(&other, Some(&key)));
            }
            assert!(!is_only_with_key(own.path(), Some(&key)));
            assert!(is_only_with_key(own.path(), None));
        }
    }

    #[test]
    fn modules_and_packages_are_copied_and_nothing_else() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |name: &str| from.path().join(name);
        fs::create_dir_all(at("package/inner")).unwrap();
        fs::create_dir_all(at("data")).unwrap();
        for name in [
            "script",
            "a.py",
            "secret.txt",
            "package/__init__.py",
            "package/b.py",
            "package/key",
            "package/inner/c.py",
            "data/d.py",
        ] {
            fs::write(at(name), name).unwrap();
        }
        let own = Own {
            directory: from.path().to_owned(),
            name: String::new(),
            script: Some(at("script")),
        };
        assert_eq!(own.copy_to(to.path()).unwrap(), 3);
        let is_there = |name: &str| to.path().join(name).exists();
        for name in ["script", "a.py", "package/__init__.py", "package/b.py"] {
            assert!(is_there(name), "{name}");
        }
        for name in ["secret.txt", "package/key", "package/inner", "data"] {
            assert!(!is_there(name), "{name}");
        }
    }
}
