//! Files without end, descriptors without end, and links that lead out, with `/data` writable.

use crate::{Outcome, ready};
use isopod::Process;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};

/// The error number of preview 1.
const DQUOT: i32 = 19;
const NOMEM: i32 = 48;
const PERM: u32 = 63;

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn path_symlink(
        target: *const u8,
        target_length: usize,
        directory: u32,
        path: *const u8,
        path_length: usize,
    ) -> u32;
    fn path_rename(
        directory: u32,
        path: *const u8,
        path_length: usize,
        new_directory: u32,
        new_path: *const u8,
        new_path_length: usize,
    ) -> u32;
    fn path_link(
        directory: u32,
        look_up: u32,
        path: *const u8,
        path_length: usize,
        new_directory: u32,
        new_path: *const u8,
        new_path_length: usize,
    ) -> u32;
}

/// The descriptor of `/data`, the first granted directory.
const DATA: u32 = 3;

fn symlink(target: &str, path: &str) -> u32 {
    // SAFETY: pointers and lengths are those of strings.
    unsafe {
        path_symlink(
            target.as_ptr(),
            target.len(),
            DATA,
            path.as_ptr(),
            path.len(),
        )
    }
}

/// Repeats `action` until it is refused with this error; returns the number of successes.
fn until_refused(errno: i32, mut action: impl FnMut(u64) -> io::Result<()>) -> u64 {
    for count in 0.. {
        if let Err(error) = action(count) {
            assert_eq!(error.raw_os_error(), Some(errno), "{error}");
            return count;
        }
    }
    unreachable!()
}

/// Opens files, directories and streams of directories in turn, as many as it can get, and keeps them open.
fn hoard() -> (u64, Vec<File>, Vec<fs::ReadDir>) {
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    let count = until_refused(NOMEM, |number| {
        match number % 3 {
            0 => files.push(File::open("/data/inside")?),
            1 => files.push(File::open("/data/directory")?),
            _ => {
                let mut entries = fs::read_dir("/data/directory")?;
                // The first entry opens the stream.
                entries.next().transpose()?;
                directories.push(entries);
            }
        }
        Ok(())
    });
    (count, files, directories)
}

pub fn descriptor_hoard() -> Outcome {
    let (first, files, directories) = hoard();
    // Closing releases every descriptor.
    drop((files, directories));
    let (second, files, directories) = hoard();
    assert!(second + 1 >= first, "{first}, then {second}");
    assert!(first >= 10, "only {first}");
    println!("refused");
    drop((files, directories));
    Ok(())
}

/// Children hoard until they are ended.
pub fn descriptor_hoard_of_children() -> Outcome {
    fn child() {
        let _held = hoard();
        loop {
            std::thread::sleep(std::time::Duration::from_secs(3_600));
        }
    }
    let _children: Vec<Process> = (0..8)
        .map(|_| Process::builder().spawn(child, ()))
        .collect::<Result<_, _>>()?;
    let _held = hoard();
    ready()?;
    child();
    Ok(())
}

/// Removes the files of an earlier run.
fn clear() {
    for entry in fs::read_dir("/data").expect("granted") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a kind").is_dir() {
            fs::remove_dir_all(entry.path()).expect("removed");
        } else {
            fs::remove_file(entry.path()).expect("removed");
        }
    }
}

/// Writes in the way that the argument names, until the limit of 1 MiB.
pub fn fills_its_disk(way: &str) -> Outcome {
    clear();
    let file = |number: u64| File::create(format!("/data/file-{number}"));
    let kib = [b'x'; 1 << 10];
    let count = match way {
        "write" => {
            let mut file = file(0).expect("made");
            until_refused(DQUOT, |_| file.write_all(&kib))
        }
        "over-and-over" => {
            let mut file = file(0).expect("made");
            until_refused(DQUOT, |_| {
                file.rewind()?;
                file.write_all(&kib)
            })
        }
        "append" => {
            file(0).expect("made");
            let options = OpenOptions::new().append(true).open("/data/file-0");
            let mut file = options.expect("opened");
            until_refused(DQUOT, |_| file.write_all(&kib))
        }
        "truncate" => {
            let file = file(0).expect("made");
            until_refused(DQUOT, |number| file.set_len((number + 1) << 10))
        }
        "shrink-and-grow" => {
            let file = file(0).expect("made");
            until_refused(DQUOT, |_| {
                file.set_len(0)?;
                file.set_len(1 << 10)
            })
        }
        "terabyte" => {
            let file = file(0).expect("made");
            until_refused(DQUOT, |_| file.set_len(1 << 40))
        }
        "gap" => {
            let mut file = file(0).expect("made");
            until_refused(DQUOT, |number| {
                file.seek(SeekFrom::Start(((number + 1) << 10) - 1))?;
                file.write_all(b"x")
            })
        }
        "remove" => until_refused(DQUOT, |number| {
            fs::write(format!("/data/file-{number}"), kib)?;
            fs::remove_file(format!("/data/file-{number}"))
        }),
        "children" => {
            fn child(number: u64) {
                let path = format!("/data/file-{number}");
                let mut file = File::create(path).expect("made");
                until_refused(DQUOT, |_| file.write_all(&[b'x'; 1 << 10]));
            }
            for number in 0..4 {
                Process::builder().spawn(child, (number,))?.join()?;
            }
            until_refused(DQUOT, |_| file(9)?.write_all(&kib))
        }
        other => panic!("no way {other}"),
    };
    println!("{count}");
    Ok(())
}

/// Makes files in each way until the limit of 100.
pub fn makes_files(way: &str) -> Outcome {
    clear();
    let path = |number: u64| format!("/data/made-{number}");
    fs::write("/data/first", "x").expect("made");
    let count = match way {
        "files" => until_refused(DQUOT, |number| File::create(path(number)).map(drop)),
        "directories" => until_refused(DQUOT, |number| fs::create_dir(path(number))),
        "nested" => {
            let mut path = "/data".to_owned();
            until_refused(DQUOT, |_| {
                path.push_str("/d");
                fs::create_dir(&path)
            })
        }
        "hard-links" => until_refused(DQUOT, |number| {
            outcome(hard_link(DATA, 0, "first", &format!("made-{number}")))
        }),
        "symbolic-links" => until_refused(DQUOT, |number| {
            outcome(symlink("first", &format!("made-{number}")))
        }),
        "remove" => until_refused(DQUOT, |number| {
            File::create(path(number))?;
            fs::remove_file(path(number))
        }),
        // Calls that fail, or that find the file, make nothing.
        "attempts" => {
            for _ in 0..1_000 {
                assert!(fs::create_dir("/data/first").is_err());
                assert!(File::create("/data/none/file").is_err());
                File::create("/data/first").expect("there");
                fs::rename("/data/first", "/data/second").expect("renamed");
                fs::rename("/data/second", "/data/first").expect("renamed");
            }
            until_refused(DQUOT, |number| File::create(path(number)).map(drop))
        }
        other => panic!("no way {other}"),
    };
    println!("{count}");
    Ok(())
}

/// The embedder has made `up`, a link to `..`, and `directory`.
pub fn links_that_lead_out() -> Outcome {
    // Left by an earlier run.
    for path in ["/data/early", "/data/directory/own"] {
        let _ = fs::remove_file(path);
    }
    let outside = [
        "/",
        "/etc/passwd",
        "..",
        "../secret",
        "./..",
        "directory/..",
        "directory/../../secret",
        "up",
        "up/secret",
        "./up/secret",
    ];
    for (number, target) in outside.iter().enumerate() {
        for path in [
            format!("link-{number}"),
            format!("directory/link-{number}"),
            format!("directory/deep/../link-{number}"),
        ] {
            let is_beside = path.starts_with("link");
            if target.contains("up") && !is_beside {
                continue;
            }
            assert_eq!(symlink(target, &path), PERM, "{target} at {path}");
        }
    }
    // One link of the guest's own on the way, and one whose target leads out only later.
    assert_eq!(symlink("directory", "own"), 0);
    assert_eq!(symlink("own/..", "through"), PERM);
    assert_eq!(symlink("later/file", "early"), 0);
    assert_eq!(symlink("../..", "later"), PERM);
    // The user's own link keeps its place and its name, which another link could lead through.
    for path in ["directory/up", "directory/deep/up", "later", "still-up"] {
        let moved = rename("up", path);
        assert_eq!(moved, PERM, "{path}");
        assert_eq!(hard_link(DATA, 0, "up", path), PERM, "{path}");
    }
    assert_eq!(rename("own", "directory/own"), 0);
    println!("nothing leads out");
    Ok(())
}

fn outcome(errno: u32) -> io::Result<()> {
    match errno {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno.cast_signed())),
    }
}

/// Makes a hard link in an open directory, and follows links if `look_up` is 1. The C library's own
/// `linkat` mixes up its paths in programs that ask for the current directory.
pub fn hard_link(directory: u32, look_up: u32, path: &str, new_path: &str) -> u32 {
    // SAFETY: pointers and lengths are those of strings.
    unsafe {
        path_link(
            directory,
            look_up,
            path.as_ptr(),
            path.len(),
            directory,
            new_path.as_ptr(),
            new_path.len(),
        )
    }
}

fn rename(path: &str, new_path: &str) -> u32 {
    // SAFETY: pointers and lengths are those of strings.
    unsafe {
        path_rename(
            DATA,
            path.as_ptr(),
            path.len(),
            DATA,
            new_path.as_ptr(),
            new_path.len(),
        )
    }
}
