//! CPython's own test of shared memory, its semantics re-created under its name.

use crate::Outcome;
use isopod::{ErrorKind, Process, SharedMemory};

/// `_TestSharedMemory.test_shared_memory_across_processes`, names, bounds and atomic numbers.
pub fn shared_memory() -> Outcome {
    let memory = SharedMemory::create("numbers", 64)?;
    let error = SharedMemory::create("numbers", 64).expect_err("the name is taken");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let adders = (0..4)
        .map(|_| {
            Process::spawn(
                || -> Outcome {
                    let memory = SharedMemory::find("numbers")?;
                    for _ in 0..1000 {
                        memory.add_u64(0, 1)?;
                        memory.add_u32(12, 2)?;
                    }
                    Ok(())
                },
                (),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    for adder in adders {
        adder.join()?;
    }
    assert_eq!((memory.load_u64(0)?, memory.load_u32(12)?), (4000, 8000));
    assert_eq!(memory.compare_exchange_u64(0, 4000, 7)?, 4000);
    assert_eq!(memory.compare_exchange_u64(0, 4000, 8)?, 7);
    let child = Process::spawn(
        |memory: SharedMemory| memory.write(59, b"hello"),
        (memory.clone(),),
    )?;
    child.join()?;
    assert_eq!(memory.read(59, 5)?, b"hello");
    for error in [
        memory.write(60, b"hello").expect_err("beyond the end"),
        memory.read(0, u64::MAX).expect_err("beyond the end"),
        memory.load_u64(4).expect_err("not aligned"),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    SharedMemory::unlink("numbers")?;
    let error = SharedMemory::find("numbers").expect_err("unlinked");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(memory.size(), 64, "who has it keeps it");
    let error = SharedMemory::new(1 << 50).expect_err("above the tree's limit");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    Ok(())
}
