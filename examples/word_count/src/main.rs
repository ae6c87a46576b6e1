//! Counts the words of all files below a directory, with N processes.
//!
//! A queue of paths feeds the workers, and a queue of results leads back. Main puts paths while the workers
//! are already at work, then closes the queue, which ends them.

use isopod::{Process, Queue};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The most paths that wait for a worker. Main walks the directory no faster than they are read.
const PATHS_WAITING: u32 = 64;

/// A worker: takes paths until there are no more, then reports its sum.
fn count(paths: Queue<PathBuf>, counts: Queue<u64>) -> isopod::Result<()> {
    let mut words = 0;
    for path in &paths {
        let path = path?;
        match words_of(&path) {
            Ok(found) => words += found,
            Err(error) => eprintln!("{}: {error}", path.display()),
        }
    }
    counts.put(&words)
}

/// The number of words of a file: runs of bytes that are not white space.
fn words_of(path: &Path) -> io::Result<u64> {
    let bytes = fs::read(path)?;
    let words = bytes
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    Ok(words.count() as u64)
}

/// Puts the path of each file below `directory`, without following symbolic links, and returns their
/// number.
fn walk(directory: &Path, paths: &Queue<PathBuf>) -> Result<u64, Box<dyn std::error::Error>> {
    let mut files = 0;
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_file() {
                paths.put(&entry.path())?;
                files += 1;
            }
        }
    }
    Ok(files)
}

fn run(directory: &Path, workers: usize) -> Result<(), Box<dyn std::error::Error>> {
    let paths = Queue::bounded(PATHS_WAITING)?;
    let counts = Queue::new()?;
    let processes = (1..=workers)
        .map(|number| {
            Process::builder()
                .name(format!("counter-{number}"))
                .spawn(count, (paths.clone(), counts.clone()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let walked = walk(directory, &paths);
    // Also after an error; otherwise the workers would wait for ever.
    paths.close();
    for process in processes {
        process.join()?;
    }
    let files = walked?;
    let mut words = 0;
    while !counts.is_empty() {
        words += counts.get()?;
    }
    println!("{words} words in {files} files");
    Ok(())
}

#[isopod::main]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (directory, workers) = match arguments.as_slice() {
        [directory] => (directory, Ok(isopod::cpu_count())),
        [directory, workers] => (directory, workers.parse::<usize>()),
        _ => {
            eprintln!("usage: word_count DIR [N]");
            return ExitCode::from(2);
        }
    };
    let Ok(workers @ 1..) = workers else {
        eprintln!("word_count: the number of processes is not a whole number above 0");
        return ExitCode::from(2);
    };
    match run(Path::new(directory), workers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("word_count: {error}");
            ExitCode::FAILURE
        }
    }
}
