#[isopod::function]
fn length(text: String) -> usize {
    text.len()
}

fn main() {}
