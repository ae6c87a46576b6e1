#[isopod::function]
async fn wait() {}

fn main() {}
