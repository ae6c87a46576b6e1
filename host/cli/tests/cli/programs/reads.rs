//! Prints for each path in its arguments whether it can be read, and then waits for the end of its input.

use std::fs;
use std::io::Read as _;

#[isopod::main]
fn main() {
    for path in std::env::args().skip(1) {
        println!("{path}: {}", fs::read(&path).is_ok());
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
