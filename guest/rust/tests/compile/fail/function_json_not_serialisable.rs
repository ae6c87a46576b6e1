struct Order;

#[isopod::function]
fn order(order: isopod::Json<Order>) {
    let _ = order;
}

fn main() {}
