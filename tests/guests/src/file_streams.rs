//! Several reads at once in one process, through the interfaces of WASI themselves: the standard library
//! begins no read before it has the answer to the last.

use crate::Outcome;
use crate::wasi::filesystem::preopens::get_directories;
use crate::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags,
};
use isopod::Queue;

fn open(directory: &Descriptor, path: &str) -> Result<Descriptor, ErrorCode> {
    directory.open_at(
        PathFlags::SYMLINK_FOLLOW,
        path,
        OpenFlags::empty(),
        DescriptorFlags::READ,
    )
}

/// Begins five reads of a FIFO without a writer. Then nothing else has room, until somebody writes to it.
pub fn own_limit() -> Outcome {
    let directories = get_directories();
    let (data, _) = directories
        .iter()
        .find(|(_, name)| name == "/data")
        .expect("it is granted");
    let fifo = open(data, "fifo").expect("it is granted");
    let streams: Vec<_> = (0..5)
        .map(|_| fifo.read_via_stream(0).expect("a stream"))
        .collect();
    for stream in &streams {
        assert_eq!(stream.read(1).expect("nothing yet"), []);
    }
    println!(
        "{:?}",
        open(data, "inside")
            .map(|_| ())
            .map_err(|error| error.name())
    );
    isopod::inherited::<Queue<u8>>("go")?.get()?;
    let mut read = Vec::new();
    for stream in &streams {
        loop {
            let bytes = stream.read(1).expect("something");
            if !bytes.is_empty() {
                read.extend(bytes);
                break;
            }
            stream.subscribe().block();
        }
    }
    read.sort_unstable();
    println!("{}", String::from_utf8_lossy(&read));
    println!(
        "{:?}",
        open(data, "inside")
            .map(|_| ())
            .map_err(|error| error.name())
    );
    Ok(())
}
