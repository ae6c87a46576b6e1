//! A plugin whose function repeats the action that its input names until it is refused or ended, and
//! returns the error.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write as _;

isopod::plugin!();

/// Repeats a request until it is refused.
fn until_refused<T>(mut ask: impl FnMut() -> std::io::Result<T>) -> String {
    let mut held = Vec::new();
    loop {
        match ask() {
            Ok(got) => held.push(got),
            Err(error) => return format!("refused: {error}"),
        }
    }
}

/// Reaches a limit.
#[isopod::function]
fn reach(way: String) -> String {
    let mut number = 0;
    match way.as_str() {
        "memory" => {
            let mut blocks = Vec::new();
            loop {
                blocks.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "compute" => loop {
            black_box(());
        },
        "compute-a-little" => {
            // Far more than a tenth of a core computes in a tenth of a second, however busy the machine is.
            for number in 0..1_000_000_000_u32 {
                black_box(number);
            }
            way
        }
        "output" => loop {
            println!("this line is of no use to anybody");
        },
        "give" => "x".repeat(100_000),
        // More than a call may return, whatever the limit on its messages.
        "give-much" => "x".repeat(130 << 20),
        "descriptors" => {
            fs::write("data/file", "x").expect("written");
            until_refused(|| File::open("data/file"))
        }
        "files" => until_refused(|| {
            number += 1;
            File::create(format!("data/{number}")).map(drop)
        }),
        "written" => {
            let mut file = File::create("data/file").expect("made");
            until_refused(|| file.write_all(&[0; 1_000]))
        }
        other => other.to_owned(),
    }
}
