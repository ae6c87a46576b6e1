//! Is refused by the compiler.

#[isopod::main]
fn main() {
    let number: u32 = "seven";
}
