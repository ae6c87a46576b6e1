//! A plugin: functions that an application calls by name, with bytes.

use isopod::Json;

isopod::plugin!();

/// The text in capitals.
#[isopod::function]
fn upper(text: String) -> String {
    text.to_uppercase()
}

/// How many words the text has.
#[isopod::function]
fn count_words(text: String) -> Result<Json<usize>, String> {
    match text.split_whitespace().count() {
        0 => Err("the text has no words".to_owned()),
        count => Ok(Json(count)),
    }
}
