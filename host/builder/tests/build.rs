//! Real builds with the compiler of this machine. If the machine has only Debian's compiler, the first run
//! builds the standard library, which takes a minute.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use isopod_build::{Built, Error, ErrorKind, Options, build};
use isopod_component::{Kind, kind_of};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

const HELLO: &str = r#"
fn task(queue: isopod::Queue<String>) -> isopod::Result<()> {
    queue.put(&"hello".to_owned())
}

#[isopod::main]
fn main() -> isopod::Result<()> {
    let queue = isopod::Queue::new()?;
    let child = isopod::Process::spawn(task, (queue.clone(),))?;
    println!("{}", queue.get()?);
    child.join()
}
"#;

/// A cache that is kept from one run to the next, apart from the user's.
fn cache() -> PathBuf {
    std::env::var_os("ISOPOD_CACHE").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).join("isopod-cache"),
        PathBuf::from,
    )
}

fn built(source: &Path) -> Result<Built, Error> {
    let options = Options {
        install: true,
        quiet: true,
        cache: Some(cache()),
        ..Options::default()
    };
    build(source, &options, &mut |step| eprintln!("{step}"))
}

/// A crate in an empty directory, far from any workspace.
fn guest(name: &str, manifest: &str, main: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("src")).unwrap();
    fs::write(directory.path().join("src/main.rs"), main).unwrap();
    fs::write(
        directory.path().join("Cargo.toml"),
        format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n{manifest}\n"
        ),
    )
    .unwrap();
    directory
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn a_crate_becomes_a_component_and_its_files_name_no_path() {
    let guest = guest("a-guest", "[dependencies]\nisopod = \"0.1\"", HELLO);
    let built = built(guest.path()).unwrap();
    assert_eq!(built.name, "a-guest");
    assert_eq!(kind_of(&built.component), Kind::Component);
    assert!(contains(
        &built.component,
        "isopod:multiprocessing/queue@0.1.0"
    ));
    assert!(contains(&built.component, "wasi:cli/run@0.2"));
    // The module keeps the names of functions for backtraces, but no debug information.
    assert!(
        contains(&built.component, "a_guest::task") || contains(&built.component, "a_guest4task")
    );
    assert!(!contains(&built.component, ".debug_info"));

    let lock = fs::read_to_string(guest.path().join("Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"isopod\""), "{lock}");
    assert!(
        !lock.contains(cache().to_str().unwrap()) && !lock.contains("file:"),
        "{lock}"
    );
    let mut files: Vec<_> = fs::read_dir(guest.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(
        files,
        ["Cargo.lock", "Cargo.toml", "src"],
        "nothing else is left in the crate"
    );

    let again = self::built(&guest.path().join("Cargo.toml")).unwrap();
    assert!(
        again.component == built.component,
        "the same source gives the same component"
    );
}

#[test]
fn a_file_becomes_a_component_that_knows_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("one file.rs");
    fs::write(
        &source,
        format!("{HELLO}\n#[allow(dead_code)] struct Unused;"),
    )
    .unwrap();
    let built = built(&source).unwrap();
    assert_eq!(built.name, "one_file");
    assert_eq!(kind_of(&built.component), Kind::Component);
    let left = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 1, "nothing is written beside the file");
}

#[test]
fn a_plain_program_needs_no_guest_library() {
    let guest = guest("plain", "", "fn main() { std::process::exit(3) }");
    let built = built(guest.path()).unwrap();
    assert!(
        contains(&built.component, "isopod:multiprocessing/process@0.1.0"),
        "for the exit code"
    );
    let lock = fs::read_to_string(guest.path().join("Cargo.lock")).unwrap();
    assert!(!lock.contains("isopod"), "{lock}");
}

#[test]
fn a_library_without_main_is_a_plugin() {
    let guest = guest("plugin", "[lib]\ncrate-type = [\"cdylib\"]", "");
    fs::rename(
        guest.path().join("src/main.rs"),
        guest.path().join("src/lib.rs"),
    )
    .unwrap();
    let built = built(guest.path()).unwrap();
    assert_eq!(built.name, "plugin");
    assert!(
        !contains(&built.component, "wasi:cli/run@"),
        "there is nothing to run"
    );
}

#[test]
fn a_crate_without_a_program_is_refused() {
    let guest = guest("library", "", "");
    fs::rename(
        guest.path().join("src/main.rs"),
        guest.path().join("src/lib.rs"),
    )
    .unwrap();
    let error = built(guest.path()).unwrap_err();
    assert_eq!(error.to_string(), "the crate `library` has no program");
}

#[test]
fn several_builds_at_once_give_each_its_own_program() {
    let guests: Vec<_> = (0..3)
        .map(|number| {
            let main = format!("fn main() {{ println!(\"this is number {number}\") }}");
            guest("same-name", "", &main)
        })
        .collect();
    std::thread::scope(|scope| {
        let builds: Vec<_> = guests
            .iter()
            .map(|guest| scope.spawn(|| built(guest.path()).unwrap()))
            .collect();
        for (number, build) in builds.into_iter().enumerate() {
            let built = build.join().unwrap();
            assert!(contains(
                &built.component,
                &format!("this is number {number}")
            ));
        }
    });
}

#[test]
fn a_crate_that_does_not_compile_is_a_short_error() {
    let guest = guest("broken", "", "fn main() { let x: u32 = \"\"; }");
    let error = built(guest.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Compile);
    assert_eq!(error.to_string(), "`broken` does not compile");
}

#[test]
fn a_dependency_that_does_not_exist_is_not_a_compile_error() {
    let manifest = "[dependencies]\nnowhere = { path = \"nowhere\" }";
    let error = built(guest("lost", manifest, "fn main() {}").path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dependencies);
}

#[test]
fn a_manifest_that_cannot_be_read_is_an_error_with_cargos_cause() {
    let guest = guest("bad", "[dependencies", "fn main() {}");
    let error = built(guest.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    assert!(error.cause().unwrap().contains("Cargo.toml"), "{error:?}");
}

#[test]
fn several_programs_need_a_default() {
    let guest = guest("many", "", "fn main() {}");
    fs::create_dir(guest.path().join("src/bin")).unwrap();
    fs::remove_file(guest.path().join("src/main.rs")).unwrap();
    let workspace = tempfile::tempdir().unwrap();
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = []\n";
    fs::write(workspace.path().join("Cargo.toml"), manifest).unwrap();
    let error = built(workspace.path()).unwrap_err();
    assert!(
        error.to_string().ends_with("is a workspace, not a crate"),
        "{error}"
    );

    for name in ["one", "two"] {
        fs::write(
            guest.path().join(format!("src/bin/{name}.rs")),
            "fn main() {}",
        )
        .unwrap();
    }
    let error = built(guest.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the crate `many` has several programs: one, two"
    );
    assert!(error.hint().unwrap().contains("default-run"));
}

#[test]
fn what_is_no_source_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let error = built(&directory.path().join("missing")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    assert!(error.to_string().starts_with("cannot read `"), "{error}");

    let error = built(directory.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("holds no program and no plugin"),
        "{error}"
    );

    let text = directory.path().join("text.wasm");
    fs::write(&text, "hello").unwrap();
    let error = built(&text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    assert_eq!(
        error.cause(),
        Some("not a WebAssembly file: it starts with `hello`")
    );
}

#[test]
fn a_core_module_becomes_a_component_and_a_component_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tiny.wasm");
    fs::write(&path, b"\0asm\x01\0\0\0").unwrap();
    let first = built(&path).unwrap();
    assert_eq!(first.name, "tiny");
    assert_eq!(kind_of(&first.component), Kind::Component);
    fs::write(&path, &first.component).unwrap();
    assert!(built(&path).unwrap().component == first.component);
}

#[test]
fn a_file_that_is_replaced_by_an_older_one_is_built_anew() {
    let main =
        |text: &str| format!("fn main() {{ println!(\"{text} {{}}\", include_str!(\"text\")) }}");
    let guest = guest("older", "", &main("the-main-of-today"));
    let source = guest.path().join("src");
    fs::write(source.join("text"), "the-text-of-today").unwrap();
    built(guest.path()).unwrap();
    for (file, content, text) in [
        ("main.rs", main("the-main-of-then!"), "the-main-of-then!"),
        ("text", "the-text-of-then!".to_owned(), "the-text-of-then!"),
    ] {
        let (before, after) = (source.join(file), guest.path().join("older"));
        fs::write(&after, content).unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let opened = fs::File::options().append(true).open(&after).unwrap();
        opened.set_modified(old).unwrap();
        fs::rename(&after, &before).unwrap();
        let component = built(guest.path()).unwrap().component;
        assert!(contains(&component, text), "{text}");
    }
}

/// Whether the cache remembers the module with this text, so that it is returned without a build.
fn is_remembered(text: &str) -> bool {
    let kept = fs::read_dir(cache().join("built")).into_iter().flatten();
    kept.flatten()
        .any(|file| fs::read(file.path()).is_ok_and(|module| contains(&module, text)))
}

#[test]
fn what_is_remembered_is_built_anew_when_any_of_its_files_changes() {
    let main = |text: &str| {
        format!(
            "mod part;\nfn main() {{ println!(\"{text} {{}} {{}}\", part::TEXT, include_str!(\"text\")) }}"
        )
    };
    let part = |text: &str| format!("pub const TEXT: &str = \"{text}\";");
    let guest = guest("remembered", "", &main("the-first-main"));
    let write = |file: &str, text: &str| fs::write(guest.path().join("src").join(file), text);
    write("part.rs", &part("the-first-part")).unwrap();
    write("text", "the-first-text").unwrap();
    let begin = Instant::now();
    let mut files = vec!["the-first-main", "the-first-part", "the-first-text"];
    let changes = [
        ("part.rs", part("the-second-part"), "the-second-part"),
        ("text", "the-second-text".to_owned(), "the-second-text"),
        ("main.rs", main("the-second-main"), "the-second-main"),
    ];
    for (file, content, text) in changes {
        // Files that were written a moment ago do not count as unchanged.
        let component = loop {
            let component = built(guest.path()).unwrap().component;
            if is_remembered(files.last().unwrap()) {
                break component;
            }
            assert!(begin.elapsed() < Duration::from_secs(300), "not remembered");
            std::thread::park_timeout(Duration::from_millis(100));
        };
        assert_eq!(built(guest.path()).unwrap().component, component);
        assert!(files.iter().all(|text| contains(&component, text)));
        write(file, &content).unwrap();
        let replaced = text.replace("second", "first");
        files.retain(|text| *text != replaced);
        let component = built(guest.path()).unwrap().component;
        assert!(contains(&component, text), "{text}");
        assert!(!contains(&component, &replaced), "{replaced}");
        files.push(text);
    }
}
