//! The surroundings of the guest: files, variables, arguments, clocks.

use crate::Outcome;
use crate::raw::traps;
use crate::storage::hard_link;
use isopod::Process;
use std::fs;
use std::io::ErrorKind::PermissionDenied;

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn path_symlink(
        target: *const u8,
        target_length: usize,
        directory: u32,
        path: *const u8,
        path_length: usize,
    ) -> u32;
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
    fn clock_res_get(clock: u32, resolution: *mut u64) -> u32;
    fn random_get(buffer: *mut u8, length: usize) -> u32;
    fn poll_oneoff(
        subscriptions: *const u8,
        events: *mut u8,
        count: usize,
        ready: *mut usize,
    ) -> u32;
}

/// The embedder has granted `/data` for writing and `/fixed` for reading; beside them lies `secret`,
/// and `/data` has symbolic links that lead out.
pub fn path_escapes() -> Outcome {
    assert_eq!(fs::read("/data/inside").expect("it is granted"), b"inside");
    let outside = [
        "/data/../secret",
        "/data/./../../secret",
        "/data/inside/../../secret",
        "/data/link-to-secret",
        "/data/link-up/secret",
        "/data/link-to-root/etc/passwd",
        "/data//etc/passwd",
        "/etc/passwd",
        "/proc/self/mem",
        "/proc/self/environ",
        "/dev/zero",
        "secret",
        "../secret",
        "/",
        "",
        "/data/inside\0",
    ];
    for path in outside {
        assert!(fs::read(path).is_err(), "read {path:?}");
        assert!(fs::read_dir(path).is_err(), "list {path:?}");
        assert!(fs::write(path, "x").is_err(), "write {path:?}");
        // These calls change the link itself, in its place, which does not lead out.
        if path != "/data/link-to-secret" {
            let renamed = fs::rename("/data/inside", path);
            assert!(renamed.is_err(), "rename to {path:?}");
            let path = path.strip_prefix("/data/").unwrap_or(path);
            assert!(!is_linked(path, "stolen"), "link {path:?}");
            // Relative to an open directory, this name does not lead out.
            if path != "secret" {
                assert!(!is_linked("inside", path), "link to {path:?}");
            }
        }
        assert!(fs::create_dir(path).is_err(), "make {path:?}");
    }
    // A guest's own link that leads out is not made, or not followed.
    for (number, target) in ["/etc/passwd", "../secret", "/"].iter().enumerate() {
        for directory in 3..6 {
            let path = format!("own-link-{number}");
            // SAFETY: pointers and lengths are those of strings.
            unsafe {
                path_symlink(
                    target.as_ptr(),
                    target.len(),
                    directory,
                    path.as_ptr(),
                    path.len(),
                );
            }
            assert!(fs::read(format!("/data/{path}")).is_err());
            assert!(fs::read(format!("/data/{path}/etc/passwd")).is_err());
        }
    }
    assert_eq!(fs::read("/fixed/inside").expect("it is granted"), b"inside");
    assert!(fs::write("/fixed/inside", "x").is_err());
    assert!(fs::write("/fixed/new", "x").is_err());
    assert!(fs::remove_file("/fixed/inside").is_err());
    assert!(fs::rename("/fixed/inside", "/data/moved").is_err());
    assert!(fs::write(format!("/data/{}", "n".repeat(1 << 20)), "x").is_err());
    assert!(fs::create_dir_all(format!("/data/{}", "d/".repeat(5_000))).is_err());
    let _ = fs::remove_dir_all("/data/d");
    println!("nothing leads out");
    Ok(())
}

/// Whether any open directory lets a hard link be made, with links followed or not.
fn is_linked(original: &str, link: &str) -> bool {
    (3..6).any(|directory| (0..2).any(|look_up| hard_link(directory, look_up, original, link) == 0))
}

pub fn peeks_around() -> Outcome {
    println!("{:?}", std::env::args().skip(1).collect::<Vec<_>>());
    println!("{:?}", std::env::vars().collect::<Vec<_>>());
    println!(
        "{:?}",
        std::env::current_dir().map(|path| fs::read_dir(path).is_ok())
    );
    let mut line = String::new();
    println!("{:?}", std::io::stdin().read_line(&mut line).ok());
    for name in ["", "stdin", "main", "../ready", "ready\0"] {
        assert!(isopod::inherited::<isopod::Queue<u64>>(name).is_err());
    }
    Ok(())
}

pub fn clock_misuse() -> Outcome {
    let mut time = 0;
    let mut is_known = |clock| {
        // SAFETY: the pointer is to a number.
        unsafe {
            let is_known = clock_time_get(clock, u64::MAX, &mut time) == 0;
            assert_eq!(is_known, clock_res_get(clock, &mut time) == 0);
            is_known
        }
    };
    let known: Vec<u32> = (0..1_000)
        .chain([u32::MAX])
        .filter(|clock| is_known(*clock))
        .collect();
    println!("clocks {known:?}");
    traps("", |number| {
        let mut ready = 0;
        let count = match number {
            0 => usize::MAX,
            1 => 1 << 28,
            _ => return false,
        };
        // SAFETY: none; the host must find the invalid pointer.
        let error = unsafe {
            poll_oneoff(
                std::ptr::dangling(),
                std::ptr::dangling_mut(),
                count,
                &mut ready,
            )
        };
        panic!("error {error}, {ready} ready");
    })
}

/// A thousand processes open a FIFO that no other process opens, to read and to write, and main reads a
/// file meanwhile.
pub fn opens_of_fifos() -> Outcome {
    let open = || {
        let opened = [
            fs::File::open("/data/fifo"),
            fs::OpenOptions::new().write(true).open("/data/fifo"),
        ];
        opened.map(|opened| opened.expect_err("it is a FIFO").kind()) == [PermissionDenied; 2]
    };
    let mut refused = 0;
    for _ in 0..20 {
        let children = (0..50)
            .map(|_| Process::spawn(open, ()))
            .collect::<Result<Vec<_>, _>>()?;
        assert_eq!(fs::read("/data/inside").expect("it is granted"), b"inside");
        for child in children {
            refused += u32::from(child.join()?);
        }
    }
    println!("{refused} refused");
    Ok(())
}

/// More random bytes than the memory can hold.
pub fn random_misuse() -> Outcome {
    let mut few = [0; 16];
    // SAFETY: the buffer is as long as it says.
    assert_eq!(unsafe { random_get(few.as_mut_ptr(), few.len()) }, 0);
    assert_ne!(few, [0; 16]);
    traps("", |number| {
        let length = match number {
            0 => usize::MAX,
            1 => 1 << 31,
            2 => 1 << 27,
            _ => return false,
        };
        // SAFETY: none; the host must find the invalid pointer.
        let error = unsafe { random_get(few_bytes(), length) };
        panic!("error {error}");
    })
}

fn few_bytes() -> *mut u8 {
    std::ptr::without_provenance_mut(1024)
}
