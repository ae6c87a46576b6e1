#[isopod::function(name = "")]
fn nameless() {}

fn main() {}
