//! The environment variables that a tool sees: a few, by name.
//!
//! A variable may hold a secret, and `option_env!` reads any variable. The build itself sets the variables by
//! which a compiler finds its parts. The variables that are left only set the form of output (language,
//! colour, time) and the directories of programs.

use std::path::Path;
use std::process::Command;

/// The variables that every tool sees.
const SEEN: [&str; 8] = [
    "PATH",
    "LANG",
    "LANGUAGE",
    "TERM",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "TZ",
    "SOURCE_DATE_EPOCH",
];

/// Prefixes of further such variables.
const SEEN_PREFIXES: [&str; 2] = ["LC_", "CARGO_TERM_"];

/// The variables for reaching the network. Only tools with the network see them, and these run no code of the
/// source.
const NETWORK: [&str; 12] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "CARGO_REGISTRY_DEFAULT",
];

/// Prefixes of further such variables.
const NETWORK_PREFIXES: [&str; 3] = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_SOURCE_"];

/// Removes all other variables from a command. The command must not have set any yet.
pub(super) fn restrict(command: &mut Command, network: bool, home: &Path) {
    command.env_clear();
    for (name, value) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| is_seen(name, network)) {
            command.env(name, value);
        }
    }
    command.env("HOME", home).env("TMPDIR", home);
}

fn is_seen(name: &str, network: bool) -> bool {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    SEEN.contains(&name)
        || begins(&SEEN_PREFIXES)
        || network && (NETWORK.contains(&name) || begins(&NETWORK_PREFIXES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_seen() {
        for name in [
            "AWS_SECRET_ACCESS_KEY",
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_OURS_TOKEN",
            "SSH_AUTH_SOCK",
            "LD_PRELOAD",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
            "CARGO_BUILD_RUSTC",
            "NODE_OPTIONS",
            "PYTHONPATH",
            "CPATH",
            "HOME",
        ] {
            assert!(!is_seen(name, true), "{name}");
        }
        assert!(is_seen("https_proxy", true) && !is_seen("https_proxy", false));
        assert!(is_seen("PATH", false) && is_seen("LC_ALL", false));
    }
}
