#[isopod::task(workers = 4)]
fn task() {}

#[isopod::task("name")]
fn other() {}

fn main() {}
