//! `rustup target add`.

use super::{Places, TARGET};
use crate::cache::Cache;
use crate::tool::{self, all_named, last_lines, output_of};
use std::fs;

/// Adds the target to the toolchain of the project. Fails fast if nothing can be downloaded, and does not try
/// again with the same cache, because such a machine is likely to stay as it is.
pub(super) fn add_target(
    cache: &Cache,
    places: &Places,
    announce: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let Some(rustup) = all_named(&places.path, "rustup").into_iter().next() else {
        return Err("there is no `rustup` to add the target with".to_owned());
    };
    let note = cache.path("rustup-failed");
    if note.exists() {
        return Err(format!(
            "`rustup target add {TARGET}` failed before and is not tried again; remove `{}` to try \
             it",
            note.display()
        ));
    }
    announce(&format!(
        "the target is missing; running `rustup target add {TARGET}`"
    ));
    let mut command = tool::command(rustup);
    command
        .args(["target", "add", TARGET])
        .current_dir(&places.project);
    // The default of three retries takes a while without a network.
    command
        .env("RUSTUP_MAX_RETRIES", "0")
        .env("RUST_BACKTRACE", "0");
    match output_of(&mut command) {
        Ok(_) => Ok(()),
        Err(said) => {
            // The note is optional: without it, the next build tries again.
            let _ = fs::write(&note, &said);
            Err(format!(
                "`rustup target add {TARGET}` failed:\n{}",
                last_lines(&said)
            ))
        }
    }
}
