//! Packages from PyPI, installed by pip into a directory that a script is granted.

use super::{directory, is_available};
use crate::support::{isopod, run};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Three packages of pure Python, and a dependency of one of them, whose compiled part is only for speed
/// and left out here.
const PACKAGES: [&str; 4] = [
    "attrs==25.3.0",
    "jinja2==3.1.6",
    "markupsafe==3.0.2",
    "sortedcontainers==2.4.0",
];

/// The directory with the packages, installed if it is missing. If they are not available, prints the
/// reason.
#[allow(
    clippy::print_stderr,
    reason = "whoever runs the tests must see what they leave out"
)]
fn installed() -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-packages");
    // Written last: if it is missing, an installation was cut short.
    let complete = directory.join(PACKAGES.join(" "));
    if complete.is_file() {
        return Some(directory);
    }
    std::fs::create_dir_all(&directory).unwrap();
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--upgrade", "--no-deps"])
        .args(["--disable-pip-version-check", "--no-input", "--target"])
        .arg(&directory)
        .args(PACKAGES)
        .stdin(Stdio::null())
        .output();
    let said = match output {
        Ok(output) if output.status.success() => {
            std::fs::write(complete, "").unwrap();
            return Some(directory);
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("notice: skipped, packages of Python cannot be installed: {said}");
    None
}

#[test]
fn packages_of_pure_python_from_a_granted_directory() {
    if !is_available() {
        return;
    }
    let Some(packages) = installed() else {
        return;
    };
    let packages = packages.to_str().unwrap();
    let kept = std::fs::read_to_string(directory().join("packages.txt")).unwrap();
    let variable = format!("PYTHONPATH={packages}");
    let arguments = [
        "run",
        "-q",
        "--dir",
        packages,
        "--env",
        &variable,
        "packages.py",
    ];
    let ended = run(isopod(&directory(), &arguments));
    assert_eq!(
        (ended.exit_code, ended.stdout.as_str()),
        (0, kept.as_str()),
        "{ended}"
    );
    let native = Command::new("python3")
        .arg("packages.py")
        .env("PYTHONPATH", packages)
        .current_dir(directory())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&native.stdout), kept);
}
