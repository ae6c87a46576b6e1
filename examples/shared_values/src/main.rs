//! Values, arrays and memory that processes share, as tutorials on Python's `multiprocessing` introduce
//! them.
//!
//! The type takes the place of Python's typecodes: `Value('d', 0.0)` is `Value::new(0.0)`. Each method is
//! one atomic step; the lock beside a value is for operations of several steps.

use isopod::{Array, Error, ErrorKind, Process, SharedMemory, Value};

#[isopod::main]
fn main() -> Result<(), Error> {
    value_and_array()?;
    counters()?;
    wrapping()?;
    array()?;
    shared_memory()
}

fn value_and_array() -> Result<(), Error> {
    fn change(number: Value<f64>, array: Array<i32>) -> Result<(), Error> {
        number.set(std::f64::consts::PI)?;
        for index in 0..array.len() {
            array.set(index, -array.get(index)?)?;
        }
        Ok(())
    }
    println!("a value and an array that a child changes:");
    let number = Value::new(0.0)?;
    let array = Array::from_slice(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])?;
    Process::spawn(change, (number.clone(), array.clone()))?.join()?;
    println!("{}", number.get()?);
    println!("{:?}", array.to_vec()?);
    Ok(())
}

/// Python's `counter.value += 1` loses counts, as it reads and writes in two steps.
fn counters() -> Result<(), Error> {
    println!("\nfour children count to a thousand each:");
    let with_the_lock = Value::new(0_u32)?;
    let in_one_step = Value::new(0_u32)?;
    let count = |with_the_lock: Value<u32>, in_one_step: Value<u32>| -> Result<(), Error> {
        for _ in 0..1_000 {
            // `with counter.get_lock():`
            let counter = with_the_lock.lock()?;
            counter.set(counter.get()? + 1)?;
            drop(counter);
            in_one_step.fetch_add(1)?;
        }
        Ok(())
    };
    let children = (0..4)
        .map(|_| Process::spawn(count, (with_the_lock.clone(), in_one_step.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    children.into_iter().try_for_each(Process::join)?;
    println!("with the lock: {}", with_the_lock.get()?);
    println!("in one step: {}", in_one_step.get()?);
    Ok(())
}

fn wrapping() -> Result<(), Error> {
    println!("\nintegers wrap:");
    let number = Value::new(i32::MAX)?;
    number.fetch_add(1)?;
    println!("{}", number.get()?);
    Ok(())
}

fn array() -> Result<(), Error> {
    println!("\nslices of an array:");
    let array = Array::<u16>::new(6)?;
    array.write(2, &[7, 8, 9])?;
    println!("{:?}", array.to_vec()?);
    println!("{:?}", array.read(1..4)?);
    match array.get(6) {
        Err(error) if error.kind() == ErrorKind::InvalidArgument => println!("{error}"),
        other => println!("{other:?}"),
    }
    Ok(())
}

/// Found by its name, but only in this tree of processes: nothing is left behind, whichever process dies.
fn shared_memory() -> Result<(), Error> {
    println!("\nshared memory with a name:");
    let memory = SharedMemory::create("greeting", 16)?;
    let child = Process::spawn(
        || -> Result<(), Error> { SharedMemory::find("greeting")?.write(0, b"hello") },
        (),
    )?;
    child.join()?;
    println!("{}", String::from_utf8_lossy(&memory.read(0, 5)?));
    SharedMemory::unlink("greeting")?;
    match SharedMemory::find("greeting") {
        Err(error) if error.kind() == ErrorKind::NotFound => println!("{error}"),
        other => println!("{:?}", other.map(|memory| memory.size())),
    }
    Ok(())
}
