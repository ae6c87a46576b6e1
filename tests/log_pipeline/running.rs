//! A pipeline in a directory of its own, and its process.

use isopod_tests::GUARD;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex};
use tempfile::TempDir;

/// The example's own directory.
pub(crate) fn example() -> PathBuf {
    isopod_tests::root().join("examples/log_pipeline")
}

/// A file of the example.
pub(crate) fn text_of(name: &str) -> String {
    fs::read_to_string(example().join(name)).unwrap()
}

/// A directory with a pipeline's file and its plugins.
pub(crate) struct Pipeline {
    directory: TempDir,
}

/// A plugin from this source; none where its language's tools cannot be had, which is said.
pub(crate) fn built(source: &Path) -> Option<Vec<u8>> {
    match isopod_tests::build(source) {
        Ok(component) => Some(component),
        Err(error) => {
            let cause = error.downcast_ref::<isopod_build::Error>();
            let kind = cause.map(isopod_build::Error::kind);
            assert_eq!(kind, Some(isopod_build::ErrorKind::Toolchain), "{error:#}");
            println!("skipped: {error:#}");
            None
        }
    }
}

/// A plugin's component, and the name of its file without the ending.
type Named = (&'static str, Vec<u8>);

/// The plugins of the example.
fn plugins() -> Option<&'static [Named]> {
    static PLUGINS: LazyLock<Option<Vec<Named>>> = LazyLock::new(|| {
        let sources = [
            "parse",
            "filter.c",
            "enrich.py",
            "aggregate.js",
            "hostile.rs",
        ];
        let plugins = sources.into_iter().map(|source| {
            let component = built(&example().join("plugins").join(source))?;
            Some((source.split('.').next()?, component))
        });
        plugins.collect()
    });
    PLUGINS.as_deref()
}

impl Pipeline {
    /// With this text as its file, and no plugin yet.
    pub(crate) fn new(toml: &str) -> Pipeline {
        let directory = tempfile::tempdir().unwrap();
        // The code of the large plugins is compiled once for all tests.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("log-pipeline-code");
        let cache = format!("cache = {:?}", cache.to_str().unwrap());
        let toml = toml.replace("cache = \"cache\"", &cache);
        fs::write(directory.path().join("pipeline.toml"), toml).unwrap();
        fs::create_dir(directory.path().join("plugins")).unwrap();
        Pipeline { directory }
    }

    /// With the example's plugins; none if they cannot be built here.
    pub(crate) fn of_the_example(toml: &str) -> Option<Pipeline> {
        let plugins = plugins()?;
        let pipeline = Pipeline::new(toml);
        for (name, component) in plugins {
            pipeline.put(name, component);
        }
        Some(pipeline)
    }

    /// Puts a plugin into its place in one step.
    pub(crate) fn put(&self, name: &str, component: &[u8]) {
        let path = self.directory.path().join("plugins").join(name);
        let (written, placed) = (path.with_extension("new"), path.with_extension("wasm"));
        fs::write(&written, component).unwrap();
        fs::rename(written, placed).unwrap();
    }

    /// Starts it with these files.
    pub(crate) fn start(&self, files: &[&str]) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_log_pipeline"))
            .current_dir(self.directory.path())
            .arg("pipeline.toml")
            .args(files.iter().map(|file| example().join(file)))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running {
            stdin: child.stdin.take(),
            stdout: lines_of(child.stdout.take().unwrap()),
            stderr: lines_of(child.stderr.take().unwrap()),
            child,
            told: Mutex::default(),
        }
    }

    /// Runs it with these files to its end.
    pub(crate) fn run(&self, files: &[&str]) -> Ended {
        self.start(files).end()
    }
}

/// The lines that come, from a thread of their own.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    let reader = std::thread::Builder::new().name("lines".to_owned());
    let reading = reader.spawn(move || {
        for line in BufReader::new(stream).lines() {
            if sender.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    reading.unwrap();
    receiver
}

/// A pipeline that runs.
pub(crate) struct Running {
    pub(crate) stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    child: Child,
    told: Mutex<String>,
}

/// What a pipeline left.
pub(crate) struct Ended {
    pub(crate) exit_code: Option<i32>,
    /// What was not taken before.
    pub(crate) stdout: String,
    /// All of it.
    pub(crate) stderr: String,
}

impl Running {
    /// Has it read lines.
    pub(crate) fn feed(&mut self, lines: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(lines.as_bytes()).unwrap();
    }

    /// The next line of the results.
    pub(crate) fn result(&self) -> String {
        let line = self.stdout.recv_timeout(GUARD);
        line.unwrap_or_else(|_| panic!("no result; told: {}", self.told.lock().unwrap()))
    }

    /// Waits until it tells this, and gives the whole line.
    pub(crate) fn tells(&self, text: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(GUARD);
            let mut told = self.told.lock().unwrap();
            let line = line.unwrap_or_else(|_| panic!("never told: `{text}`; told: {told}"));
            *told += &format!("{line}\n");
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn interrupt(&self) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
    }

    /// Ends its input, if it has not ended, and waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        let all = |lines: &Receiver<String>| {
            let mut text = String::new();
            // Ends with the stream.
            while let Ok(line) = lines.recv_timeout(GUARD) {
                text += &format!("{line}\n");
            }
            text
        };
        let stdout = all(&self.stdout);
        let stderr = std::mem::take(&mut *self.told.lock().unwrap()) + &all(&self.stderr);
        Ended {
            exit_code: self.child.wait().unwrap().code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Of a test that failed.
        let _ = self.child.kill();
    }
}

impl Ended {
    /// The line about this stage at the end.
    pub(crate) fn stage(&self, name: &str) -> &str {
        let beginning = format!("stage `{name}`: ");
        let line = self
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix(&beginning));
        line.unwrap_or_else(|| panic!("nothing about `{name}`: {}", self.stderr))
    }
}
