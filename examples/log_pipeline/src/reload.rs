//! Replaces plugins while the pipeline runs: a thread checks their files at intervals.

use crate::chain::Chain;
use crate::config::Config;
use crate::report;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Ends the thread when it is dropped.
pub(crate) struct Watcher {
    _end: Sender<()>,
}

/// The attributes that change with a file's contents: device, inode, size, and the time of the change.
type Identity = (u64, u64, u64, i64, i64);

/// The known state of a stage's file.
pub(crate) struct Seen {
    loaded: Option<Identity>,
    last: Option<Identity>,
}

/// Records the state of the files of all stages. Call it before they are loaded, so that a file that is
/// replaced meanwhile counts as changed.
pub(crate) fn look(config: &Config) -> Vec<Seen> {
    let paths = config.stages.iter().map(|stage| &stage.plugin);
    let seen = paths.map(|path| {
        let (loaded, last) = (identity(path), None);
        Seen { loaded, last }
    });
    seen.collect()
}

/// From now on, reloads the plugins of files that have changed since.
pub(crate) fn watch(chain: &Arc<Chain>, seen: Vec<Seen>, every: Duration) -> io::Result<Watcher> {
    let (end, ended) = channel();
    let chain = Arc::clone(chain);
    thread::Builder::new()
        .name("reload".to_owned())
        .spawn(move || look_now_and_then(&chain, seen, every, &ended))?;
    Ok(Watcher { _end: end })
}

fn look_now_and_then(chain: &Chain, mut all: Vec<Seen>, every: Duration, ended: &Receiver<()>) {
    while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        for (stage, seen) in chain.stages.iter().zip(&mut all) {
            let now = identity(stage.path());
            // A file that is still being written differs from one look to the next.
            let is_settled = std::mem::replace(&mut seen.last, now) == now;
            if now == seen.loaded || !is_settled {
                continue;
            }
            seen.loaded = now;
            let result = match now {
                Some(_) => stage.reload(),
                None => Err(anyhow::anyhow!("its file is gone")),
            };
            report::tell(&match result {
                Ok(()) => format!("stage `{}` has a new version", stage.name()),
                Err(error) => format!(
                    "stage `{}` keeps its version: {}",
                    stage.name(),
                    report::one_line(&format!("{error:#}"))
                ),
            });
        }
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let file = fs::metadata(path).ok()?;
    Some((
        file.dev(),
        file.ino(),
        file.size(),
        file.ctime(),
        file.ctime_nsec(),
    ))
}
