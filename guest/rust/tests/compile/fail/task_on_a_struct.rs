#[isopod::task]
struct Task;

fn main() {}
