//! The compiler refuses this program.

#[isopod::main]
fn main() {
    let number: u32 = "seven";
}
