//! Below the library: calls of the host with arbitrary numbers.

use crate::Outcome;
use isopod::Process;

pub mod bindings {
    #![allow(clippy::all, dead_code, reason = "generated")]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "program",
        type_section_suffix: "hostile",
    });
    pub use self::isopod::multiprocessing::{
        direct, manager, memory, pipe, pool, process, queue, sync, types, wait,
    };
}

use bindings::queue::Queue;
use bindings::sync::Lock;
use bindings::types::Handle;

/// Calls `scenario` with 0, 1, 2 and so on, each time in a child of its own, until it returns that there
/// are no more. Each child must trap with a text that contains `text`.
pub fn traps(text: &str, scenario: fn(u32) -> bool) -> Outcome {
    // A function pointer is an index into the table that all processes have.
    let index = scenario as usize;
    let child = |index: usize, number: u32| {
        // SAFETY: it was a function of this type in the parent, whose table is the same.
        let scenario = unsafe { std::mem::transmute::<usize, fn(u32) -> bool>(index) };
        scenario(number)
    };
    for number in 0.. {
        let child = Process::spawn(child, (index, number))?;
        let status = child.wait()?;
        if status.success() {
            assert!(!child.join()?, "number {number} went through");
            println!("{number} traps");
            break;
        }
        let status = status.to_string();
        let is_trap = status.starts_with("trapped") && status.to_lowercase().contains(text);
        assert!(is_trap, "number {number}: {status}");
    }
    Ok(())
}

/// Handles that this process never received: any number, as any kind.
pub fn forged_handles() -> Outcome {
    traps("handle", |number| {
        let forged = match number / 5 {
            0 => 0,
            1 => 7,
            2 => 0xdead,
            3 => 0x3fff_ffff,
            // The largest is the bindings' mark for a handle that was given away.
            4 => u32::MAX - 1,
            _ => return false,
        };
        // SAFETY: none; the host must find the invalid handle.
        unsafe {
            match number % 5 {
                0 => drop(Handle::from_handle(forged).kind()),
                1 => drop(Queue::from_handle(forged).get(Some(0))),
                2 => drop(Lock::open(&Handle::from_handle(forged))),
                3 => {
                    let queue = Queue::create(None, None).expect("it is allowed");
                    drop(queue.put(&[], &[&Handle::from_handle(forged)], None));
                }
                _ => drop(Queue::from_handle(forged)),
            }
        }
        true
    })
}

/// Handles that were dropped, and handles of another kind.
pub fn stale_handles() -> Outcome {
    traps("handle", |number| {
        let queue = Queue::create(None, None).expect("it is allowed");
        let index = queue.handle();
        // SAFETY: none; the host must find the invalid handle.
        unsafe {
            match number {
                0 => {
                    drop(queue);
                    drop(Queue::from_handle(index).get(Some(0)));
                }
                1 => {
                    drop(queue);
                    drop(Queue::from_handle(index));
                }
                2 => drop(Lock::from_handle(index).release()),
                3 => drop(Handle::from_handle(index)),
                4 => {
                    // Another resource gets its number.
                    drop(queue);
                    let lock = Lock::create().expect("it is allowed");
                    assert_eq!(lock.handle(), index);
                    drop(Queue::from_handle(index).get(Some(0)));
                }
                _ => return false,
            }
        }
        true
    })
}

/// Bytes that lie outside of the memory, wholly or in part.
pub fn pointers_out_of_bounds() -> Outcome {
    traps("", |number| {
        let (start, length) = match number {
            0 => (0xffff_0000, 0xffff),
            1 => (0xffff_ffff, 0x7fff_ffff),
            2 => (8, 0x7fff_ffff),
            3 => (0x7fff_fff0, 1),
            _ => return false,
        };
        let queue = Queue::create(None, None).expect("it is allowed");
        // SAFETY: none; the host must find the invalid pointer.
        let bytes =
            unsafe { std::slice::from_raw_parts(std::ptr::without_provenance(start), length) };
        drop(queue.put(bytes, &[], None));
        true
    })
}

/// Submits `count` jobs that all have the same `length` bytes.
pub fn submit_one_buffer(length: usize, count: usize) {
    #[link(wasm_import_module = "isopod:multiprocessing/pool@0.1.0")]
    unsafe extern "C" {
        #[link_name = "[method]pool.submit"]
        fn submit(
            pool: u32,
            task: *const u8,
            task_length: usize,
            jobs: *const [usize; 4],
            job_count: usize,
            has_timeout: u32,
            timeout: u64,
            notify: u32,
            result: *mut u64,
        );
    }
    let options = bindings::pool::Options::new();
    options.set_workers(1).expect("it is allowed");
    let pool = bindings::pool::Pool::create(&options).expect("it is allowed");
    let buffer = vec![0_u8; length];
    let jobs = vec![[buffer.as_ptr().addr(), length, 0, 0]; count];
    let mut result = [0; 8];
    // SAFETY: the signature is that of the canonical ABI.
    unsafe {
        submit(
            pool.handle(),
            b"task".as_ptr(),
            4,
            jobs.as_ptr(),
            count,
            0,
            0,
            0,
            result.as_mut_ptr(),
        );
    }
    // The tag of a result.
    let refused = result.first().is_some_and(|tag| tag & 0xff == 1);
    println!("refused: {refused}");
}
