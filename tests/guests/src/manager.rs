//! CPython's own tests of its managers (`Lib/test/_test_multiprocessing.py`), their semantics
//! re-created under their names.

use crate::Outcome;
use isopod::{Dict, Error, ErrorKind, List, Lock, Manager, Namespace, Process, Queue};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// `_TestContainers.test_list`.
pub fn list() -> Outcome {
    let manager = Manager::new();
    let a = manager.list::<i32>()?;
    a.extend(&(0..10).collect::<Vec<_>>())?;
    assert_eq!(a.to_vec()?, (0..10).collect::<Vec<_>>());
    let b = manager.list()?;
    assert_eq!(b.to_vec()?, [0; 0]);
    b.extend(&[0, 1, 2, 3, 4])?;
    assert_eq!((b.get(2)?, b.get(-1)?), (2, 4));
    assert_eq!(b.slice(2..10)?, [2, 3, 4]);
    b.extend(&b.to_vec()?)?;
    assert_eq!(b.to_vec()?, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    // A list of lists, whose elements every process sees.
    let f = manager.list::<List<i32>>()?;
    f.extend(&[a.clone(), b])?;
    a.push(&77)?;
    assert_eq!(f.get(0)?.slice(-2..)?, [9, 77]);
    assert_eq!((f.index(&a)?, f.count(&a)?), (Some(0), 1));
    list_methods(&f.get(1)?)
}

/// The other methods of Python's lists, on `0 1 2 3 4 0 1 2 3 4`.
fn list_methods(list: &List<i32>) -> Outcome {
    list.sort()?;
    assert_eq!(list.to_vec()?, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    list.reverse();
    let last = -1;
    list.remove_slice(1..last)?;
    assert_eq!(list.to_vec()?, [4, 0]);
    list.set_slice(1..1, &[3, 2, 1])?;
    list.insert(-100, &5)?;
    list.set(-1, &-9)?;
    assert_eq!(list.to_vec()?, [5, 4, 3, 2, 1, -9]);
    list.sort_by_key(|number| number.abs())?;
    assert_eq!(list.update_with(-1, |number| number + 1)?, -8);
    assert_eq!((list.pop(-1)?, list.pop(0)?), (-8, 1));
    assert!(list.remove(&3)? && !list.remove(&3)?);
    assert!(list.contains(&2)? && !list.contains(&3)?);
    assert_eq!(list.to_vec()?, [2, 4, 5]);
    for error in [
        list.get(3).expect_err("no such element"),
        list.set(-4, &0).expect_err("no such element"),
        list.pop(i64::MIN).expect_err("no such element"),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    list.clear();
    let error = list.pop(-1).expect_err("it is empty");
    assert_eq!(
        error.to_string(),
        "index -1 is not within a list of 0 elements"
    );
    Ok(())
}

/// `_TestContainers.test_dict`.
pub fn dict() -> Outcome {
    let dict = Manager::new().dict::<u32, char>()?;
    let letters: Vec<(u32, char)> = (65..70).zip('A'..='E').collect();
    for (number, letter) in &letters {
        dict.set(number, letter)?;
    }
    assert_eq!(dict.items()?, letters);
    assert_eq!(dict.keys()?, [65, 66, 67, 68, 69]);
    assert_eq!(dict.values()?, ['A', 'B', 'C', 'D', 'E']);
    assert_eq!((dict.get(&66)?, dict.get(&70)?), (Some('B'), None));
    assert_eq!(dict.remove(&66)?, Some('B'));
    assert_eq!(dict.remove(&66)?, None);
    assert_eq!(dict.set_default(&65, &'z')?, 'A');
    assert_eq!(dict.set_default(&66, &'b')?, 'b');
    assert_eq!(dict.pop_item()?, Some((66, 'b')));
    dict.update([(&1, 'x'), (&67, 'c'), (&1, 'y')])?;
    assert_eq!(dict.keys()?, [65, 67, 68, 69, 1]);
    assert_eq!((dict.get(&1)?, dict.get(&67)?), (Some('y'), Some('c')));
    assert!(dict.contains(&1)? && dict.len() == 5);
    dict.clear();
    assert!(dict.is_empty() && dict.pop_item()?.is_none());

    // A plain value in it is a copy: the dict does not see a change of the copy.
    let lists = Manager::new().dict::<String, Vec<i32>>()?;
    lists.set("list", &vec![1])?;
    lists.get("list")?.unwrap_or_default().push(2);
    assert_eq!(lists.get("list")?, Some(vec![1]));
    lists.update_with("list", |old| [old.unwrap_or_default(), vec![2]].concat())?;
    assert_eq!(lists.get("list")?, Some(vec![1, 2]));

    // A key consists of bytes; a handle cannot be one.
    let by_queue = Dict::<Queue<u8>, u8>::new()?;
    let error = by_queue.set(&Queue::new()?, &1).expect_err("no key");
    assert_eq!(error.kind(), ErrorKind::Encode);
    Ok(())
}

/// `_TestContainers.test_dict_proxy_nested`.
pub fn dict_proxy_nested() -> Outcome {
    type Counts = Dict<String, u32>;
    let manager = Manager::new();
    let pets: Counts = manager.dict()?;
    pets.update([("ferrets", 2), ("hamsters", 4)])?;
    let supplies: Counts = manager.dict()?;
    supplies.update([("water", 10), ("feed", 3)])?;
    let d = manager.dict::<String, Counts>()?;
    d.update([("pets", pets.clone()), ("supplies", supplies.clone())])?;
    let inner = |name: &str| -> Result<Counts, Error> { Ok(d.get(name)?.expect("it is there")) };

    assert_eq!(inner("supplies")?.get("water")?, Some(10));
    inner("supplies")?.set("blankets", &5)?;
    assert_eq!(supplies.get("blankets")?, Some(5));
    inner("supplies")?.set("water", &7)?;
    assert_eq!(supplies.get("water")?, Some(7));
    drop((pets, supplies));
    assert_eq!(inner("pets")?.get("ferrets")?, Some(2));
    inner("supplies")?.set("blankets", &11)?;
    assert_eq!(inner("supplies")?.get("blankets")?, Some(11));

    let (pets, supplies) = (inner("pets")?, inner("supplies")?);
    d.clear();
    assert_eq!(d.len(), 0);
    assert_eq!(supplies.get("water")?, Some(7));
    assert_eq!(pets.get("hamsters")?, Some(4));
    let l = manager.list::<Counts>()?;
    l.extend(&[pets.clone(), supplies.clone()])?;
    // Also by another process.
    let child = Process::spawn(|l: List<Counts>| l.get(0)?.set("marmots", &1), (l.clone(),))?;
    child.join()?;
    assert_eq!(pets.get("marmots")?, Some(1));
    drop((pets, supplies));
    assert_eq!(l.get(0)?.get("marmots")?, Some(1));
    let outer = manager.list::<(Vec<u32>, List<Counts>)>()?;
    outer.push(&(vec![88, 99], l))?;
    assert_eq!(outer.get(-1)?.1.get(-1)?.get("feed")?, Some(3));
    Ok(())
}

/// `_TestContainers.test_namespace`.
pub fn namespace() -> Outcome {
    let n = Manager::new().namespace()?;
    let child = Process::spawn(
        |n: Namespace| -> Outcome {
            n.set("name", "Bob")?;
            n.set("job", "Builder")?;
            n.set("age", &7)
        },
        (n.clone(),),
    )?;
    child.join()?;
    assert_eq!(n.get::<String>("name")?, "Bob");
    assert_eq!(n.get::<String>("job")?, "Builder");
    n.remove("job")?;
    assert!(n.contains("name") && !n.contains("job"));
    assert_eq!(n.names(), ["name", "age"]);
    assert_eq!(
        n.update_with("age", |age: Option<i32>| age.unwrap_or_default() + 1)?,
        8
    );
    for error in [
        n.get::<String>("job").expect_err("it was removed"),
        n.remove("job").expect_err("it was removed"),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), "the namespace has no attribute `job`");
    }
    let error = n.get::<bool>("name").expect_err("it is text");
    assert_eq!(error.kind(), ErrorKind::Decode);
    Ok(())
}

/// A type of the program's own: handles, and methods that run under its lock.
#[derive(Clone, Serialize, Deserialize)]
struct Foo {
    lock: Lock,
    calls: Namespace,
}

impl Foo {
    fn new() -> Result<Foo, Error> {
        Ok(Foo {
            lock: Lock::new()?,
            calls: Namespace::new()?,
        })
    }

    fn f(&self) -> Result<u32, Error> {
        let _guard = self.lock.acquire()?;
        // Two steps that would lose calls without the lock.
        let calls = self.calls.get("count").unwrap_or(0) + 1;
        self.calls.set("count", &calls)?;
        Ok(calls)
    }

    fn g(&self) -> Result<u32, String> {
        let _guard = self.lock.acquire().map_err(|error| error.to_string())?;
        Err("ValueError: no g".to_owned())
    }
}

/// A request to an object that a process of its own keeps.
#[derive(Serialize, Deserialize)]
struct Request {
    square_of: i32,
    answers: Queue<Result<i32, String>>,
}

/// `_TestMyManager.test_mymanager`: types of the program's own, one made of handles, one served by a
/// process.
pub fn mymanager() -> Outcome {
    let foo = Foo::new()?;
    let callers = (0..4).map(|_| {
        let call = |foo: Foo| -> Outcome {
            for _ in 0..100 {
                foo.f()?;
            }
            Ok(())
        };
        Process::spawn(call, (foo.clone(),))
    });
    for caller in callers.collect::<Result<Vec<_>, _>>()? {
        caller.join()?;
    }
    assert_eq!(foo.f()?, 401);
    assert_eq!(foo.g(), Err("ValueError: no g".to_owned()));
    assert!(!foo.lock.is_locked(), "an error releases the lock");

    let requests = Queue::<Request>::new()?;
    let server = Process::spawn(
        |requests: Queue<Request>| -> Outcome {
            let mut known: HashMap<i32, i32> = HashMap::new();
            for request in &requests {
                let request = request?;
                let square = request.square_of.checked_mul(request.square_of);
                let answer = square.ok_or_else(|| "OverflowError".to_owned());
                let answer = answer.map(|square| *known.entry(square).or_insert(square));
                request.answers.put(&answer)?;
            }
            Ok(())
        },
        (requests.clone(),),
    )?;
    let answers = Queue::new()?;
    for (square_of, expected) in [(-9, Ok(81)), (i32::MAX, Err("OverflowError".to_owned()))] {
        requests.put(&Request {
            square_of,
            answers: answers.clone(),
        })?;
        assert_eq!(answers.get()?, expected);
    }
    requests.close();
    server.join()
}

/// `TestSyncManagerTypes.test_barrier`, and the others of its kind.
pub fn sync_manager_types() -> Outcome {
    let manager = Manager::new();
    let barrier = manager.barrier(5)?;
    let child = Process::spawn(
        |barrier: isopod::Barrier| -> Outcome {
            assert_eq!(barrier.parties(), 5);
            barrier.reset();
            Ok(())
        },
        (barrier.clone(),),
    )?;
    child.join()?;
    assert_eq!(barrier.parties(), 5);

    let (lock, rlock) = (manager.lock()?, manager.rlock()?);
    let (semaphore, bounded) = (manager.semaphore(1)?, manager.bounded_semaphore(1)?);
    let (event, condition) = (manager.event()?, manager.condition()?);
    let tasks = manager.joinable_queue::<u8>()?;
    let (number, numbers) = (manager.value(7_i64)?, manager.array(&[1_u8, 2, 3])?);
    let child = Process::spawn(
        |number: isopod::Value<i64>, numbers: isopod::Array<u8>| -> Outcome {
            number.lock()?.fetch_add(1)?;
            numbers.set(0, 9)
        },
        (number.clone(), numbers.clone()),
    )?;
    child.join()?;
    assert_eq!((number.get()?, numbers.to_vec()?), (8, vec![9, 2, 3]));
    let child = Process::spawn(
        |lock: Lock,
         rlock: isopod::RLock,
         semaphore: isopod::Semaphore,
         bounded: isopod::Semaphore,
         event: isopod::Event,
         condition: isopod::Condition,
         tasks: Queue<u8>|
         -> Outcome {
            let _guards = (lock.acquire()?, rlock.acquire()?, rlock.acquire()?);
            semaphore.release(1)?;
            assert!(bounded.release(1).is_err(), "it is bounded");
            event.set();
            condition.acquire()?.notify_all()?;
            tasks.put(&1)
        },
        (
            lock.clone(),
            rlock,
            semaphore.clone(),
            bounded,
            event.clone(),
            condition,
            tasks.clone(),
        ),
    )?;
    child.join()?;
    assert_eq!(
        (semaphore.value(), event.is_set(), lock.is_locked()),
        (2, true, false)
    );
    assert_eq!(tasks.get()?, 1);
    tasks.task_done()?;
    assert_eq!(tasks.join()?, 0);
    Ok(())
}
