#[isopod::function]
fn double(number: u64) -> String {
    (number * 2).to_string()
}

fn main() {}
