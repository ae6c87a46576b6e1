#[isopod::main]
struct Program;

fn main() {}
