//! C, Python and JavaScript.

use super::{Place, SECRET};
use std::fs;
use std::os::unix::fs::symlink;

/// The first words of errors for a language whose tools are missing here.
const MISSING: [&str; 5] = [
    "error: no C compiler for WebAssembly, and none could be installed",
    "error: there is no ",
    "error: the `node` of this machine is too old",
    "error: `@bytecodealliance/componentize-js",
    "error: `componentize-py",
];

/// Builds, and asserts that the result does not contain the secret; false if the language's tools are
/// missing.
fn is_refused(place: &Place, source: &str, texts: &[&str]) -> bool {
    let Some(ended) = place.build(source, &[]) else {
        return false;
    };
    if MISSING.iter().any(|text| ended.stderr.contains(text)) {
        println!("skipped: {}", ended.stderr);
        return false;
    }
    assert_eq!(ended.exit_code, 125, "{source}: {ended}");
    for text in texts {
        assert!(ended.stderr.contains(text), "`{text}` is missing: {ended}");
    }
    true
}

#[test]
fn c_reads_its_source_only() {
    let place = Place::new();
    let header = place.path("secret.h");
    let header = header.to_str().unwrap();
    for (name, text) in [
        (
            "a/main.c",
            format!(
                "char text[] =\n#include \"{header}\"\n;\nint main(void) {{ return text[0]; }}\n"
            ),
        ),
        (
            "b/main.c",
            "char text[] =\n#include \"../secret.h\"\n;\nint main(void) { return text[0]; }\n"
                .to_owned(),
        ),
        (
            "c/main.c",
            format!(
                "__asm__(\".section .data.x,\\\"\\\",@\\n.globl x\\nx:\\n.incbin \\\"{}\\\"\\n.size x, 8\\n\");\nextern char x;\nint main(void) {{ return x; }}\n",
                place.secret()
            ),
        ),
        (
            "d/main.c",
            format!(
                "char text[] = {{\n#embed \"{}\"\n}};\nint main(void) {{ return text[0]; }}\n",
                place.secret()
            ),
        ),
    ] {
        place.write(name, &text);
        let directory = name.strip_suffix("/main.c").unwrap();
        for source in [directory, name] {
            if !is_refused(&place, source, &["does not compile"]) {
                return;
            }
        }
    }
    // The headers of a directory belong to a source file in it; other files do not.
    place.write("e/own.h", "#define ANSWER 42\n");
    place.write("e/other", "1\n");
    place.write(
        "e/one.c",
        "#include \"own.h\"\n#include <stdio.h>\nint main(void) { printf(\"%d\\n\", ANSWER); }\n",
    );
    place.write(
        "e/two.c",
        "int x =\n#include \"other\"\n;\nint main(void) { return x; }\n",
    );
    let built = place.build("e/one.c", &[]).unwrap();
    assert_eq!(built.to_string(), "exit code: 0\n");
    assert_eq!(place.output(), "42\n");
    let hint = "hint: a build reads its source";
    for source in ["a", "a/main.c", "b", "e/two.c"] {
        assert!(is_refused(&place, source, &["does not compile", hint]));
    }
    // Nothing was refused.
    place.write("f/main.c", "int main(void) { return x; }\n");
    for source in ["f", "f/main.c"] {
        assert!(is_refused(&place, source, &["does not compile"]));
        let ended = place.build(source, &[]).unwrap();
        assert!(!ended.stderr.contains("hint"), "{ended}");
    }
}

#[test]
fn each_language_reads_the_same_directories_beside_its_source() {
    let place = Place::new();
    for ending in ["rs", "c", "py", "js", "wasm"] {
        let source = format!("x.{ending}");
        place.write(&source, "");
        for (directory, text) in [
            (
                "nowhere",
                "`nowhere` cannot be read beside the source: it does not exist",
            ),
            (
                "secret",
                "`secret` cannot be read beside the source: it is no directory",
            ),
            (
                "/",
                "`/` cannot be read beside the source: it holds your home directory",
            ),
        ] {
            let ended = place.build(&source, &["--read-source", directory]).unwrap();
            assert_eq!(ended.exit_code, 125, "{source}: {ended}");
            assert!(ended.stderr.contains(text), "{source}: {ended}");
        }
    }
}

#[test]
fn links_out_of_a_source_are_refused_in_each_language() {
    for (main, text, link) in [
        ("main.c", "int main(void) { return 0; }\n", "more.c"),
        ("main.py", "def main(): pass\n", "more.py"),
        ("main.js", "export function main() {}\n", "more.js"),
    ] {
        let place = Place::new();
        place.write(&format!("source/{main}"), text);
        symlink("../secret", place.path(&format!("source/{link}"))).unwrap();
        let link = format!("source/{link}` leads out of the source");
        place.assert_refused(
            "source",
            &["the symbolic link `", &link, "`--read-source DIR`"],
        );
    }
}

#[test]
fn python_reads_nothing_while_it_is_built() {
    let place = Place::new();
    let text = format!(
        "import os\ndef look():\n    for path in ({:?}, '/etc/passwd', '/proc/self/environ'):\n        try:\n            return open(path).read()\n        except OSError:\n            pass\n    return os.environ.get('ISOPOD_TEST_SECRET', 'nothing')\nFOUND = look()\nprint(FOUND)\n",
        place.secret()
    );
    place.write("source/main.py", &text);
    let Some(ended) = place.build("source", &[]) else {
        return;
    };
    if MISSING.iter().any(|text| ended.stderr.contains(text)) {
        println!("skipped: {}", ended.stderr);
        return;
    }
    assert_eq!(ended.exit_code, 0, "{ended}");
    assert_eq!(place.output(), "nothing\n");
}

#[test]
fn javascript_imports_nothing_from_elsewhere() {
    let place = Place::new();
    place.write("secret.js", &format!("export const secret = {SECRET:?};\n"));
    let path = place.path("secret.js");
    for import in [path.to_str().unwrap(), "../secret.js"] {
        let text = format!(
            "import {{ secret }} from {import:?};\nexport function main() {{ console.log(secret); }}\n"
        );
        place.write("source/main.js", &text);
        let _ = fs::remove_file(place.path("out.wasm"));
        let Some(ended) = place.build("source", &[]) else {
            return;
        };
        if MISSING.iter().any(|text| ended.stderr.contains(text)) {
            println!("skipped: {}", ended.stderr);
            return;
        }
        assert_eq!(ended.exit_code, 125, "{import}: {ended}");
    }
}
