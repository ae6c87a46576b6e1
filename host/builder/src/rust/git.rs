//! git in a sandbox: the one in cargo, and the program that cargo runs for the setting
//! `net.git-fetch-with-cli`.
//!
//! cargo's git reads the system's settings, and no environment variable prevents that. It fails if the
//! settings exist and cannot be opened, even in a build that needs nothing more from git. The step that
//! fetches crates may read them, since it runs no code of a source. A build may read them only if they hold
//! no secret.

use super::home::Locked;
use crate::file::settings_if_any;
use crate::sandbox::Sandbox;
use crate::{Error, ErrorKind};
use std::path::Path;
use std::process::Command;

/// The system's settings of git.
const OF_SYSTEM: &str = "/etc/gitconfig";

/// Texts that show that settings may hold a secret, or name a file with one.
const SECRETS: [&str; 7] = [
    "[include",
    "[url",
    "@",
    "cookie",
    "extraheader",
    "password",
    "token",
];

/// Makes git fetch anonymously, without the user's settings, and never ask for a password.
pub(super) fn set_environment(command: &mut Command) {
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0");
}

/// Lets cargo fetch from git repositories.
pub(super) fn grant_to_fetch(sandbox: Sandbox) -> Sandbox {
    sandbox.read(OF_SYSTEM)
}

/// Lets cargo build crates that came from git, if there are any.
///
/// # Errors
/// [`ErrorKind::Confinement`] if the system's settings may hold a secret.
pub(super) fn grant_to_build(sandbox: Sandbox, packages: &[Locked]) -> Result<Sandbox, Error> {
    let is_of_git = |package: &&Locked| {
        let source = package.source.as_deref();
        source.is_some_and(|source| source.starts_with("git+"))
    };
    let Some(package) = packages.iter().find(is_of_git) else {
        return Ok(sandbox);
    };
    let settings = settings_if_any(Path::new(OF_SYSTEM)).unwrap_or_default();
    if may_hold_secret(&settings) {
        return Err(Error::new(
            ErrorKind::Confinement,
            format!(
                "`{}` comes from git, whose settings `{OF_SYSTEM}` may hold a secret that a confined build must not read",
                package.name
            ),
        )
        .with_hint(
            "move settings with a password, a token, another file or a URL to your own file; \
             `--trust-build` builds without a sandbox: the source may then do everything that you can",
        ));
    }
    Ok(sandbox.read(OF_SYSTEM))
}

fn may_hold_secret(settings: &str) -> bool {
    let settings = settings.to_lowercase();
    SECRETS.iter().any(|text| settings.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_settings_are_seen() {
        for settings in [
            "",
            "[safe]\n\tdirectory = *\n[core]\n\tautocrlf = input\n",
            "[credential \"https://example.org\"]\n\thelper = cloud.sh\n",
            "[http]\n\tproxy = http://proxy:3128\n",
        ] {
            assert!(!may_hold_secret(settings), "{settings}");
        }
        for settings in [
            "[url \"https://x:y@example.org/\"]\n\tinsteadOf = https://example.org/\n",
            "[URL \"https://other/\"]\n\tinsteadOf = https://example.org/\n",
            "[http]\n\textraHeader = Authorization: x\n",
            "[http]\n\tproxy = http://name:word@proxy:3128\n",
            "[credential]\n\thelper = \"!echo PassWord=x\"\n",
            "[includeIf \"gitdir:/\"]\n\tpath = other\n",
        ] {
            assert!(may_hold_secret(settings), "{settings}");
        }
    }

    #[test]
    fn git_asks_nobody_and_reads_no_settings_of_users() {
        let mut command = Command::new("cargo");
        set_environment(&mut command);
        let set: Vec<_> = command.get_envs().collect();
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ] {
            assert!(
                set.contains(&(name.as_ref(), Some(value.as_ref()))),
                "{name}"
            );
        }
    }
}
