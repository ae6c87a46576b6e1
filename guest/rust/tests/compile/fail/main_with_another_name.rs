#[isopod::main]
fn start() {}
