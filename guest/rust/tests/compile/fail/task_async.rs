#[isopod::task]
async fn task() {}

fn main() {}
