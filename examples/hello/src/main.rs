//! Arguments, an environment variable and an exit code: the input and the output of a program.

use std::process::ExitCode;

#[isopod::main]
fn main() -> ExitCode {
    let greeting = std::env::var("GREETING").unwrap_or_else(|_| "Hello".to_owned());
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        eprintln!("usage: hello NAME...");
        return ExitCode::from(2);
    }
    for name in names {
        println!("{greeting}, {name}!");
    }
    ExitCode::SUCCESS
}
