//! Whether Python scripts can be run.

use super::{isopod, run};
use std::path::Path;
use std::sync::OnceLock;

/// Whether scripts can be run here. If not, prints the reason.
#[allow(
    clippy::print_stderr,
    reason = "whoever runs the tests must see what they leave out"
)]
pub(crate) fn has_python() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let ended = run(isopod(Path::new("."), &["run", "-q", "-c", "pass"]));
        let lacks = [
            "there is no Python 3",
            "a virtual environment of Python cannot be made",
            "cannot be installed",
        ];
        let is_lacking =
            ended.exit_code == 125 && lacks.iter().any(|text| ended.stderr.contains(text));
        if is_lacking {
            eprintln!("notice: Python scripts are not tested:\n{ended}");
        } else {
            assert_eq!(ended.to_string(), "exit code: 0\n");
        }
        !is_lacking
    })
}
