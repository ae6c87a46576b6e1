//! isopod builds and runs far from its sources: the binary carries everything that a guest needs.
//!
//! The test copies the binary and the programs to an empty directory. Where the system lets a user have
//! mounts of their own, the run cannot see the sources; in any case the test looks up the files that the
//! compiler read, in the dependency files that the compiler wrote.

use crate::support::{cache, clone_root, program, run, set_environment};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The parts of the workspace that hold sources. The target directory may be beside them.
const SOURCES: [&str; 5] = ["examples", "guest", "host", "tests", "wit"];

const OUTPUT: &str = "exit code: 0\n--- standard output\nchild: 101\nmain: 100\n";

#[test]
fn a_file_and_a_crate_far_from_the_sources() {
    // This run finds or installs the compiler while the sources are in reach.
    program("plain");
    let away = Away::new();
    let example = clone_root().join("examples/globals");
    let main = fs::read(example.join("src/main.rs")).unwrap();
    // Unique names, to find the files that belong to them.
    fs::write(away.directory.join("far_away_file.rs"), &main).unwrap();
    let manifest = fs::read_to_string(example.join("Cargo.toml")).unwrap();
    let manifest = manifest.replace("name = \"globals\"", "name = \"far_away_crate\"");
    fs::create_dir_all(away.directory.join("crate/src")).unwrap();
    fs::write(away.directory.join("crate/Cargo.toml"), &manifest).unwrap();
    fs::write(away.directory.join("crate/src/main.rs"), &main).unwrap();

    let ended = run(away.isopod(&["run", "-q", "far_away_file.rs"]));
    assert_eq!(ended.to_string(), OUTPUT);
    let ended = run(away.isopod(&["run", "-q", "crate"]));
    assert_eq!(ended.to_string(), OUTPUT);

    let project = project_of("far_away_file");
    assert_names_no_path(&project.join("Cargo.toml"));
    assert_names_no_path(&project.join("Cargo.lock"));
    assert_eq!(fs::read(project.join("far_away_file.rs")).unwrap(), main);
    // The crate is unchanged, except for the lock file that cargo makes.
    let unchanged = fs::read_to_string(away.directory.join("crate/Cargo.toml")).unwrap();
    assert_eq!(unchanged, manifest);
    assert_names_no_path(&away.directory.join("crate/Cargo.lock"));

    let mut found = Vec::new();
    for (name, file) in dependency_files() {
        let ours = ["isopod", "isopod_macros", "far_away_file", "far_away_crate"];
        if let Some(name) = ours.iter().find(|ours| **ours == name) {
            assert_names_no_source(&file);
            found.push(*name);
        }
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(
        found,
        ["far_away_crate", "far_away_file", "isopod", "isopod_macros"]
    );
}

/// A directory outside of the workspace. It is always the same one, because cargo keeps something for each
/// place of a build. It is locked, because other runs of these tests may use it too.
struct Away {
    directory: PathBuf,
    _lock: File,
}

impl Away {
    fn new() -> Away {
        let user = rustix::process::getuid().as_raw();
        let root = std::env::temp_dir().join(format!("isopod-cli-tests-{user}"));
        fs::create_dir_all(&root).unwrap();
        let root = root.canonicalize().unwrap();
        assert!(!root.starts_with(clone_root()));
        let lock = File::create(root.join("lock")).unwrap();
        lock.lock().unwrap();
        let directory = root.join("away");
        if directory.exists() {
            fs::remove_dir_all(&directory).unwrap();
        }
        fs::create_dir(&directory).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_isopod"), directory.join("isopod")).unwrap();
        Away {
            directory,
            _lock: lock,
        }
    }

    /// The copy of isopod, in its directory, without the sources if they can be hidden.
    fn isopod(&self, arguments: &[&str]) -> Command {
        let binary = self.directory.join("isopod");
        let mut command = match can_hide_sources() {
            true => hiding_sources(&["./isopod"]),
            false => Command::new(binary),
        };
        command
            .args(arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        set_environment(&mut command);
        command
    }
}

/// A command that sees empty directories mounted over the sources; only this command sees them.
fn hiding_sources(command: &[&str]) -> Command {
    let script = "for directory in $HIDDEN; do mount -t tmpfs none \"$CLONE/$directory\" || exit 70; \
                  done; exec \"$@\"";
    let mut unshare = Command::new("unshare");
    unshare
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .args(command)
        .env("CLONE", clone_root())
        .env("HIDDEN", SOURCES.join(" "));
    unshare
}

/// Whether users may have mounts of their own here; many containers forbid it.
fn can_hide_sources() -> bool {
    let mut test = hiding_sources(&["test", "!", "-e"]);
    test.arg(clone_root().join("host/cli"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    test.status().is_ok_and(|status| status.success())
}

/// The project that isopod made around a file.
fn project_of(name: &str) -> PathBuf {
    let projects = fs::read_dir(cache().join("projects")).unwrap();
    let mut projects = projects
        .map(|entry| entry.unwrap().path())
        .filter(|project| project.join(format!("{name}.rs")).exists());
    let project = projects.next().unwrap();
    assert_eq!(projects.next(), None, "one file has one project");
    project
}

/// The files in which cargo's compiler listed its inputs, with the names of their crates.
fn dependency_files() -> Vec<(String, PathBuf)> {
    let target = cache().join("target");
    let directories = ["release/deps", "wasm32-wasip1/release/deps"];
    let entries = directories.map(|directory| fs::read_dir(target.join(directory)).unwrap());
    entries
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "d"))
        .filter_map(|path| {
            let (name, _hash) = path.file_stem()?.to_str()?.rsplit_once('-')?;
            Some((name.to_owned(), path))
        })
        .collect()
}

fn assert_names_no_path(file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    for path in [clone_root(), cache(), std::env::temp_dir()] {
        assert!(!text.contains(path.to_str().unwrap()), "{text}");
    }
    assert!(!text.contains("\"/"), "{text}");
    assert!(!text.contains("file:"), "{text}");
}

fn assert_names_no_source(file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    for directory in SOURCES {
        let directory = clone_root().join(directory);
        assert!(!text.contains(directory.to_str().unwrap()), "{text}");
    }
}
