#[isopod::function]
struct Order;

fn main() {}
