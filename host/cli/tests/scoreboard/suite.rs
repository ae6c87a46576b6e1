//! The source of CPython's tests: Debian has them as packages, none of which is installed.
//!
//! This code unpacks the packages into the cache. They come from a Debian with a recent Python, whatever
//! the machine's own: apt fetches them from the machine's own mirror, with lists of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Debian whose Python the tests use, and that Python.
const RELEASE: &str = "trixie";
const PYTHON: &str = "python3.13";
const VERSION: &str = "3.13.5";

/// The keys of Debian, for machines where apt does not trust them for everything.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// CPython's tests.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The directory that holds the package `test`.
    pub(crate) library: PathBuf,
    pub(crate) version: String,
    /// Whether the user has named the directory: then it may be of any version.
    pub(crate) is_given: bool,
}

/// The tests. If there are none, prints the reason.
pub(crate) fn find() -> Option<Suite> {
    if let Some(given) = std::env::var_os("ISOPOD_CPYTHON_LIB") {
        let library = PathBuf::from(given).canonicalize().unwrap();
        return Some(Suite {
            library,
            version: "unknown".to_owned(),
            is_given: true,
        });
    }
    // Not in the cache, because the tests get the right to write to them.
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cpython-tests");
    let library = parent.join(VERSION);
    if !library.is_dir()
        && let Err(said) = unpack(&parent, &library)
    {
        eprintln!("skipped: CPython's own tests, version {VERSION}, cannot be had here: {said}");
        return None;
    }
    let version = VERSION.to_owned();
    Some(Suite {
        library,
        version,
        is_given: false,
    })
}

fn unpack(parent: &Path, library: &Path) -> Result<(), String> {
    fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    let temporary = tempfile::tempdir_in(parent).map_err(|error| error.to_string())?;
    let root = temporary.path();
    for directory in ["lists/partial", "cache", "downloads", "unpacked"] {
        fs::create_dir_all(root.join(directory)).map_err(|error| error.to_string())?;
    }
    fs::write(root.join("status"), "").map_err(|error| error.to_string())?;
    let packages = ["testsuite", "stdlib"].map(|part| format!("lib{PYTHON}-{part}"));

    said(apt(root).arg("update"))?;
    let format = "$(ORIGIN) $(LABEL) $(REPO_URI)";
    let indexes = said(apt(root).args(["indextargets", "--format", format]))?;
    let mirrors: BTreeSet<&str> = indexes
        .lines()
        .filter_map(|line| line.strip_prefix("Debian Debian "))
        .collect();
    let mut failures = format!("apt knows no mirror of Debian that could have {RELEASE}");
    let signed = if Path::new(KEYS).is_file() {
        format!("[signed-by={KEYS}] ")
    } else {
        String::new()
    };
    for mirror in mirrors {
        let sources = root.join("sources.list");
        fs::write(&sources, format!("deb {signed}{mirror} {RELEASE} main\n"))
            .map_err(|error| error.to_string())?;
        let of_release = || {
            let mut command = apt(root);
            command.args(["-o", &format!("Dir::Etc::sourcelist={}", sources.display())]);
            command.args(["-o", "Dir::Etc::sourceparts=/dev/null"]);
            command
        };
        match said(of_release().args(["update", "--error-on=any"]))
            .and_then(|_| said(of_release().arg("download").args(&packages)))
        {
            Ok(_) => return place(root, library),
            Err(error) => failures = error,
        }
    }
    Err(failures)
}

/// Assembles the package `test`: each of Debian's packages has a part of it.
fn place(root: &Path, library: &Path) -> Result<(), String> {
    let unpacked = root.join("unpacked");
    for entry in fs::read_dir(root.join("downloads")).map_err(|error| error.to_string())? {
        let package = entry.map_err(|error| error.to_string())?.path();
        let name = package.to_string_lossy();
        if !name.contains(&format!("_{VERSION}-")) {
            return Err(format!("{name} is of another version"));
        }
        said(Command::new("dpkg").arg("-x").arg(&package).arg(&unpacked))?;
    }
    let whole = root.join("library");
    fs::create_dir(&whole).map_err(|error| error.to_string())?;
    let test = unpacked.join("usr/lib").join(PYTHON).join("test");
    fs::rename(test, whole.join("test")).map_err(|error| error.to_string())?;
    fs::rename(whole, library).map_err(|error| error.to_string())
}

/// apt-get with its own lists and downloads: the machine's belong to root.
fn apt(root: &Path) -> Command {
    let mut command = Command::new("apt-get");
    for (option, place) in [
        ("Dir::State", ""),
        ("Dir::State::lists", "lists"),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
    ] {
        let place = root.join(place);
        command.args(["-o", &format!("{option}={}", place.display())]);
    }
    // Otherwise it would download as a user who cannot write here.
    command.args([
        "-o",
        "APT::Sandbox::User=",
        "-o",
        "Debug::NoLocking=1",
        "-q",
    ]);
    command.current_dir(root.join("downloads"));
    command
}

/// The output of a command, or its error text if it fails.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
