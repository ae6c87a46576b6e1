//! Four processes write lines in pieces, as fast as they can: each writes `LINES` lines.

use isopod::{Error, Process};
use std::io::Write as _;

const LINES: u32 = 500;

fn write_lines(name: char) -> std::io::Result<()> {
    let mut output = std::io::stdout();
    for number in 0..LINES {
        // Each flush is one write of the guest.
        for piece in [format!("{name} "), format!("{number:04} "), name.to_string().repeat(80)] {
            write!(output, "{piece}")?;
            output.flush()?;
        }
        writeln!(output)?;
    }
    Ok(())
}

#[isopod::main]
fn main() -> Result<(), Error> {
    let writers = ['a', 'b', 'c', 'd']
        .map(|name| Process::spawn(write_lines, (name,)));
    for writer in writers {
        writer?.join()?;
    }
    Ok(())
}
