//! Files of a granted directory, `/data`: ordinary ones, and files that no program should open.

use crate::{Outcome, ready};
use isopod::{Process, Queue};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};

pub fn run(scenario: &[&str]) -> Outcome {
    match scenario {
        ["ordinary"] => ordinary(),
        ["open", paths @ ..] => open(paths),
        ["stuck", path] => stuck(path),
        ["stuck-children", count] => stuck_children(count),
        ["replaced"] => replaced(),
        ["fifo-to-fifo"] => fifo_to_fifo(),
        ["own-limit"] => crate::file_streams::own_limit(),
        other => panic!("no scenario {other:?}"),
    }
}

/// Every operation of a program on regular files and directories.
fn ordinary() -> Outcome {
    let path = "/data/file";
    let large: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(path, &large).expect("made and written");
    assert!(fs::read(path).expect("read") == large);
    let mut file = OpenOptions::new().append(true).open(path).expect("opened");
    file.write_all(b"the end").expect("appended");
    assert_eq!(file.metadata().expect("is there").len(), 1_200_007);
    let mut file = File::open(path).expect("opened");
    file.seek(SeekFrom::End(-7)).expect("a position");
    let mut text = String::new();
    file.read_to_string(&mut text).expect("read");
    assert_eq!(text, "the end");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .expect("opened");
    file.set_len(10).expect("cut");
    file.seek(SeekFrom::Start(8)).expect("a position");
    file.write_all(b"1234").expect("written");
    file.sync_all().expect("on the disk");
    file.rewind().expect("a position");
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).expect("read");
    assert_eq!((bytes.len(), bytes.ends_with(b"1234")), (12, true));

    let new = || {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open("/data/new")
    };
    new().expect("made");
    let kind = |error: std::io::Error| error.kind();
    assert_eq!(new().map_err(kind).err(), Some(ErrorKind::AlreadyExists));
    File::create(path).expect("emptied");
    assert_eq!(fs::metadata(path).expect("is there").len(), 0);
    fs::create_dir_all("/data/a/b").expect("made");
    fs::rename("/data/new", "/data/a/b/moved").expect("moved");
    hard_link("a/b/moved", "a/linked").expect("linked");
    let names = |path| {
        let entries = fs::read_dir(path).expect("listed");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("read").file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("/data/a"), ["b", "linked"]);
    assert!(
        File::open("/data/a")
            .expect("opened")
            .read(&mut [0])
            .is_err()
    );
    assert_eq!(
        File::open("/data/none").map_err(kind).err(),
        Some(ErrorKind::NotFound)
    );
    assert!(fs::write("/data/a", "").is_err(), "it is a directory");
    assert!(File::open("/data/file/").is_err(), "it is no directory");
    fs::remove_dir_all("/data/a").expect("removed");
    assert!(!fs::exists("/data/a").expect("looked up"));
    println!("done");
    Ok(())
}

/// Opens each path for reading and for writing, and prints the outcomes.
fn open(paths: &[&str]) -> Outcome {
    for path in paths {
        let read = File::open(path).map_or_else(|error| error.kind().to_string(), read_some);
        let mut write = OpenOptions::new();
        let write = write.append(true).open(path);
        let write = write.map_or_else(|error| error.kind().to_string(), |_| "opened".to_owned());
        println!("{path}: {read}, {write}");
    }
    Ok(())
}

fn read_some(mut file: File) -> String {
    let mut bytes = [1; 4];
    match file.read(&mut bytes) {
        Ok(count) => format!("{:?}", bytes.get(..count).unwrap_or_default()),
        Err(error) => error.kind().to_string(),
    }
}

/// Reports that the next operation on a file is the point.
fn ready_to_open() -> Outcome {
    // A program looks for its directories in its first operation.
    drop(File::open("/data/inside"));
    ready()
}

/// Opens a path that no other process opens.
fn stuck(path: &str) -> Outcome {
    ready_to_open()?;
    println!("{:?}", File::open(path).map_err(|error| error.kind()).err());
    Ok(())
}

/// Children are stuck; main reads a file when the embedder sends a message.
fn stuck_children(count: &str) -> Outcome {
    for _ in 0..count.parse().expect("a number") {
        let open = || ready_to_open().map(|()| drop(File::open("/data/fifo")));
        Process::builder().daemon(true).spawn(open, ())?;
    }
    let go = isopod::inherited::<Queue<u8>>("go")?;
    loop {
        match go.get() {
            Ok(_) => {}
            Err(_) => return Ok(()),
        }
        println!(
            "{:?}",
            fs::read_to_string("/data/inside").map_err(|error| error.kind())
        );
    }
}

/// While another process swaps a file and a FIFO, an open gets the file, or fails.
fn replaced() -> Outcome {
    let replace = || {
        loop {
            let _ = hard_link("fifo", "next");
            let _ = fs::rename("/data/next", "/data/target");
            let _ = hard_link("inside", "next");
            let _ = fs::rename("/data/next", "/data/target");
        }
    };
    Process::builder().daemon(true).spawn(replace, ())?;
    let (mut opened, mut refused) = (0, 0);
    while opened < 200 || refused < 200 {
        match fs::read_to_string("/data/target") {
            Ok(text) => {
                assert_eq!(text, "inside");
                opened += 1;
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => refused += 1,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => panic!("{error}"),
        }
    }
    println!("done");
    Ok(())
}

/// A FIFO that is granted carries the data that is written to it.
fn fifo_to_fifo() -> Outcome {
    let write = || fs::write("/data/fifo", "through the pipe").expect("written");
    let writer = Process::spawn(write, ())?;
    println!("{}", fs::read_to_string("/data/fifo").expect("read"));
    writer.join()
}

/// `std::fs::hard_link` below `/data`, without the C library. The C library of 2022, which Debian has,
/// keeps one buffer for the paths of a call, so the second path of `link` stands for both.
fn hard_link(original: &str, link: &str) -> std::io::Result<()> {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        fn path_link(
            original_directory: i32,
            flags: i32,
            original: *const u8,
            original_length: usize,
            directory: i32,
            link: *const u8,
            link_length: usize,
        ) -> i32;
    }
    /// `/data` is the first granted directory.
    const DATA: i32 = 3;
    // SAFETY: pointers and lengths are those of two strings.
    let errno = unsafe {
        path_link(
            DATA,
            0,
            original.as_ptr(),
            original.len(),
            DATA,
            link.as_ptr(),
            link.len(),
        )
    };
    match errno {
        0 => Ok(()),
        errno => Err(std::io::Error::from_raw_os_error(errno)),
    }
}
