//! The files that a script can read in its own directory, when others have files there too.

use super::is_available;
use crate::support::{empty_directory, isopod, run};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Imports the files beside it, also in a child, and then looks for files that it may not read.
const SCRIPT: &str = "\
import multiprocessing, os, sys
import beside, package.inside
def names():
    return sorted(os.listdir(os.path.dirname(__file__)))
if __name__ == '__main__':
    print(beside.NAME, package.inside.NAME, names())
    with multiprocessing.Pool(1) as pool:
        print(pool.apply(names))
    for path in sys.argv[1:]:
        try:
            print(open(path).read())
        except OSError as error:
            print(type(error).__name__)
    open('/tmp/own', 'w').write('x')
";

fn write(directory: &Path) {
    let at = |name: &str| directory.join(name);
    fs::create_dir_all(at("package")).unwrap();
    fs::create_dir_all(at(".ssh")).unwrap();
    fs::write(at("script.py"), SCRIPT).unwrap();
    fs::write(at("beside.py"), "NAME = 'beside'").unwrap();
    fs::write(at("package/__init__.py"), "").unwrap();
    fs::write(at("package/inside.py"), "NAME = 'inside'").unwrap();
    fs::write(at("package/key.pem"), "secret").unwrap();
    fs::write(at(".ssh/id_rsa"), "secret").unwrap();
    fs::write(at("notes.txt"), "secret").unwrap();
    std::os::unix::fs::symlink(at("notes.txt"), at("link.py")).unwrap();
}

#[test]
fn a_script_at_home_reads_its_modules_and_nothing_else() {
    if !is_available() {
        return;
    }
    let home = empty_directory();
    write(home.path());
    let text = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let secrets = [
        text(".ssh/id_rsa"),
        text("notes.txt"),
        text("package/key.pem"),
    ];
    let arguments = |options: &[&str]| {
        let words = ["run", options[0], &text("script.py"), "--"];
        let secrets = secrets.iter().map(String::as_str);
        words
            .into_iter()
            .chain(secrets)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let start = |options: &[&str], home_is: &Path| {
        let words = arguments(options);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = isopod(home.path(), &words);
        command.env("HOME", home_is);
        run(command)
    };
    let narrow = "beside inside ['beside.py', 'package', 'script.py']\n\
                  ['beside.py', 'package', 'script.py']\n\
                  FileNotFoundError\nFileNotFoundError\nFileNotFoundError\n";
    let ended = start(&["-q"], home.path());
    assert_eq!((ended.exit_code, &*ended.stdout), (0, narrow), "{ended}");
    let ended = start(&["-v"], home.path());
    let told = "not granted: the directory";
    assert!(ended.stderr.contains(told), "{ended}");
    assert!(
        ended
            .stderr
            .contains("copies of its 4 modules are in its place"),
        "{ended}"
    );
    // In a directory of the user's alone, it can read everything.
    let ended = start(&["-q"], Path::new("/nonexistent"));
    assert!(
        ended.stdout.ends_with("secret\nsecret\nsecret\n"),
        "{ended}"
    );
    // A directory that all users may write is not the user's own either.
    let shared = fs::Permissions::from_mode(0o1777);
    fs::set_permissions(home.path(), shared).unwrap();
    let ended = start(&["-q"], Path::new("/nonexistent"));
    assert_eq!((ended.exit_code, &*ended.stdout), (0, narrow), "{ended}");
}

#[test]
fn a_script_in_the_directory_for_temporary_files_finds_nothing_of_others() {
    if !is_available() {
        return;
    }
    let name = format!("isopod-test-{}.py", std::process::id());
    let script = Path::new("/tmp").join(&name);
    let secret = Path::new("/tmp").join(format!("isopod-test-{}.txt", std::process::id()));
    fs::write(&secret, "secret").unwrap();
    let text = "import os, sys\nprint(os.path.exists(sys.argv[1]), os.path.exists(__file__))\nopen('/tmp/own', 'w').write('x')\n";
    fs::write(&script, text).unwrap();
    let words = [
        "run",
        "-q",
        script.to_str().unwrap(),
        "--",
        secret.to_str().unwrap(),
    ];
    let ended = run(isopod(Path::new("/"), &words));
    for path in [&script, &secret] {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(
        ended.to_string(),
        "exit code: 0\n--- standard output\nFalse True\n"
    );
    assert!(!Path::new("/tmp/own").exists());
}
