//! Paths, addresses and output as scripts use them, at the points where the host's rules could interfere.

use super::{is_available, run_text};
use crate::support::{empty_directory, isopod, run};
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

#[test]
fn a_directory_is_found_by_the_name_that_was_given() {
    if !is_available() {
        return;
    }
    let directory = empty_directory();
    let at = |name: &str| directory.path().join(name);
    for name in ["script/inner", "data/below", "other"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    symlink("../other", at("script/link")).unwrap();
    let text = "\
import os, sys
for name in sys.argv[1:]:
    with open(f'{name}/new', 'w') as file:
        file.write(name)
    with open(os.path.join(os.path.abspath(name), 'new')) as file:
        print(name, file.read() == name, os.listdir(name))
    os.remove(f'{name}/new')
";
    fs::write(at("script/script.py"), text).unwrap();
    for name in [
        "../data",
        "../data/below/../below",
        "link",
        "./inner",
        "../other/",
    ] {
        let mut arguments = vec!["run", "--dir", name, "script.py", "--", name];
        arguments.insert(1, "-q");
        let ended = run(isopod(&at("script"), &arguments));
        assert_eq!(ended.exit_code, 0, "{name}: {ended}");
        assert!(
            ended.stdout.starts_with(&format!("{name} True ")),
            "{name}: {ended}"
        );
    }
}

#[test]
fn a_name_that_is_no_text_hides_no_other() {
    if !is_available() {
        return;
    }
    let directory = empty_directory();
    for name in [&b"a"[..], b"\xff\xfe", b"z"] {
        fs::write(directory.path().join(OsStr::from_bytes(name)), "").unwrap();
    }
    let text = "import os; print(sorted(os.listdir('.')), sorted(entry.name for entry in os.scandir('.')))";
    let ended = run(isopod(
        directory.path(),
        &["run", "-q", "--read-dir", ".", "-c", text],
    ));
    assert_eq!(
        ended.to_string(),
        "exit code: 0\n--- standard output\n['a', 'z'] ['a', 'z']\n"
    );
}

#[test]
fn an_address_in_digits_needs_no_look_up() {
    if !is_available() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let text = format!(
        "import socket\n\
         with socket.create_connection(('127.0.0.1', {port})) as connection:\n    \
             connection.sendall(b'hello')\n\
         try:\n    \
             socket.create_connection(('localhost', {port}))\n\
         except OSError as error:\n    \
             print('refused')\n",
        port = address.port()
    );
    let granted = address.to_string();
    let ended = run_text(&text, &["-q", "--net", &granted]);
    assert_eq!(ended.stdout, "refused\n", "{ended}");
    assert_eq!(ended.exit_code, 0, "{ended}");
    let mut said = String::new();
    listener
        .accept()
        .unwrap()
        .0
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "hello");
}

/// A caller that has the result of a job has its output too, however the pool ends.
#[test]
fn what_jobs_print_is_not_lost_with_their_pool() {
    if !is_available() {
        return;
    }
    let text = |end: &str| {
        format!(
            "from multiprocessing import Pool\n\
             def job(number):\n    \
                 print('job', number)\n    \
                 return number\n\
             if __name__ == '__main__':\n    \
                 pool = Pool(2)\n    \
                 print(sum(pool.map(job, range(8))))\n    \
                 {end}\n"
        )
    };
    for end in [
        "pass",
        "pool.terminate()",
        "with pool: pass",
        "pool.close(); pool.join()",
    ] {
        let ended = run_text(&text(end), &["-q"]);
        assert_eq!(ended.exit_code, 0, "{end}: {ended}");
        let mut lines: Vec<&str> = ended.stdout.lines().collect();
        lines.sort_unstable();
        let expected = "28,job 0,job 1,job 2,job 3,job 4,job 5,job 6,job 7";
        assert_eq!(lines.join(","), expected, "{end}: {ended}");
    }
}
