#[isopod::main]
fn main<T: Default>() {}
