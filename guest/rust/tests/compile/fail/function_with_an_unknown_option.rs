#[isopod::function(timeout = 3)]
fn slow() {}

fn main() {}
