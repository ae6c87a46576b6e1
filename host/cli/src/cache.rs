//! Where the cache is, for builds and for compiled code.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The directory of compiled code, in the cache directory.
const COMPILED_CODE: &str = "code";

/// The cache directory: `$ISOPOD_CACHE`, else `$XDG_CACHE_HOME/isopod`, else
/// `$HOME/.cache/isopod`; none if none of them is set. An empty variable counts as not set.
pub(crate) fn directory() -> Option<PathBuf> {
    directory_from(|name| std::env::var_os(name))
}

/// The directory of compiled code in this cache directory.
pub(crate) fn compiled_code(cache: &Path) -> PathBuf {
    cache.join(COMPILED_CODE)
}

fn directory_from(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name: &str| {
        let value = variable(name)?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    };
    path("ISOPOD_CACHE")
        .or_else(|| Some(path("XDG_CACHE_HOME")?.join("isopod")))
        .or_else(|| Some(path("HOME")?.join(".cache").join("isopod")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_counts() {
        let found = |set: &[(&str, &str)]| {
            directory_from(|name| {
                let (_, value) = set.iter().find(|(known, _)| *known == name)?;
                Some(OsString::from(value))
            })
        };
        let home = ("HOME", "/h");
        let xdg = ("XDG_CACHE_HOME", "/x");
        let own = ("ISOPOD_CACHE", "/i");
        assert_eq!(found(&[home, xdg, own]), Some("/i".into()));
        assert_eq!(found(&[home, xdg]), Some("/x/isopod".into()));
        assert_eq!(found(&[home]), Some("/h/.cache/isopod".into()));
        assert_eq!(
            found(&[home, ("XDG_CACHE_HOME", ""), ("ISOPOD_CACHE", "")]),
            Some("/h/.cache/isopod".into())
        );
        assert_eq!(found(&[("HOME", "")]), None);
    }
}
