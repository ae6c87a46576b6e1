//! Texts that are too long, or are not valid texts.

use crate::raw::bindings::process::{Options, Process};
use crate::raw::bindings::types::{ErrorCode, ExitStatus};
use crate::raw::traps;
use crate::{Outcome, refused};
use isopod::{ErrorKind, SharedMemory};

const MIB: usize = 1 << 20;

pub fn giant() -> Outcome {
    let name = "n".repeat(MIB);
    let builder = isopod::Process::builder().name(name.as_str());
    refused(builder.spawn(|| (), ()), ErrorKind::InvalidArgument);
    refused(SharedMemory::create(&name, 8), ErrorKind::InvalidArgument);
    refused(
        isopod::inherited::<isopod::Lock>("no such"),
        ErrorKind::NotFound,
    );
    let found = SharedMemory::find(&name).expect_err("there is none");
    assert!(
        found.to_string().len() < 4096,
        "a text of {} bytes",
        found.to_string().len()
    );
    for name in ["", "a\nb", "a\0b", "\u{1b}[2J"] {
        let builder = isopod::Process::builder().name(name);
        refused(builder.spawn(|| (), ()), ErrorKind::InvalidArgument);
    }
    // The name of a task serves people only.
    let child = Process::spawn(&name, &[], &[], &Options::new());
    let child = child.expect("a long label is cut");
    child.join(None).expect("it ends");
    Ok(())
}

/// Names that the host does not keep.
pub fn giant_of_directories() -> Outcome {
    let name = "n".repeat(3 * MIB);
    let options = crate::raw::bindings::process::Options::new();
    println!("{:?}", options.set_directories(&[name]));
    Ok(())
}

/// A process fails with a message of 16 MiB: its parent and the embedder get a part of it.
pub fn giant_failure() -> Outcome {
    let fails = || crate::raw::bindings::process::fail(&"ä".repeat(8 * MIB));
    let status = isopod::Process::spawn(fails, ())?.wait()?.to_string();
    println!("{} bytes", status.len());
    assert!(status.len() < 70_000);
    fails();
    Ok(())
}

/// Bytes that are not UTF-8, where the host expects a text.
pub fn invalid_text() -> Outcome {
    traps("utf-8", |number| {
        let bytes: &[u8] = match number / 3 {
            0 => &[0xff, 0xfe],
            1 => &[0xc0, 0x80],
            2 => &[0xed, 0xa0, 0x80],
            3 => &[b'a', 0xe2, 0x82],
            _ => return false,
        };
        // SAFETY: none; the host must find the invalid text.
        let text = unsafe { std::str::from_utf8_unchecked(bytes) };
        match number % 3 {
            0 => drop(Options::new().set_name(text)),
            1 => drop(Process::spawn(text, &[], &[], &Options::new())),
            _ => crate::raw::bindings::process::fail(text),
        }
        true
    })?;
    let code = ErrorCode::Other(String::new());
    let status = ExitStatus::Other(String::new());
    println!("{code:?} {status:?}");
    Ok(())
}
