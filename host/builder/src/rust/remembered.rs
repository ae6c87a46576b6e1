//! Remembers built programs, so that a program with unchanged inputs is not built again.
//!
//! Without this, a confined build starts cargo four times only to find that nothing has changed. But the
//! inputs of such a build are known: the source, the compiler, the guest library, locked crates and a few
//! variables. So a module is kept with a hash of all inputs, and is returned while the hash is the same.
//!
//! The hash covers the size, inode and times of each file, as git's index does. A module is not kept if a
//! file changed during the build or shortly before it, because a further change might then leave the same
//! times.
//!
//! # Builds that are not remembered
//! Trusted source, whose build can read any file. Crates with a build script or a macro of their own, which
//! tell only cargo which files they read. Crates with settings of cargo. Builds with a warning, because cargo
//! repeats a warning.

use super::site::Site;
use crate::cache::{Cache, write_if_changed};
use crate::file::settings_if_any;
use crate::sdk::{Sdk, hex};
use crate::tool;
use sha2::{Digest, Sha256};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Two changes of a file that are this far apart have different times: two seconds on the coarsest file
/// systems.
const COARSEST: Duration = Duration::from_secs(2);

/// The largest number of files and directories of a source. A larger source is left to cargo.
const MAX_ENTRIES: usize = 20_000;

/// The largest number of kept files, two for each crate.
const MAX_KEPT: usize = 128;

/// Directories of a source that the hash leaves out. A program that is built from files in them is not
/// remembered.
const SKIPPED: [&str; 3] = ["target", "node_modules", ".git"];

/// All inputs of a confined build of one crate.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// The file that keeps the module.
    kept: PathBuf,
    /// The hash of the inputs other than the source: the compiler, the guest library, the variables, the
    /// settings.
    surroundings: Sha256,
    /// The source: files, and directories with all below them.
    source: Vec<PathBuf>,
    /// Directories whose files never change, since their names identify their content.
    unchanging: Vec<PathBuf>,
}

/// The state of all inputs at one time.
struct State {
    hash: [u8; 32],
    /// The time of the last change of any input.
    changed: Duration,
}

impl Inputs {
    /// The inputs of this crate; none if its build is not to be remembered.
    pub(crate) fn of(cache: &Cache, site: &Site, sdk: &Sdk) -> Option<Inputs> {
        let place = hex(&Sha256::digest(
            site.manifest().as_os_str().as_encoded_bytes(),
        ));
        let mut source = site.all_sources()?;
        source.sort();
        let mut surroundings = Sha256::new();
        // The running executable contains the guest library and decides how cargo is called.
        add_file(&mut surroundings, &std::env::current_exe().ok()?)?;
        add(&mut surroundings, sdk.root().as_os_str().as_encoded_bytes());
        let toolchain = site.toolchain();
        add(&mut surroundings, format!("{toolchain:?}").as_bytes());
        for part in toolchain.directories() {
            add_file(&mut surroundings, &part)?;
        }
        let (_, command) = site.reading().ok()?;
        for (name, value) in command.get_envs() {
            // Each sandbox has a temporary directory of its own.
            if name != "HOME" && name != "TMPDIR" {
                add(&mut surroundings, name.as_encoded_bytes());
                add(
                    &mut surroundings,
                    value.unwrap_or_default().as_encoded_bytes(),
                );
            }
        }
        let settings = fs::read(site.home()?.join("config.toml")).ok()?;
        add(&mut surroundings, &settings);
        Some(Inputs {
            kept: cache.path("built").join(place),
            surroundings,
            source,
            unchanging: vec![sdk.root().to_owned(), site.home()?.to_owned()],
        })
    }

    /// The module that was built from these inputs, with the name of the program.
    pub(crate) fn recall(&self) -> Option<(Vec<u8>, String)> {
        let mut kept = fs::read(&self.kept).ok()?;
        let (hash, rest) = kept.split_first_chunk::<32>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let name = String::from_utf8(rest.get(..length)?.to_vec()).ok()?;
        if self.state()?.hash != *hash {
            return None;
        }
        Some((kept.split_off(36 + length), name))
    }

    /// Keeps the module of a build that began at `begin`. `file` is cargo's own file of the module.
    ///
    /// A module that cannot be kept is only built again next time, so a failure is not reported.
    pub(crate) fn remember(
        &self,
        cache: &Cache,
        begin: SystemTime,
        file: &Path,
        module: &[u8],
        name: &str,
    ) -> Option<()> {
        let begin = begin.duration_since(UNIX_EPOCH).ok()?;
        let state = self.state()?;
        let is_settled = state.changed + COARSEST < begin;
        if !is_settled || !self.holds_all_of(&file.with_extension("d")) {
            return None;
        }
        let length = u32::try_from(name.len()).ok()?.to_le_bytes();
        let content = [&state.hash[..], &length, name.as_bytes(), module].concat();
        let directory = cache.directory("built").ok()?;
        remove_oldest(&directory);
        write_if_changed(&self.kept, &content).ok()
    }

    /// Whether a file was changed after the start of the last build, or a moment before it, and yet has an
    /// older time of modification. cargo compares only times, so it takes such a file for unchanged.
    pub(crate) fn has_hidden_change(&self) -> bool {
        let last = fs::read_to_string(self.note()).ok();
        let last = last.and_then(|text| text.parse().ok());
        last.is_some_and(|last: u64| self.has_older_times(last))
    }

    /// Records the start of a build. Call it only when cargo can no longer use an older output for these
    /// files: a build that is interrupted earlier must leave the previous note in place.
    pub(crate) fn note_begin(&self, cache: &Cache, begin: SystemTime) {
        let seconds = begin.duration_since(UNIX_EPOCH).map(|time| time.as_secs());
        if let (Ok(_), Ok(seconds)) = (cache.directory("built"), seconds) {
            // Without the note, the next build trusts the times.
            let _ = write_if_changed(&self.note(), seconds.to_string().as_bytes());
        }
    }

    fn note(&self) -> PathBuf {
        self.kept.with_extension("begun")
    }

    fn has_older_times(&self, since: u64) -> bool {
        let since = since.saturating_sub(COARSEST.as_secs()).cast_signed();
        let coarsest = COARSEST.as_secs().cast_signed();
        let mut has_older = false;
        self.entries(|_, metadata| {
            let (modified, changed) = (metadata.mtime(), metadata.ctime());
            has_older = !metadata.is_dir()
                && changed >= since
                && modified < changed.saturating_sub(coarsest);
            (!has_older).then_some(())
        });
        has_older
    }

    /// Calls `each` for all entries of the source. Stops, with none, if `each` returns none or there are too
    /// many entries.
    fn entries(&self, mut each: impl FnMut(&Path, &Metadata) -> Option<()>) -> Option<()> {
        let mut entries = self.source.clone();
        let mut left = MAX_ENTRIES;
        while let Some(path) = entries.pop() {
            left = left.checked_sub(1)?;
            let metadata = fs::symlink_metadata(&path).ok()?;
            each(&path, &metadata)?;
            if metadata.is_dir() {
                let mut below = tool::entries(&path, "");
                below.retain(|path| !SKIPPED.iter().any(|name| path.ends_with(name)));
                entries.append(&mut below);
            }
        }
        Some(())
    }

    /// Whether the hash covers all files that cargo lists as the program's dependencies.
    fn holds_all_of(&self, dependencies: &Path) -> bool {
        let Some(text) = settings_if_any(dependencies) else {
            return false;
        };
        let is_held = |file: &Path| {
            let is_skipped = |part: &Path| SKIPPED.iter().any(|name| part.ends_with(name));
            self.unchanging.iter().any(|place| file.starts_with(place))
                || self.source.iter().any(|source| {
                    let below = file.strip_prefix(source);
                    below.is_ok_and(|below| !below.ancestors().any(is_skipped))
                })
        };
        text.lines()
            .filter_map(|line| line.split_once(": "))
            .flat_map(|(_, files)| files_of(files))
            .all(|file| is_held(&file))
    }

    fn state(&self) -> Option<State> {
        let mut hash = self.surroundings.clone();
        let mut changed = Duration::ZERO;
        self.entries(|path, metadata| {
            add_file(&mut hash, path)?;
            changed = changed.max(last_change(metadata)?);
            Some(())
        })?;
        Some(State {
            hash: hash.finalize().into(),
            changed,
        })
    }
}

/// Leaves room for one more.
fn remove_oldest(directory: &Path) {
    let mut kept: Vec<(SystemTime, PathBuf)> = tool::entries(directory, "")
        .into_iter()
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    kept.sort();
    let surplus = (kept.len() + 1).saturating_sub(MAX_KEPT);
    for (_, path) in kept.iter().take(surplus) {
        // The next call tries again.
        let _ = fs::remove_file(path);
    }
}

/// The later of the times of modification and of the last change of the inode.
fn last_change(metadata: &Metadata) -> Option<Duration> {
    let seconds = u64::try_from(metadata.mtime().max(metadata.ctime())).ok()?;
    // Rounded up.
    Some(Duration::from_secs(seconds.saturating_add(1)))
}

/// The paths in a line of a makefile: a space separates two paths, and a backslash escapes a space.
fn files_of(line: &str) -> Vec<PathBuf> {
    let mut files = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => files.push(String::new()),
            letter => {
                let letter = match letter {
                    '\\' => letters.next().unwrap_or(letter),
                    letter => letter,
                };
                if let Some(file) = files.last_mut() {
                    file.push(letter);
                }
            }
        }
    }
    files.retain(|file| !file.is_empty());
    files.into_iter().map(PathBuf::from).collect()
}

/// Adds bytes with their length, so that two different lists never hash the same bytes.
fn add(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// Adds the path and the identity of a file. For a symbolic link, adds those of the link and of its target.
fn add_file(hash: &mut Sha256, path: &Path) -> Option<Metadata> {
    add(hash, path.as_os_str().as_encoded_bytes());
    let metadata = fs::symlink_metadata(path).ok()?;
    add_identity(hash, &metadata);
    if metadata.is_symlink() {
        let target = fs::canonicalize(path).unwrap_or_default();
        add(hash, target.as_os_str().as_encoded_bytes());
        if let Ok(metadata) = fs::metadata(path) {
            add_identity(hash, &metadata);
        }
    }
    Some(metadata)
}

fn add_identity(hash: &mut Sha256, metadata: &Metadata) {
    let numbers = [
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        metadata.mode().into(),
    ];
    let times = [
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ];
    for number in numbers {
        hash.update(number.to_le_bytes());
    }
    for number in times {
        hash.update(number.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// A source with a file, a directory and a link, and inputs that consist of it.
    fn inputs(place: &Path) -> Inputs {
        let source = place.join("source");
        fs::create_dir_all(source.join("src/deep")).unwrap();
        fs::create_dir_all(source.join("target")).unwrap();
        for file in ["src/main.rs", "src/deep/text", "target/made"] {
            fs::write(source.join(file), "one").unwrap();
        }
        std::os::unix::fs::symlink("deep/text", source.join("src/link")).unwrap();
        Inputs {
            kept: place.join("cache/built/one"),
            surroundings: Sha256::new(),
            source: vec![source],
            unchanging: vec![place.join("library")],
        }
    }

    fn dependencies(place: &Path, files: &[&str]) -> PathBuf {
        let files: Vec<String> = files
            .iter()
            .map(|file| place.join(file).display().to_string().replace(' ', "\\ "))
            .collect();
        let text = format!(
            "{}: {}\n",
            place.join("made.wasm").display(),
            files.join(" ")
        );
        fs::write(place.join("made.d"), text).unwrap();
        place.join("made.wasm")
    }

    #[test]
    fn a_module_is_given_back_until_any_of_its_inputs_changes() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path();
        let later = || SystemTime::now() + 2 * COARSEST;
        let changes: [&dyn Fn(&Path); 6] = [
            &|source| fs::write(source.join("src/main.rs"), "two").unwrap(),
            &|source| fs::write(source.join("src/deep/new"), "").unwrap(),
            &|source| fs::remove_file(source.join("src/deep/text")).unwrap(),
            &|source| fs::rename(source.join("src/main.rs"), source.join("src/lib.rs")).unwrap(),
            &|source| {
                fs::remove_file(source.join("src/link")).unwrap();
                std::os::unix::fs::symlink("main.rs", source.join("src/link")).unwrap();
            },
            &|source| {
                // The same size and the same time of change.
                let file = source.join("src/main.rs");
                let modified = fs::metadata(&file).unwrap().modified().unwrap();
                fs::write(&file, "six").unwrap();
                let file = fs::File::options().append(true).open(file).unwrap();
                file.set_modified(modified).unwrap();
            },
        ];
        for (number, change) in changes.iter().enumerate() {
            let place = place.join(number.to_string());
            let cache = Cache::open(Some(&place.join("cache"))).unwrap();
            let inputs = inputs(&place);
            let file = dependencies(&place, &["source/src/main.rs", "library/lib.rs"]);
            assert_eq!(inputs.recall(), None);
            let kept = inputs.remember(&cache, later(), &file, b"module", "name");
            assert_eq!(kept, Some(()));
            let expected = (b"module".to_vec(), "name".to_owned());
            assert_eq!(inputs.recall(), Some(expected.clone()));
            fs::write(place.join("source/target/made"), "two").unwrap();
            assert_eq!(inputs.recall(), Some(expected), "it is not of the source");
            change(inputs.source.first().unwrap());
            assert_eq!(inputs.recall(), None, "change {number}");
        }
    }

    #[test]
    fn a_build_is_kept_if_all_of_its_inputs_are_known_and_old() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path();
        let cache = Cache::open(Some(&place.join("cache"))).unwrap();
        let inputs = inputs(place);
        let later = SystemTime::now() + 2 * COARSEST;
        for other in ["source/target/made", "elsewhere/with a space.rs"] {
            let file = dependencies(place, &["source/src/main.rs", other]);
            let kept = inputs.remember(&cache, later, &file, b"module", "name");
            assert_eq!(kept, None, "{other}");
        }
        let file = dependencies(place, &["source/src/main.rs", "source/with a space.rs"]);
        let now = SystemTime::now();
        assert_eq!(inputs.remember(&cache, now, &file, b"module", "name"), None);
        assert!(
            inputs
                .remember(&cache, later, &file, b"module", "name")
                .is_some()
        );
        // A truncated file is not used.
        let kept = fs::File::options().append(true).open(&inputs.kept);
        kept.unwrap().set_len(34).unwrap();
        assert_eq!(inputs.recall(), None);
    }

    #[test]
    fn only_so_many_are_kept() {
        let place = tempfile::tempdir().unwrap();
        for number in 0..MAX_KEPT + 3 {
            fs::write(place.path().join(number.to_string()), "").unwrap();
        }
        remove_oldest(place.path());
        assert_eq!(tool::entries(place.path(), "").len(), MAX_KEPT - 1);
    }
}
