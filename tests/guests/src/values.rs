//! CPython's own tests of shared values and arrays (`Lib/test/_test_multiprocessing.py`), their semantics
//! re-created under their names, and the operations that are atomic here.

use crate::Outcome;
use isopod::{
    Array, Element, Error, ErrorKind, Process, Queue, RLock, RawArray, RawValue, ShareableItem,
    ShareableList, SharedMemory, SimpleQueue, Value,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::Debug;
use std::time::Duration;

/// One value of each type code that the test knows, and one with a lock beside it.
#[derive(Clone, Serialize, Deserialize)]
struct Values {
    int: RawValue<i32>,
    double: RawValue<f64>,
    short: RawValue<i16>,
    long_long: RawValue<i64>,
    char: RawValue<u8>,
    locked: Value<f32>,
}

/// `_TestValue.test_value`, `test_rawvalue`: the parent sees the values that the child sets.
pub fn value() -> Outcome {
    let values = Values {
        int: RawValue::new(4343)?,
        double: RawValue::new(3.625)?,
        short: RawValue::new(-232)?,
        long_long: RawValue::new(1 << 33)?,
        char: RawValue::new(b'x')?,
        locked: Value::new(0.5)?,
    };
    assert_eq!(values.int.get()?, 4343);
    assert_eq!(values.double.get()?, 3.625);
    assert_eq!(values.short.get()?, -232);
    assert_eq!(values.long_long.get()?, 1 << 33);
    assert_eq!(values.char.get()?, b'x');
    let child = Process::spawn(
        |values: Values| -> Outcome {
            values.int.set(24234)?;
            values.double.set(-4.25)?;
            values.short.set(234)?;
            values.long_long.set(1 << 34)?;
            values.char.set(b'y')?;
            values.locked.lock()?.set(-0.25)
        },
        (values.clone(),),
    )?;
    child.join()?;
    assert_eq!(values.int.get()?, 24234);
    assert_eq!(values.double.get()?, -4.25);
    assert_eq!(values.short.get()?, 234);
    assert_eq!(values.long_long.get()?, 1 << 34);
    assert_eq!(values.char.get()?, b'y');
    assert_eq!(values.locked.get()?, -0.25);
    Ok(())
}

/// `_TestValue.test_getobj_getlock`: the lock is recursive, keeps others out, may be shared, and reports a
/// dead owner.
pub fn locks() -> Outcome {
    let value = Value::new(5_i32)?;
    let outer = value.lock()?;
    let inner = value.try_lock()?.expect("it is recursive");
    inner.set(6)?;
    drop(inner);
    let child = Process::spawn(
        |value: Value<i32>| -> Result<(bool, i32), Error> {
            let is_locked = value.lock_timeout(Duration::from_millis(20))?.is_none();
            Ok((is_locked, value.get()?))
        },
        (value.clone(),),
    )?;
    assert_eq!(child.join()?, (true, 6));
    drop(outer);

    let lock = RLock::new()?;
    let first = Value::with_lock(RawValue::new(1_u8)?, lock.clone());
    let second = Array::with_lock(RawArray::<u8>::new(2)?, lock);
    let guard = first.lock()?;
    assert!(second.rlock().is_locked());
    drop(guard);
    assert_eq!(second.raw().len(), 2);

    let child = Process::spawn(
        |value: Value<i32>| -> Outcome {
            let guard = value.lock()?;
            guard.set(7)?;
            std::mem::forget(guard);
            Ok(())
        },
        (value.clone(),),
    )?;
    child.join()?;
    let guard = value.lock()?;
    assert!(guard.is_abandoned());
    assert_eq!(guard.get()?, 7);
    Ok(())
}

/// `_TestArray.test_array`, `test_rawarray`.
pub fn array() -> Outcome {
    fn running_sum(get: impl Fn(usize) -> Result<i32, Error>, sum: &Array<i32>) -> Outcome {
        for index in 1..sum.len() {
            let before = get(index - 1)?;
            sum.update(index, |element| element + before)?;
        }
        Ok(())
    }
    let mut sequence = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];
    let array = Array::from_slice(&sequence)?;
    assert_eq!(array.len(), sequence.len());
    assert_eq!(array.get(3)?, sequence[3]);
    assert_eq!(array.read(2..7)?, sequence[2..7]);
    array.write(4, &[1, 2, 3, 4])?;
    sequence[4..8].copy_from_slice(&[1, 2, 3, 4]);
    assert_eq!(array.to_vec()?, sequence);
    for index in 1..sequence.len() {
        sequence[index] += sequence[index - 1];
    }
    let child = Process::spawn(
        |array: Array<i32>| running_sum(|index| array.get(index), &array),
        (array.clone(),),
    )?;
    child.join()?;
    assert_eq!(array.to_vec()?, sequence);
    assert!(array.iter()?.eq(sequence));
    array.swap(0, 9)?;
    assert_eq!((array.get(0)?, array.get(9)?), (sequence[9], sequence[0]));
    // `test_array_from_size`: zeros, also in place of earlier data.
    for _ in 0..3 {
        let array = Array::<i32>::new(10)?;
        assert_eq!(array.to_vec()?, [0; 10]);
        array.write(0, &sequence)?;
        assert_eq!(array.to_vec()?, sequence);
    }
    Ok(())
}

/// An index outside the array is an error and changes nothing; each type is whole at each index.
pub fn array_bounds() -> Outcome {
    fn each_index<T: Element + Debug + PartialEq>(values: [T; 11]) -> Outcome {
        let array = RawArray::from_slice(&values)?;
        for (index, value) in values.iter().enumerate() {
            assert_eq!(array.get(index)?, *value);
            assert_eq!(array.read(index..=index)?, [*value]);
        }
        let reversed = Array::<T>::new(values.len())?;
        for (index, value) in values.iter().rev().enumerate() {
            match index % 2 {
                0 => reversed.set(index, *value)?,
                _ => reversed.update(index, |_| *value).map(drop)?,
            }
        }
        assert!(reversed.iter()?.rev().eq(values));
        let past = array.get(11).expect_err("there are 11");
        assert_eq!(past.kind(), ErrorKind::InvalidArgument);
        Ok(())
    }
    let bytes = [1, 2, 3, 250, 0, 5, 6, 7, 8, 9, 255];
    each_index::<u8>(bytes)?;
    each_index(bytes.map(|byte| byte as i8))?;
    each_index(bytes.map(|byte| u16::from(byte) << 8 | 1))?;
    each_index(bytes.map(|byte| -i16::from(byte)))?;
    each_index(bytes.map(|byte| u32::from(byte) << 24 | 1))?;
    each_index(bytes.map(|byte| -i32::from(byte)))?;
    each_index(bytes.map(|byte| u64::from(byte) << 56 | 1))?;
    each_index(bytes.map(|byte| -i64::from(byte)))?;
    each_index(bytes.map(|byte| f32::from(byte) / 8.0))?;
    each_index(bytes.map(|byte| -f64::from(byte)))?;

    let array = RawArray::from_slice(&[1_u16, 2, 3])?;
    for error in [
        array.set(3, 9).expect_err("past the end"),
        array.update(usize::MAX, |_| 9).map(drop).expect_err("far"),
        array.swap(0, 3).expect_err("past the end"),
        array.write(2, &[9, 9]).expect_err("one too many"),
        array.read(1..5).map(drop).expect_err("past the end"),
        array.read(..=usize::MAX).map(drop).expect_err("far"),
        array.read(4..).map(drop).expect_err("past the end"),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        println!("{error}");
    }
    assert_eq!(array.to_vec()?, [1, 2, 3]);
    assert_eq!(array.read(3..)?, [0_u16; 0]);
    let empty = RawArray::<f64>::new(0)?;
    assert!(empty.is_empty() && empty.to_vec()?.is_empty());
    let error = RawArray::<f64>::new(usize::MAX).expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    Ok(())
}

/// No step is lost, with and without a lock, and integers wrap.
pub fn atomic() -> Outcome {
    const ROUNDS: u32 = 500;
    type Shared = (Value<u8>, RawValue<i64>, RawValue<f64>, Array<i16>);
    let shared: Shared = (
        Value::new(0)?,
        RawValue::new(0)?,
        RawValue::new(0.0)?,
        Array::new(4)?,
    );
    let children = (0..4_usize)
        .map(|index| {
            Process::spawn(
                |index: usize, (locked, sum, float, array): Shared| -> Outcome {
                    for _ in 0..ROUNDS {
                        sum.fetch_add(-3)?;
                        float.update(|old| old + 0.5)?;
                        // Neighbours in one cell.
                        array.update(index, |old| old + 1)?;
                        array.update(3 - index, |old| old + 1)?;
                        let guard = locked.lock()?;
                        let old = guard.get()?;
                        guard.set(old.wrapping_add(1))?;
                    }
                    Ok(())
                },
                (index, shared.clone()),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    for child in children {
        child.join()?;
    }
    let (locked, sum, float, array) = shared;
    assert_eq!(u32::from(locked.get()?), 4 * ROUNDS % 256);
    assert_eq!(sum.get()?, -12 * i64::from(ROUNDS));
    assert_eq!(float.get()?, 2.0 * f64::from(ROUNDS));
    assert_eq!(array.to_vec()?, [2 * ROUNDS as i16; 4]);

    let byte = RawValue::new(250_u8)?;
    assert_eq!(byte.fetch_add(10)?, 250);
    assert_eq!(byte.get()?, 4);
    assert_eq!(byte.compare_exchange(5, 9)?, 4);
    assert_eq!(byte.compare_exchange(4, 9)?, 4);
    assert_eq!(byte.get()?, 9);
    let int = RawValue::new(i32::MAX)?;
    int.fetch_add(1)?;
    assert_eq!(int.get()?, i32::MIN);
    assert_eq!(int.compare_exchange(i32::MIN, -1)?, i32::MIN);
    assert_eq!(int.get()?, -1);
    Ok(())
}

/// `_TestSimpleQueue.test_empty`, `test_close`.
pub fn simple_queue() -> Outcome {
    let queue = SimpleQueue::new()?;
    let answers = SimpleQueue::new()?;
    let child = Process::spawn(
        |queue: SimpleQueue<u32>, answers: SimpleQueue<(bool, u32)>| -> Outcome {
            let first = queue.get()?;
            answers.put(&(queue.is_empty(), first))
        },
        (queue.clone(), answers.clone()),
    )?;
    assert!(answers.is_empty());
    queue.put(&7)?;
    isopod::wait_any(&[&answers])?;
    assert!(!answers.is_empty());
    assert_eq!(answers.get()?, (true, 7));
    child.join()?;
    queue.put(&8)?;
    queue.close();
    queue.close();
    let error = queue.put(&9).expect_err("it is closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(queue.get()?, 8);
    let error = queue.get().expect_err("it is closed and empty");
    assert_eq!(error.kind(), ErrorKind::Closed);
    Ok(())
}

/// It is encoded as a shared memory and decoded as a list.
#[derive(Debug)]
enum Disguised {
    Memory(SharedMemory),
    List(ShareableList),
}

impl Serialize for Disguised {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Disguised::Memory(memory) => memory.serialize(serializer),
            Disguised::List(list) => list.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Disguised {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Disguised, D::Error> {
        ShareableList::deserialize(deserializer).map(Disguised::List)
    }
}

/// `_TestSharedMemory.test_shared_memory_ShareableList_basics`, `_pickling`, `test_..._add_list`.
pub fn shareable_list() -> Outcome {
    let items: [ShareableItem; 7] = [
        "howdy".into(),
        (&b"HoWdY"[..]).into(),
        (-273.154).into(),
        100.into(),
        ShareableItem::None,
        true.into(),
        42.into(),
    ];
    let list = ShareableList::new(items.clone())?;
    assert_eq!(list.len(), 7);
    assert_eq!(list.to_vec()?, items);
    assert_eq!(list.index("100")?, None);
    assert_eq!(list.index(100)?, Some(3));
    list.set(3, 42)?;
    assert_eq!(list.count(42)?, 2);
    assert_eq!(list.count(&b"adios"[..])?, 0);
    // A value of another kind at the same place, as long as it fits.
    list.set(4, "some")?;
    list.set(0, "encodés")?;
    for (index, text) in [(4, "far too many"), (0, "encodées"), (7, "")] {
        let error = list.set(index, text).expect_err("it does not fit");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        println!("{error}");
    }
    assert_eq!(list.get(0)?, "encodés".into());
    assert_eq!(list.get(1)?, (&b"HoWdY"[..]).into());
    assert_eq!(list.get(4)?, "some".into());
    // A value that ends with zeros comes back with them.
    list.set(4, "a\0\0")?;
    assert_eq!(list.get(4)?, "a\0\0".into());

    let copy = ShareableList::create("duplicate", list.to_vec()?)?;
    copy.set(6, 77)?;
    assert_eq!((list.get(6)?, copy.get(6)?), (42.into(), 77.into()));
    let child = Process::spawn(
        |list: ShareableList| -> Outcome {
            list.set(6, 880)?;
            ShareableList::find("duplicate")?.set(5, false)
        },
        (list.clone(),),
    )?;
    child.join()?;
    assert_eq!((list.get(6)?, copy.get(5)?), (880.into(), false.into()));
    let empty = ShareableList::new([])?;
    assert!(empty.is_empty() && empty.index(ShareableItem::None)?.is_none());

    // A memory that is no list, by name and in a message.
    for bytes in [
        &[][..],
        &[1],
        &[9; 8],
        &[1; 40],
        &[2, 0, 0, 0, 0, 0, 0, 0, 24],
    ] {
        let memory = SharedMemory::create("no list", bytes.len() as u64)?;
        memory.write(0, bytes)?;
        let error = ShareableList::find("no list").expect_err("no list");
        assert_eq!(error.kind(), ErrorKind::Decode);
        let queue = Queue::new()?;
        queue.put(&Disguised::Memory(memory))?;
        let error = queue.get().expect_err("no list");
        assert_eq!(error.to_string(), "the shared memory holds no list");
    }
    Ok(())
}
