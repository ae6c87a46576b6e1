#[isopod::main]
async fn main() {}
