//! Uses the rights that a script has by default: its own directory, whose name is the argument, and `/tmp`.

use std::fs;

#[isopod::main]
fn main() {
    let own = std::env::args().nth(1).unwrap();
    let read = fs::read_to_string(format!("{own}/scratch.rs"));
    println!("own directory read: {}", read.is_ok());
    let written = fs::write(format!("{own}/written"), "");
    println!("own directory written: {}", written.is_ok());
    println!("private: {} entries", fs::read_dir("/tmp").unwrap().count());
    fs::write("/tmp/note", "kept for a while").unwrap();
    println!("private: {}", fs::read_to_string("/tmp/note").unwrap());
}
