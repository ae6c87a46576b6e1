//! A program that does not use isopod: the exit codes of a plain `wasm32-wasip1` program.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let way = std::env::args().nth(1).unwrap_or_default();
    println!("way: {way}");
    match way.as_str() {
        "normal" => Ok(()),
        "error" => Err("it went wrong".into()),
        "panic" => panic!("it went very wrong"),
        code => {
            let code: i32 = code.parse()?;
            std::process::exit(code)
        }
    }
}
