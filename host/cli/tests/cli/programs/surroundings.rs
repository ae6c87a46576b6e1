//! Prints everything that it was given.

use std::fs;

#[isopod::main]
fn main() {
    println!("arguments: {:?}", std::env::args().collect::<Vec<_>>());
    println!("variables: {:?}", std::env::vars().collect::<Vec<_>>());
    println!("cores: {}", isopod::cpu_count());
    for path in ["/", ".", "/data", "/etc/passwd"] {
        let entries = fs::read_dir(path).map(|entries| {
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.collect::<Vec<_>>()
        });
        match entries {
            Ok(entries) => println!("{path}: {entries:?}"),
            // The error depends on the standard library of the program.
            Err(_) => println!("{path}: out of reach"),
        }
    }
    println!("write: {}", fs::write("/data/written", "by the program").is_ok());
    println!("outside: {}", fs::read("/data/../secret").is_ok());
}
