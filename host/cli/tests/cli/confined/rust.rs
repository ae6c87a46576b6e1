//! Rust: files named in the text of a program, build scripts, macros, links and dependencies.

use super::{Place, SECRET, VARIABLE, holds, manifest, shared_target};
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

#[test]
fn a_file_that_is_included_is_not_read() {
    let place = Place::new();
    for (name, text) in [
        ("text.rs", format!("fn main() {{ println!(\"{{}}\", include_str!({:?})); }}", place.secret())),
        ("bytes.rs", format!("fn main() {{ println!(\"{{:?}}\", include_bytes!({:?})); }}", place.secret())),
        ("code.rs", format!("include!({:?}); fn main() {{}}", place.secret())),
        ("module.rs", format!("#[path = {:?}] mod secret; fn main() {{}}", place.secret())),
        (
            "assembly.rs",
            format!(
                "core::arch::global_asm!(\".section .data.x,\\\"\\\",@\\n.globl x\\nx:\\n.incbin \\\"{}\\\"\\n.size x, 8\\n\");
                 unsafe extern \"C\" {{ static x: u8; }}
                 fn main() {{ println!(\"{{:?}}\", &raw const x); }}",
                place.secret()
            ),
        ),
    ] {
        place.write(name, &text);
        // rustc refuses assembly for WebAssembly before it reads a file.
        let hint = (name != "assembly.rs").then_some("hint: a build reads its source");
        let told: Vec<&str> = ["does not compile"].into_iter().chain(hint).collect();
        place.assert_refused(name, &told);
    }
}

#[test]
fn a_variable_is_not_seen() {
    let place = Place::new();
    let text = format!(
        "fn main() {{ println!(\"{{:?}} {{}}\", option_env!({VARIABLE:?}), option_env!(\"PATH\").is_some()); }}"
    );
    place.write("variable.rs", &text);
    let Some(ended) = place.build("variable.rs", &[]) else {
        return;
    };
    assert_eq!(ended.to_string(), "exit code: 0\n");
    assert_eq!(place.output(), "None true\n");
}

/// The attempts of a build script; each adds a line to the program.
const ATTEMPTS: &str = r#"
use std::fs;
use std::path::Path;
use std::process::Command;

fn main() {
    let mut lines = String::new();
    let mut attempt = |name: &str, done: bool| {
        lines += &format!("{name}: {}\n", if done { "DONE" } else { "refused" });
    };
    attempt("read a file", fs::read("@SECRET@").is_ok());
    attempt("read /etc/passwd", fs::read("/etc/passwd").is_ok());
    attempt("list the directory above", fs::read_dir("@PLACE@").is_ok());
    attempt("read a file by another program", Command::new("cat").arg("@SECRET@").output().is_ok_and(|o| o.status.success()));
    attempt("see a variable", std::env::var("@VARIABLE@").is_ok());
    let parent = std::os::unix::process::parent_id();
    attempt("see the variables of its parent", fs::read(format!("/proc/{parent}/environ")).is_ok());
    attempt("see the variables of isopod", fs::read("/proc/@ISOPOD@/environ").is_ok());
    attempt("connect", std::net::TcpStream::connect("@TCP@").is_ok());
    attempt("send a datagram", std::net::UdpSocket::bind("127.0.0.1:0").and_then(|s| s.send_to(b"x", "@UDP@")).is_ok());
    attempt("connect to a socket of the user", std::os::unix::net::UnixStream::connect("@PLACE@/socket").is_ok());
    attempt("write beside the source", fs::write("@PLACE@/written", "x").is_ok());
    attempt("write into the source", fs::write("written", "x").is_ok());
    attempt("remove a file", fs::remove_file("@PLACE@/victim").is_ok());
    attempt("truncate a file", fs::OpenOptions::new().write(true).truncate(true).open("@PLACE@/victim").is_ok());
    attempt("link a file", fs::hard_link("@SECRET@", Path::new(&std::env::var("OUT_DIR").unwrap()).join("link")).is_ok());
    attempt("open a file to all", {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions("@PLACE@/victim", fs::Permissions::from_mode(0o666)).is_ok()
            || fs::set_permissions("@PLACE@/victim", fs::Permissions::from_mode(0o4755)).is_ok()
            || fs::set_permissions("@PLACE@/victim", fs::Permissions::from_mode(0o000)).is_ok()
    });
    attempt("write to the shared target directory", fs::write("@TARGET@/written", "x").is_ok());
    attempt("signal isopod", Command::new("sh").args(["-c", "kill -0 @ISOPOD@"]).status().is_ok_and(|s| s.success()));
    attempt("make a namespace", Command::new("unshare").args(["-U", "true"]).status().is_ok_and(|s| s.success()));
    attempt("read cargo's credentials", fs::read("@CARGO@/credentials.toml").is_ok());
    let out = std::env::var("OUT_DIR").unwrap();
    fs::write(Path::new(&out).join("attempts"), lines).unwrap();
    println!("cargo::rerun-if-env-changed=NEVER");
}
"#;

#[test]
fn a_build_script_reaches_nothing() {
    let place = Place::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    // The file that a trusted build of an earlier run left.
    let _ = fs::remove_file(shared_target().join("written"));
    let _socket = UnixListener::bind(place.path("socket")).unwrap();
    place.write("victim", "whole");
    place.write("cargo/credentials.toml", SECRET);
    let script = [
        ("@SECRET@", place.secret()),
        (
            "@PLACE@",
            place
                .path("")
                .to_str()
                .unwrap()
                .trim_end_matches('/')
                .to_owned(),
        ),
        ("@VARIABLE@", VARIABLE.to_owned()),
        ("@TCP@", tcp.local_addr().unwrap().to_string()),
        ("@UDP@", udp.local_addr().unwrap().to_string()),
        ("@TARGET@", shared_target().to_str().unwrap().to_owned()),
        // A process outside of the sandbox: the test itself.
        ("@ISOPOD@", std::process::id().to_string()),
        ("@CARGO@", place.path("cargo").to_str().unwrap().to_owned()),
    ];
    let script = script
        .iter()
        .fold(ATTEMPTS.to_owned(), |script, (name, value)| {
            script.replace(name, value)
        });
    place.write("hostile/Cargo.toml", &manifest("hostile", ""));
    place.write("hostile/build.rs", &script);
    place.write(
        "hostile/src/main.rs",
        "fn main() { print!(\"{}\", include_str!(concat!(env!(\"OUT_DIR\"), \"/attempts\"))); }",
    );
    let Some(ended) = place.build("hostile", &[]) else {
        return;
    };
    assert_eq!(ended.to_string(), "exit code: 0\n");
    let output = place.output();
    let done: Vec<&str> = output
        .lines()
        .filter(|line| !line.ends_with(": refused"))
        .collect();
    assert!(done.is_empty() && output.lines().count() == 20, "{output}");
    assert_eq!(fs::read_to_string(place.path("victim")).unwrap(), "whole");
    assert!(!place.path("written").exists() && !place.path("hostile/written").exists());
    assert!(!shared_target().join("written").exists());
    let mode = fs::metadata(place.path("victim"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o6022, 0, "{mode:o}");
    // With the option the build works as usual.
    let trusted = place.build_trusting("hostile", &["--trust-build"]).unwrap();
    assert_eq!(trusted.to_string(), "exit code: 0\n");
    let output = place.output();
    assert!(
        output.contains("read a file: DONE\n") && output.contains("connect: DONE\n"),
        "{output}"
    );
    let _ = fs::remove_file(shared_target().join("written"));
}

#[test]
fn no_file_elsewhere_is_taken_for_the_module() {
    let place = Place::new();
    let other = format!(
        "(module (memory (export \"memory\") 1) (data (i32.const 0) \"{SECRET}\") (func (export \"_start\")))"
    );
    fs::write(place.path("other.wasm"), wat::parse_str(other).unwrap()).unwrap();
    let message = serde_json::json!({
        "reason": "compiler-artifact",
        "target": {"name": "hostile", "kind": ["bin"]},
        "filenames": [place.path("other.wasm")],
    });
    place.write("hostile/Cargo.toml", &manifest("hostile", ""));
    place.write("hostile/src/main.rs", "fn main() {}");
    // The script repeats its line until cargo has ended, so that it is the last output.
    let script = format!(
        "use std::process::{{Command, Stdio}};
         fn main() {{
             let output = format!(\"/proc/{{}}/fd/1\", std::os::unix::process::parent_id());
             let output = std::fs::OpenOptions::new().append(true).open(output).unwrap();
             let mut speaker = Command::new(\"sh\");
             speaker.args([\"-c\", \"while echo \\\"$0\\\"; do sleep 0.01; done & exit\", {:?}]);
             speaker.stdout(output).stderr(Stdio::null());
             assert!(speaker.status().unwrap().success());
         }}",
        message.to_string()
    );
    place.write("hostile/build.rs", &script);
    let Some(ended) = place.build("hostile", &[]) else {
        return;
    };
    // The last output may have been cargo's own.
    let is_refused = ended
        .stderr
        .contains("other.wasm` as its module, which does not lie in its target directory");
    assert!(is_refused || ended.exit_code == 0, "{ended}");
}

#[test]
fn a_macro_reaches_nothing() {
    let place = Place::new();
    let rest =
        "[dependencies]\nmacros = { path = \"macros\" }\n[workspace]\nmembers = [\"macros\"]";
    place.write("hostile/Cargo.toml", &manifest("with-macro", rest));
    place.write(
        "hostile/src/main.rs",
        "fn main() { println!(\"{}\", macros::read!()); }",
    );
    place.write(
        "hostile/macros/Cargo.toml",
        &manifest("macros", "[lib]\nproc-macro = true"),
    );
    let text = format!(
        "#[proc_macro] pub fn read(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{
             let text = std::fs::read_to_string({:?}).or_else(|_| std::env::var({VARIABLE:?}));
             format!(\"{{:?}}\", text.unwrap_or(\"nothing\".to_owned())).parse().unwrap()
         }}",
        place.secret()
    );
    place.write("hostile/macros/src/lib.rs", &text);
    let Some(ended) = place.build("hostile", &[]) else {
        return;
    };
    assert_eq!(ended.to_string(), "exit code: 0\n");
    assert_eq!(place.output(), "nothing\n");
}

#[test]
fn a_link_out_of_the_source_is_refused_by_name() {
    let place = Place::new();
    place.write("hostile/Cargo.toml", &manifest("linked", ""));
    place.write(
        "hostile/src/main.rs",
        "fn main() { println!(\"{}\", include_str!(\"text\")); }",
    );
    symlink("../../secret", place.path("hostile/src/text")).unwrap();
    place.assert_refused(
        "hostile",
        &[
            "the symbolic link `",
            "hostile/src/text` leads out of the source",
            "hint: ",
        ],
    );
}

#[test]
fn no_place_that_the_source_names_is_connected_to() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let on_crates_io = "[dependencies]\nx = \"1\"\n";
    for (number, rest) in [
        format!("[dependencies]\nx = {{ version = \"1\", registry-index = \"sparse+http://{address}/\" }}"),
        format!("[dependencies]\nx = {{ git = \"http://{address}/x\" }}"),
        format!("[build-dependencies]\nx = {{ git = \"git://{address}/x\" }}"),
        format!("{on_crates_io}[patch.crates-io]\nx = {{ git = \"http://{address}/x\" }}"),
        format!(
            "{on_crates_io}[patch.crates-io]\nx = {{ version = \"1\", registry-index = \"sparse+http://{address}/\" }}"
        ),
        format!("{on_crates_io}[replace]\n\"x:1.0.0\" = {{ git = \"http://{address}/x\" }}"),
    ]
    .iter()
    .enumerate()
    {
        let place = Place::new();
        place.write("hostile/Cargo.toml", &manifest("hostile", rest));
        place.write("hostile/src/main.rs", "fn main() {}");
        let mention = address.to_string();
        place.assert_refused("hostile", &[&mention, "`--trust-build`"]);
        assert!(listener.accept().is_err(), "{number}: {rest}");
    }
}

#[test]
fn a_dependency_elsewhere_is_read_where_that_is_allowed() {
    let place = Place::new();
    place.write("other/Cargo.toml", &manifest("other", ""));
    place.write("other/src/lib.rs", "pub fn answer() -> u32 { 42 }");
    place.write(
        "source/Cargo.toml",
        &manifest("source", "[dependencies]\nother = { path = \"../other\" }"),
    );
    place.write(
        "source/src/main.rs",
        "fn main() { println!(\"{}\", other::answer()); }",
    );
    place.assert_refused(
        "source",
        &[
            "the dependency `other` lies at `",
            "`--read-source DIR`",
            "`--trust-build`",
        ],
    );
    let Some(ended) = place.build("source", &["--read-source", "other"]) else {
        return;
    };
    assert_eq!(ended.to_string(), "exit code: 0\n");
    assert_eq!(place.output(), "42\n");
}

#[test]
fn a_crate_does_not_make_a_directory_above_its_workspace() {
    let place = Place::new();
    // The crate's own setting decides, not that of the directory above.
    place.write(
        "hostile/Cargo.toml",
        "[package]\nname = \"a\"\nversion = \"0.0.0\"\nworkspace = \"..\"\n",
    );
    place.write(
        "hostile/src/main.rs",
        "fn main() { println!(\"{}\", include_str!(\"../../secret\")); }",
    );
    place.assert_refused("hostile", &["error: "]);
    // A workspace above the crate, with other members.
    place.write(
        "Cargo.toml",
        "[workspace]\nmembers = []\nexclude = [\"hostile\"]\n",
    );
    place.write("hostile/Cargo.toml", &manifest("excluded", ""));
    place.assert_refused("hostile", &["does not compile"]);
}

#[test]
fn a_dependency_is_not_taken_from_the_users_own_repositories() {
    let place = Place::new();
    let url = format!("file://{}", place.path("repository").display());
    let rest = format!("[dependencies]\nprivate = {{ git = {url:?} }}");
    place.write("repository/Cargo.toml", &manifest("private", ""));
    place.write(
        "repository/src/lib.rs",
        &format!("pub const SECRET: &str = {SECRET:?};"),
    );
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-C"]);
        git.arg(place.path("repository")).args(arguments);
        git.output().is_ok_and(|output| output.status.success())
    };
    if !(git(&["init"]) && git(&["add", "."]) && git(&["commit", "-m", "x"])) {
        println!("skipped: there is no `git`");
        return;
    }
    place.write("hostile/Cargo.toml", &manifest("thief", &rest));
    place.write(
        "hostile/src/main.rs",
        "fn main() { println!(\"{}\", private::SECRET); }",
    );
    place.assert_refused("hostile", &["error: "]);
}

#[test]
fn a_source_that_is_a_home_directory_is_refused() {
    let place = Place::new();
    place.write("Cargo.toml", &manifest("home", ""));
    place.write("src/main.rs", "fn main() {}");
    let mut command = crate::support::isopod(
        place.directory.path(),
        &["build", "-q", ".", "-o", "out.wasm"],
    );
    let own = std::env::var_os("HOME").unwrap_or_default();
    let own = std::path::Path::new(&own);
    command
        .env("HOME", place.directory.path())
        .env(
            "RUSTUP_HOME",
            std::env::var_os("RUSTUP_HOME").unwrap_or(own.join(".rustup").into()),
        )
        .env(
            "CARGO_HOME",
            std::env::var_os("CARGO_HOME").unwrap_or(own.join(".cargo").into()),
        );
    let ended = crate::support::run(command);
    if ended.stderr.contains(super::CANNOT) {
        println!("skipped: {}", ended.stderr);
        return;
    }
    assert!(
        ended.stderr.contains("holds your home directory"),
        "{ended}"
    );
    assert!(!holds(ended.stderr.as_bytes(), SECRET));
}
