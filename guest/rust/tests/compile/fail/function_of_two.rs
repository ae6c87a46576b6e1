#[isopod::function]
fn join(a: String, b: String) -> String {
    a + &b
}

fn main() {}
