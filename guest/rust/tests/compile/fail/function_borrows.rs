#[isopod::function]
fn length(text: &str) -> String {
    text.len().to_string()
}

fn main() {}
