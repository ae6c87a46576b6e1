//! Directories for tests.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// A directory that is removed with its contents.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// An empty directory, for this operating-system process and this name alone.
    ///
    /// # Errors
    /// The system's error.
    pub fn new(name: &str) -> Result<Temporary> {
        let path = std::env::temp_dir().join(format!("isopod-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Temporary(path))
    }

    /// The path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a FIFO in it.
    ///
    /// # Errors
    /// The system's error, or that of the command that makes FIFOs.
    pub fn fifo(&self, name: &str) -> Result<()> {
        let made = std::process::Command::new("mkfifo")
            .arg(self.0.join(name))
            .status()?;
        ensure!(made.success(), "`mkfifo` failed: {made}");
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A leftover directory is no reason to fail.
        let _ = fs::remove_dir_all(&self.0);
    }
}
