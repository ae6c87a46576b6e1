//! Writes unfinished lines, in the way that the first argument names.

use std::io::{self, Write as _};
use std::time::Duration;

fn prompt() -> io::Result<()> {
    let mut name = String::new();
    print!("your name? ");
    // Otherwise std keeps it in the program until the line is finished.
    io::stdout().flush()?;
    io::stdin().read_line(&mut name)?;
    // Standard error carries prompts too.
    eprint!("your colour, {}? ", name.trim_end());
    let mut colour = String::new();
    io::stdin().read_line(&mut colour)?;
    println!("{} likes {}", name.trim_end(), colour.trim_end());
    Ok(())
}

/// Writes parts of lines to two streams in turn: a terminal that shows each part at once shows them in this
/// order.
fn progress() -> io::Result<()> {
    for part in ["10% ", "20% ", "30% "] {
        print!("{part}");
        io::stdout().flush()?;
        eprint!(". ");
    }
    println!("done");
    Ok(())
}

fn pause() -> io::Result<()> {
    print!("working ...");
    io::stdout().flush()?;
    std::thread::sleep(Duration::from_secs(3600));
    Ok(())
}

#[isopod::main]
fn main() -> io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("prompt") => prompt(),
        Some("progress") => progress(),
        Some("pause") => pause(),
        other => panic!("no way {other:?}"),
    }
}
