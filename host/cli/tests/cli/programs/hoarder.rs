//! Stores many bytes in `/tmp`, in each form, reads without end, or holds many descriptors.

use isopod::{Process, Queue};
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn path_create_directory(directory: u32, path: *const u8, path_length: usize) -> u32;
    fn path_open(
        directory: u32,
        look_up: u32,
        path: *const u8,
        path_length: usize,
        open: u32,
        rights: u64,
        inherited: u64,
        flags: u32,
        opened: *mut u32,
    ) -> u32;
    fn fd_close(descriptor: u32) -> u32;
}

#[isopod::main]
fn main() -> isopod::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [action, size] = arguments.as_slice() else {
        panic!("an action and a size");
    };
    let number = || size.parse().expect("a number");
    match action.as_str() {
        "nest" | "nest-and-wait" => nest(number()),
        "files" | "files-and-wait" => {
            for number in 0..number() {
                File::create(format!("/tmp/{number}")).expect("made");
            }
        }
        "until-refused" => {
            until_refused(size);
            return Ok(());
        }
        "refusals" => {
            for _ in 0..number() {
                fs::read("/tmp/../secret").expect_err("it leads out");
                fs::hard_link("/tmp/none", "/tmp/../other").expect_err("it leads out");
            }
        }
        "operations" => operations(size.parse().expect("a number")),
        "descriptors" => return descriptors(number()),
        other => panic!("no action {other}"),
    }
    println!("done");
    if action.ends_with("-and-wait") {
        std::thread::sleep(std::time::Duration::from_secs(3_600));
    }
    Ok(())
}

/// Reads a file of this many mebibytes without end: the host works more for it than the guest.
fn operations(mebibytes: usize) {
    fs::write("/tmp/file", vec![0; mebibytes << 20]).expect("made");
    let mut file = File::open("/tmp/file").expect("made");
    let mut bytes = vec![0; mebibytes << 20];
    loop {
        file.rewind().expect("a position");
        file.read_exact(&mut bytes).expect("read");
    }
}

/// Nested directories, with names that make the path far longer than the system allows.
fn nest(depth: u32) {
    let name = "n".repeat(200);
    // The only granted directory.
    let tmp = 3;
    let mut at = tmp;
    for _ in 0..depth {
        let mut opened = 0;
        // SAFETY: pointers and lengths are those of a string and of a number.
        unsafe {
            assert_eq!(path_create_directory(at, name.as_ptr(), name.len()), 0);
            let (path, length) = (name.as_ptr(), name.len());
            let directory = 2;
            // No directory is opened to write.
            let rights = u64::MAX ^ (1 << 6);
            let errno = path_open(
                at, 0, path, length, directory, rights, rights, 0, &mut opened,
            );
            assert_eq!(errno, 0);
            if at != tmp {
                assert_eq!(fd_close(at), 0);
            }
        }
        at = opened;
    }
}

fn until_refused(what: &str) {
    match what {
        "files" => {
            for number in 0.. {
                if let Err(error) = File::create(format!("/tmp/{number}")) {
                    println!("{number} files, then {}", error.raw_os_error().unwrap());
                    return;
                }
            }
        }
        _ => {
            let mut file = File::create("/tmp/file").expect("made");
            for gibibytes in 1_u64.. {
                let end = file.seek(SeekFrom::Start((gibibytes << 30) - 1));
                end.expect("a position");
                if let Err(error) = file.write_all(b"x") {
                    let errno = error.raw_os_error().unwrap();
                    println!("{} GiB, then {errno}", gibibytes - 1);
                    return;
                }
            }
        }
    }
}

/// Children keep all descriptors that they get, more of them start, and then this one computes without end.
fn descriptors(children: u32) -> isopod::Result<()> {
    fn child(full: Queue<u32>) {
        let mut held = Vec::new();
        loop {
            match File::create("/tmp/file") {
                Ok(file) => held.push(file),
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::NotFound, "{error}");
                    break;
                }
            }
        }
        println!("holds");
        full.put(&0).expect("told");
        std::thread::sleep(std::time::Duration::from_secs(3_600));
    }
    let _ = fs::write("/tmp/file", "x");
    let full = Queue::bounded(8)?;
    let mut held = Vec::new();
    for _ in 0..children {
        // The later ones start when no descriptor is left.
        held.push(Process::builder().daemon(true).spawn(child, (full.clone(),))?);
        full.get()?;
    }
    println!("computes");
    loop {
        std::hint::black_box(0);
    }
}
