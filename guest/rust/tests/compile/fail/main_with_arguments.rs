#[isopod::main]
fn main(arguments: Vec<String>) {}
