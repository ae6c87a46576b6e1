//! Names of files that are not regular, or are huge: each is an error at once, in every command that reads
//! or writes it.

use crate::support::{Ended, empty_directory, isopod, program, run};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::path::Path;

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
}

/// Runs a command that would otherwise wait for ever.
fn at_once(directory: &Path, arguments: &[&str]) -> Ended {
    run(isopod(directory, arguments))
}

fn assert_refused(ended: &Ended, case: &str, text: &str) {
    assert_ended(ended, 125, case, text);
}

fn assert_ended(ended: &Ended, exit_code: i32, case: &str, text: &str) {
    assert_eq!(ended.exit_code, exit_code, "{case}: {ended}");
    assert!(ended.stderr.contains(text), "{case}: {ended}");
}

const ENDINGS: [&str; 8] = ["rs", "c", "py", "js", "mjs", "wasm", "cwasm", "other"];

#[test]
fn a_program_is_a_regular_file() {
    let directory = empty_directory();
    for ending in ENDINGS {
        let name = format!("x.{ending}");
        fifo(&directory.path().join(&name));
        for command in ["run", "build", "inspect", "compile", "call"] {
            let mut arguments = vec![command, &*name];
            if command == "call" {
                arguments.push("function");
            }
            if ending == "cwasm" && command == "run" {
                arguments.push("--allow-precompiled");
            }
            let ended = at_once(directory.path(), &arguments);
            let text = "it is a FIFO, not a regular file";
            assert_refused(&ended, &format!("{command} {name}"), text);
        }
    }
    let ended = at_once(directory.path(), &["run", "/dev/zero"]);
    assert_refused(
        &ended,
        "run /dev/zero",
        "it is a device, not a regular file",
    );
}

#[test]
fn what_a_source_is_made_of_is_regular_files() {
    let directory = empty_directory();
    let at = |name: &str| directory.path().join(name);
    let made = |source: &str, text: &str| {
        fs::create_dir_all(at(source).parent().unwrap()).unwrap();
        fs::write(at(source), text).unwrap();
    };
    let manifest = "[package]\nname = \"a\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    made("manifest/src/main.rs", "fn main() {}");
    fifo(&at("manifest/Cargo.toml"));
    made("toolchain/Cargo.toml", manifest);
    made("toolchain/src/main.rs", "fn main() {}");
    fifo(&at("toolchain/rust-toolchain.toml"));
    made("module/Cargo.toml", manifest);
    made("module/src/main.rs", "mod x;\nfn main() {}");
    fifo(&at("module/src/x.rs"));
    made(
        "header/main.c",
        "#include \"x.h\"\nint main(void) { return 0; }\n",
    );
    fifo(&at("header/x.h"));
    // The source names these files, wherever they are.
    for name in [
        "hidden/.x/y",
        "made/target/y",
        "packages/node_modules/y",
        "linked/.x",
    ] {
        let (source, file) = name.split_once('/').unwrap();
        made(&format!("{source}/Cargo.toml"), manifest);
        let text = format!("const X: &[u8] = include_bytes!(\"../{file}\");\nfn main() {{}}");
        made(&format!("{source}/src/main.rs"), &text);
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fifo(&at(name));
    }
    std::os::unix::fs::symlink("../.x", at("linked/src/link")).unwrap();
    made(
        "embedded/main.c",
        "char x[] = {\n#embed \".x/y\"\n};\nint main(void) { return 0; }\n",
    );
    fs::create_dir(at("embedded/.x")).unwrap();
    fifo(&at("embedded/.x/y"));
    for (source, text) in [
        ("manifest", "contains no program or plugin"),
        ("manifest/Cargo.toml", "it is a FIFO, not a regular file"),
        ("toolchain", "it is a FIFO, not a regular file"),
        ("module", "the source holds a FIFO"),
        ("header", "the source holds a FIFO"),
        ("hidden", "the source holds a FIFO"),
        ("made", "the source holds a FIFO"),
        ("packages", "the source holds a FIFO"),
        ("linked", "the source holds a FIFO"),
        ("embedded", "the source holds a FIFO"),
    ] {
        let ended = at_once(directory.path(), &["build", "-q", "--no-install", source]);
        if ended.stderr.contains("cannot be confined") || ended.stderr.contains("no C compiler") {
            continue;
        }
        assert_refused(&ended, source, text);
    }
}

#[test]
fn no_device_without_end_is_read_by_a_build() {
    let directory = empty_directory();
    for device in ["zero", "full", "random", "urandom", "tty", "stdin", "ptmx"] {
        let name = format!("{device}.rs");
        let text = format!(
            "static X: &[u8] = include_bytes!(\"/dev/{device}\");\nfn main() {{ print!(\"{{}}\", X.len()); }}"
        );
        fs::write(directory.path().join(&name), text).unwrap();
        let ended = run(isopod(directory.path(), &["build", "-q", &name]));
        if ended.stderr.contains("cannot be confined") {
            continue;
        }
        // The standard input of a build is at its end.
        let exit_code = if device == "stdin" { 0 } else { 125 };
        assert_eq!(ended.exit_code, exit_code, "{device}: {ended}");
    }
}

#[test]
fn huge_source_is_not_read() {
    let directory = empty_directory();
    for ending in ["rs", "c", "js", "wasm"] {
        let name = format!("x.{ending}");
        let file = fs::File::create(directory.path().join(&name)).unwrap();
        file.set_len(1 << 42).unwrap();
        for command in ["run", "build"] {
            let ended = at_once(directory.path(), &[command, &name]);
            if !ended.stderr.contains("cannot be confined") {
                // For a module that runs, it is the limit on programs.
                let exit_code = if (command, ending) == ("run", "wasm") {
                    123
                } else {
                    125
                };
                assert_ended(&ended, exit_code, &format!("{command} {name}"), "limit of ");
            }
        }
    }
}

#[test]
fn what_a_run_writes_needs_a_reader_and_is_not_the_program() {
    let directory = empty_directory();
    let path = program("plain");
    let path = path.to_str().unwrap();
    fifo(&directory.path().join("fifo"));
    for option in ["--status-file", "--audit"] {
        for (file, text) in [
            ("fifo", "nobody reads it"),
            (".", "directory"),
            (path, "is the program"),
        ] {
            let before = fs::metadata(path).unwrap().len();
            let ended = at_once(directory.path(), &["run", path, option, file]);
            assert_refused(&ended, &format!("{option} {file}"), text);
            assert_eq!(fs::metadata(path).unwrap().len(), before);
        }
    }
    let ended = at_once(directory.path(), &["build", path, "-o", "fifo"]);
    assert_refused(&ended, "build -o", "nobody reads it");
}

#[test]
fn what_a_run_writes_is_no_file_of_the_source() {
    let directory = empty_directory();
    let at = |name: &str| directory.path().join(name);
    for (source, main) in [("c", "main.c"), ("py", "main.py"), ("rs", "Cargo.toml")] {
        fs::create_dir(at(source)).unwrap();
        fs::write(at(source).join(main), "text").unwrap();
        let file = format!("{source}/{main}");
        std::os::unix::fs::symlink(source, at(&format!("{source}-link"))).unwrap();
        let mut sources = vec![source.to_owned(), format!("{source}-link")];
        if main == "Cargo.toml" {
            sources.push(file.clone());
        }
        for program in &sources {
            for option in ["--status-file", "--audit"] {
                for name in [
                    file.clone(),
                    format!("{source}/new"),
                    format!("{source}-link/new"),
                ] {
                    let arguments = ["run", "--no-install", program, option, &name];
                    let case = arguments.join(" ");
                    let ended = at_once(directory.path(), &arguments);
                    // This error comes before the build, which would fail.
                    let is_program = *program == name;
                    let text = if is_program {
                        "is the program"
                    } else {
                        "lies in the source"
                    };
                    assert_refused(&ended, &case, text);
                    assert_eq!(fs::read(at(&file)).unwrap(), b"text", "{case}");
                    assert!(!at(source).join("new").exists(), "{case}");
                }
            }
        }
    }
}

#[test]
fn an_audit_log_that_could_lie_in_a_grant_is_refused() {
    let directory = empty_directory();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("granted")).unwrap();
    fs::write(at("log"), "").unwrap();
    fs::hard_link(at("log"), at("other")).unwrap();
    std::os::unix::fs::symlink("granted/new", at("link")).unwrap();
    let path = program("plain");
    let path = path.to_str().unwrap();
    let log = |log: &str| {
        at_once(
            directory.path(),
            &["run", path, "--dir", "granted", "--audit", log],
        )
    };
    assert_refused(&log("log"), "log", "has 2 names");
    assert_refused(&log("granted/log"), "granted/log", "lies in `granted`");
    assert_refused(&log("link"), "link", "lies in `granted`");
    assert!(!at("granted/log").exists());
    // If the program can write nothing, any name is allowed.
    let ended = at_once(
        directory.path(),
        &["run", path, "--audit", "log", "--", "normal"],
    );
    assert_eq!(ended.exit_code, 0, "{ended}");
}

#[test]
fn the_input_of_a_call_is_a_regular_file_of_a_bounded_size() {
    let directory = empty_directory();
    fifo(&directory.path().join("fifo"));
    let huge = fs::File::create(directory.path().join("huge")).unwrap();
    huge.set_len(1 << 42).unwrap();
    let plugin = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func (export "f") (canon lift (core func $i "f"))))"#;
    let plugin = wat::parse_str(plugin).unwrap();
    fs::write(directory.path().join("x.wasm"), plugin).unwrap();
    for (input, code, text) in [
        ("fifo", 125, "it is a FIFO, not a regular file"),
        ("/dev/zero", 125, "it is a device, not a regular file"),
        ("huge", 123, "is larger than the plugin's limit of 64 MiB"),
    ] {
        let ended = at_once(directory.path(), &["call", "x.wasm", "f", "--input", input]);
        assert_ended(&ended, code, input, text);
    }
}
