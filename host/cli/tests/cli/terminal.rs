//! On a terminal (here a pseudo-terminal), prompts show before their answers, progress shows at once, and
//! errors have colours.

use crate::support::{Terminal, isopod, program};
use std::path::Path;

#[test]
fn a_prompt_shows_before_it_is_answered() {
    let path = program("terminal");
    let arguments = ["run", path.to_str().unwrap(), "--", "prompt"];
    let mut terminal = Terminal::start(isopod(Path::new("."), &arguments));
    terminal.wait_for("your name? ");
    terminal.type_text("Ada\n");
    terminal.wait_for("your name? Ada\r\nyour colour, Ada? ");
    terminal.type_text("blue\n");
    let (exit_code, screen) = terminal.end();
    assert_eq!(exit_code, Some(0));
    assert_eq!(
        screen,
        "your name? Ada\nyour colour, Ada? blue\nAda likes blue\n"
    );
}

#[test]
fn progress_shows_at_once() {
    let path = program("terminal");
    let arguments = ["run", path.to_str().unwrap(), "--", "progress"];
    // Parts that the host held back would come out stream by stream.
    let (exit_code, screen) = Terminal::start(isopod(Path::new("."), &arguments)).end();
    assert_eq!(exit_code, Some(0));
    assert_eq!(screen, "10% . 20% . 30% . done\n");
}

#[test]
fn errors_have_colours_unless_they_are_not_wanted() {
    let screen_of = |name: &str, value: &str| {
        let mut command = isopod(Path::new("."), &["run", "no/such.wasm"]);
        command
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            // In CI the output has colours whatever the terminal.
            .env_remove("CI")
            .env(name, value);
        Terminal::start(command).end().1
    };
    let plain = "error: `no/such.wasm` does not exist\n\
                 hint: give a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory\n";
    assert_eq!(screen_of("NO_COLOR", "1"), plain);
    assert_eq!(screen_of("TERM", "dumb"), plain);
    let coloured = screen_of("TERM", "xterm");
    assert!(
        coloured.starts_with("\u{1b}[1m\u{1b}[31merror\u{1b}[0m: "),
        "{coloured:?}"
    );
}
