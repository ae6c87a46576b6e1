//! A plugin in one file.

use isopod::Json;

isopod::plugin!();

/// The text in capitals.
#[isopod::function]
fn upper(text: String) -> String {
    text.to_uppercase()
}

/// The sum of numbers.
/// It must not overflow.
#[isopod::function(name = "numbers.sum")]
fn sum(Json(numbers): Json<Vec<i64>>) -> Result<Json<i64>, String> {
    let sum = numbers.iter().try_fold(0_i64, |sum, number| sum.checked_add(*number));
    sum.map(Json).ok_or_else(|| "the sum is too large".to_owned())
}

/// Ends in the way that its input names.
#[isopod::function]
fn end(way: String) -> String {
    match way.as_str() {
        "loop" => loop {
            std::hint::black_box(());
        },
        "panic" => panic!("on purpose"),
        "trap" => std::process::abort(),
        "memory" => {
            let mut blocks = Vec::new();
            loop {
                blocks.push(std::hint::black_box(vec![1_u8; 1 << 20]));
            }
        }
        other => format!("{other} is no way to end"),
    }
}
