//! Functions of a plugin: each kind of input and output.

use isopod::{Bytes, Json};

isopod::plugin!();

/// No input, no output.
#[isopod::function]
fn nothing() {}

#[isopod::function]
fn text(text: String) -> String {
    text
}

#[isopod::function]
fn a_constant() -> &'static str {
    "constant"
}

#[isopod::function]
fn bytes(bytes: Bytes) -> Bytes {
    bytes
}

#[isopod::function(name = "numbers.sum")]
fn sum(Json(numbers): Json<Vec<i64>>) -> Result<Json<i64>, String> {
    Ok(Json(numbers.iter().sum()))
}

#[isopod::function]
fn r#match(input: Vec<u8>) -> isopod::Result<Vec<u8>> {
    Ok(input)
}

fn main() {
    // They remain ordinary functions.
    nothing();
    assert_eq!(text("a".to_owned()), a_constant().replace("constant", "a"));
}
