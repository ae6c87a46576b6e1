//! The promises of dicts and lists beyond CPython's own tests: the tutorials' programs, races, deaths,
//! limits and cycles.

use crate::{Outcome, ready};
use isopod::{Dict, Error, ErrorKind, List, Manager, Namespace, Process, Queue, SharedMemory};
use serde::{Deserialize, Serialize};

/// The tutorials' program: a child changes a dict and a list, and the parent sees the changes.
pub fn tutorial() -> Outcome {
    #[derive(Debug, Serialize, Deserialize)]
    enum Any {
        Int(i64),
        Float(f64),
        Text(String),
        None,
    }
    let manager = Manager::new();
    let (d, l) = (manager.dict::<Any, Any>()?, manager.list::<i32>()?);
    l.extend(&(0..10).collect::<Vec<_>>())?;
    let child = Process::spawn(
        |d: Dict<Any, Any>, l: List<i32>| -> Outcome {
            d.set(&Any::Int(1), &Any::Text("1".to_owned()))?;
            d.set(&Any::Text("2".to_owned()), &Any::Int(2))?;
            d.set(&Any::Float(0.25), &Any::None)?;
            l.reverse();
            Ok(())
        },
        (d.clone(), l.clone()),
    )?;
    child.join()?;
    println!("{:?}", d.items()?);
    println!("{:?}", l.to_vec()?);
    Ok(())
}

/// The tutorials' writer and reader at a manager's queue.
pub fn managed_queue() -> Outcome {
    let queue = Manager::new().queue::<char>()?;
    let writer = Process::spawn(
        |queue: Queue<char>| -> Result<u64, Error> {
            for letter in "dongGe".chars() {
                queue.put(&letter)?;
            }
            Ok(queue.len())
        },
        (queue.clone(),),
    )?;
    println!("{} letters", writer.join()?);
    let reader = Process::spawn(
        |queue: Queue<char>| -> Outcome {
            for _ in 0..queue.len() {
                print!("{} ", queue.get()?);
            }
            println!();
            Ok(())
        },
        (queue,),
    )?;
    reader.join()
}

/// Processes that are killed while they change a dict and a list leave nothing locked or half done.
pub fn dead_in_the_middle() -> Outcome {
    let (dict, list) = (Dict::<u32, u32>::new()?, List::<u32>::new()?);
    let started = Queue::<()>::new()?;
    for _ in 0..20 {
        let child = Process::spawn(
            |dict: Dict<u32, u32>, list: List<u32>, started: Queue<()>| -> Outcome {
                for round in 0_u32.. {
                    let both = [(&0, round), (&1, round)];
                    dict.update(both)?;
                    list.set_slice(.., &[round; 8])?;
                    if round == 10 {
                        started.put(&())?;
                    }
                }
                Ok(())
            },
            (dict.clone(), list.clone(), started.clone()),
        )?;
        started.get()?;
        child.kill()?;
        child.wait()?;
        let values = dict.values()?;
        assert!(
            values.len() == 2 && values.first() == values.last(),
            "{values:?}"
        );
        let values = list.to_vec()?;
        assert!(values.len() == 8 && values.iter().all(|value| Some(value) == values.first()));
    }
    Ok(())
}

/// No update is lost, however many processes make updates; and a list that all change can be sorted.
pub fn racing_updates() -> Outcome {
    let (dict, list) = (Dict::<String, u32>::new()?, List::<u32>::new()?);
    let children = (0..4_u32).map(|number| {
        let change = |dict: Dict<String, u32>, list: List<u32>, number: u32| -> Outcome {
            for round in 0..250 {
                dict.update_with("count", |old| old.unwrap_or_default() + 1)?;
                list.push(&(round * 4 + number))?;
                if round % 50 == 0 {
                    list.sort()?;
                }
            }
            Ok(())
        };
        Process::spawn(change, (dict.clone(), list.clone(), number))
    });
    for child in children.collect::<Result<Vec<_>, _>>()? {
        child.join()?;
    }
    assert_eq!(dict.get("count")?, Some(1000));
    list.sort()?;
    assert_eq!(list.to_vec()?, (0..1000).collect::<Vec<_>>());
    Ok(())
}

/// An operation beyond the tree's limit on queued bytes is refused, and changes nothing.
pub fn over_the_limit() -> Outcome {
    let (dict, list) = (Dict::<u32, Vec<u8>>::new()?, List::<Vec<u8>>::new()?);
    dict.set(&1, &vec![1])?;
    list.push(&vec![1])?;
    // All but 1 MiB of the tree's limit is used up by a memory, which the host need not fill.
    let memory = SharedMemory::new((1 << 30) - (1 << 20))?;
    let large = vec![0; 2 << 20];
    for error in [
        dict.set(&1, &large).expect_err("over the limit"),
        dict.update([(&1, vec![2]), (&9, large.clone())])
            .expect_err("over the limit"),
        list.push(&large).expect_err("over the limit"),
        list.set_slice(.., &[vec![2], large.clone()])
            .expect_err("over the limit"),
        Queue::new()?.put(&large).expect_err("over the limit"),
    ] {
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    }
    assert_eq!((dict.get(&1)?, dict.contains(&9)?), (Some(vec![1]), false));
    assert_eq!(list.to_vec()?, [[1]]);
    drop(memory);
    list.push(&large)?;
    assert_eq!(list.len(), 2);
    println!("refused, and then not");
    Ok(())
}

/// A dict holds itself, and one of the embedder's queues; a list holds the dict and itself.
pub fn self_holding_dict() -> Outcome {
    #[derive(Serialize, Deserialize)]
    struct Knot {
        dict: Dict<String, Knot>,
        list: List<Knot>,
        other: Queue<u64>,
    }
    let (dict, list) = (Dict::new()?, List::new()?);
    let knot = Knot {
        dict: dict.clone(),
        list: list.clone(),
        other: isopod::inherited("ready")?,
    };
    dict.set("knot", &knot)?;
    list.push(&knot)?;
    let found = dict.get("knot")?.expect("it was set");
    assert_eq!((found.dict.len(), found.list.len()), (1, 1));
    let error = isopod::inherited::<List<u8>>("ready").expect_err("`ready` is a queue");
    assert_eq!(error.kind(), ErrorKind::WrongKind);
    ready()
}

/// Doubles a number in the embedder's dict, as an attribute of a namespace.
pub fn double_in_a_dict() -> Outcome {
    let given = isopod::inherited::<Namespace>("given")?;
    let doubled = given.update_with("number", |old: Option<u8>| old.unwrap_or_default() * 2)?;
    assert_eq!(doubled, 40);
    Ok(())
}
