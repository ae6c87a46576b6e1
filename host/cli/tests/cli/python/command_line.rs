//! The command line of python, and the arguments of a script.

use super::{is_available, run_text};
use crate::support::{empty_directory, isopod, run};
use std::fs;
use std::process::Stdio;

/// Runs with these arguments in an empty directory.
fn told(arguments: &[&str]) -> String {
    let directory = empty_directory();
    let arguments = [&["run", "-q"], arguments].concat();
    run(isopod(directory.path(), &arguments)).to_string()
}

#[test]
fn code_and_modules() {
    if !is_available() {
        return;
    }
    let shown = told(&[
        "-c",
        "import sys; print(sys.argv, __name__)",
        "--",
        "a",
        "-b",
    ]);
    assert_eq!(
        shown,
        "exit code: 0\n--- standard output\n['-c', 'a', '-b'] __main__\n"
    );
    let directory = empty_directory();
    fs::create_dir(directory.path().join("package")).unwrap();
    fs::write(directory.path().join("package/__init__.py"), "").unwrap();
    let text = "import sys; print(__name__, __package__, sys.argv[1:])";
    fs::write(directory.path().join("package/__main__.py"), text).unwrap();
    let ended = run(isopod(
        directory.path(),
        &["run", "-q", "-m", "package", "--", "x"],
    ));
    assert_eq!(
        ended.to_string(),
        "exit code: 0\n--- standard output\n__main__ package ['x']\n"
    );
}

#[test]
fn the_script_may_be_in_standard_input() {
    if !is_available() {
        return;
    }
    let directory = empty_directory();
    let script = directory.path().join("text");
    fs::write(&script, "import sys\nprint(sys.argv, __name__)\n").unwrap();
    let mut command = isopod(directory.path(), &["run", "-q", "-", "--", "x"]);
    command.stdin(Stdio::from(fs::File::open(script).unwrap()));
    assert_eq!(
        run(command).to_string(),
        "exit code: 0\n--- standard output\n['-', 'x'] __main__\n"
    );
}

#[test]
fn exit_codes_are_those_of_python() {
    if !is_available() {
        return;
    }
    for (code, expected) in [
        ("import sys; sys.exit(7)", "exit code: 7\n"),
        ("import sys; sys.exit(None)", "exit code: 0\n"),
        ("import sys; sys.exit(-1)", "exit code: 255\n"),
        ("import os; os._exit(4)", "exit code: 4\n"),
        (
            "raise SystemExit('text')",
            "exit code: 1\n--- standard error\ntext\n",
        ),
    ] {
        assert_eq!(told(&["-c", code]), expected, "{code}");
    }
}

#[test]
fn tracebacks_have_the_scripts_frames_only() {
    if !is_available() {
        return;
    }
    let text = "def f():\n    return 1 / 0\n\nf()\n";
    insta::assert_snapshot!(run_text(text, &["-q"]), @r#"
    exit code: 1
    --- standard error
    Traceback (most recent call last):
      File "HERE/script.py", line 4, in <module>
        f()
        ~^^
      File "HERE/script.py", line 2, in f
        return 1 / 0
               ~~^~~
    ZeroDivisionError: division by zero
    "#);
    insta::assert_snapshot!(run_text("def f(:\n", &["-q"]), @r#"
    exit code: 1
    --- standard error
      File "HERE/script.py", line 1
        def f(:
              ^
    SyntaxError: invalid syntax
    "#);
    insta::assert_snapshot!(run_text("import os\nos.fork()\n", &["-q"]), @r#"
    exit code: 1
    --- standard error
    Traceback (most recent call last):
      File "HERE/script.py", line 2, in <module>
        os.fork()
        ^^^^^^^
    AttributeError: module 'os' has no attribute 'fork': a WebAssembly process cannot be copied: use multiprocessing.Process
    "#);
}

#[test]
fn a_script_reads_its_directory_and_writes_to_a_tmp_of_its_own() {
    if !is_available() {
        return;
    }
    let text = "\
import os, tempfile
print(len(open(__file__).read()) > 0, os.path.samefile(os.getcwd(), os.path.dirname(__file__)))
try:
    open('new', 'w')
except OSError as error:
    print(type(error).__name__)
with tempfile.NamedTemporaryFile('w+') as file:
    file.write('text')
    file.seek(0)
    print(file.read(), os.listdir('/tmp') == [os.path.basename(file.name)])
print(os.path.exists('/etc/passwd'), dict(os.environ))
";
    insta::assert_snapshot!(run_text(text, &["-q"]), @r"
    exit code: 0
    --- standard output
    True True
    PermissionError
    text True
    False {}
    ");
}

#[test]
fn modules_beside_the_script_and_in_pythonpath_are_found_by_children_too() {
    if !is_available() {
        return;
    }
    let directory = empty_directory();
    fs::write(
        directory.path().join("beside.py"),
        "def f(x): print('beside', x)\n",
    )
    .unwrap();
    fs::create_dir(directory.path().join("packages")).unwrap();
    fs::write(
        directory.path().join("packages/far.py"),
        "def f(x): return x + 1\n",
    )
    .unwrap();
    let text = "\
import beside, far
from multiprocessing import Process
def child(x):
    beside.f(far.f(x))
if __name__ == '__main__':
    process = Process(target=child, args=(1,))
    process.start()
    process.join()
    print(process.exitcode)
";
    fs::write(directory.path().join("script.py"), text).unwrap();
    let variable = format!("PYTHONPATH={}/packages", directory.path().display());
    let arguments = ["run", "-q", "--env", &variable, "script.py"];
    let ended = run(isopod(directory.path(), &arguments));
    assert_eq!(
        ended.to_string(),
        "exit code: 0\n--- standard output\nbeside 2\n0\n"
    );
}
