#[isopod::task]
fn generic<T>(_: T) {}

#[isopod::task]
fn implied(_: impl Into<u64>) {}

fn main() {}
