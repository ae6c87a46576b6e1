#[isopod::task(name = "")]
fn task() {}

fn main() {}
