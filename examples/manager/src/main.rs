//! Managers, as tutorials on Python's `multiprocessing` introduce them.
//!
//! A manager's objects live in the host. There is no server process: nothing has to be started, a proxy is
//! a handle like all others, and an object lives as long as any process has a handle to it.

use isopod::{Dict, Error, List, Lock, Manager, Namespace, Pool, Process, Queue, current_process};

#[isopod::main]
fn main() -> Result<(), Error> {
    dict_and_list()?;
    queue_and_pool()?;
    namespace()?;
    nested()?;
    own_type()
}

/// Python's dict takes keys and values of any type; here each has one type, which may be an enum.
fn dict_and_list() -> Result<(), Error> {
    fn change(dict: Dict<String, Option<String>>, list: List<u32>) -> Result<(), Error> {
        dict.set("1", &Some("1".to_owned()))?;
        dict.set("2", &Some("2".to_owned()))?;
        dict.set("0.25", &None)?;
        list.reverse();
        Ok(())
    }
    println!("a dict and a list that a child changes:");
    let manager = Manager::new();
    let dict = manager.dict()?;
    let list = manager.list()?;
    list.extend(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])?;
    Process::spawn(change, (dict.clone(), list.clone()))?.join()?;
    // In the order in which the entries came.
    println!("{:?}", dict.items()?);
    println!("{:?}", list.to_vec()?);
    Ok(())
}

/// In Python only a manager's queue can be an argument of a pool's job.
fn queue_and_pool() -> Result<(), Error> {
    fn writer(queue: Queue<char>, main: u64) -> Result<(), Error> {
        assert_eq!(current_process().parent_id(), Some(main));
        "dongGe".chars().try_for_each(|letter| queue.put(&letter))
    }
    fn reader(queue: Queue<char>) -> Result<(), Error> {
        println!("{} letters", queue.len());
        while !queue.is_empty() {
            println!("{}", queue.get()?);
        }
        Ok(())
    }
    println!("\na queue, a writer and a reader in a pool:");
    let queue = Manager::new().queue()?;
    let pool = Pool::new()?;
    pool.apply(writer, (queue.clone(), current_process().id()))?;
    pool.apply(reader, (queue,))
}

fn namespace() -> Result<(), Error> {
    println!("\na namespace:");
    let namespace = Manager::new().namespace()?;
    namespace.set("x", &10)?;
    let child = Process::spawn(
        |namespace: Namespace| -> Result<(), Error> {
            let x: i32 = namespace.get("x")?;
            namespace.set("x", &(x + 1))?;
            namespace.set("y", "hello")
        },
        (namespace.clone(),),
    )?;
    child.join()?;
    println!("x = {}", namespace.get::<i32>("x")?);
    println!("y = {}", namespace.get::<String>("y")?);
    Ok(())
}

/// A plain value inside is a copy, a proxy inside is the same object: as in Python.
fn nested() -> Result<(), Error> {
    println!("\na copy and a proxy inside a list:");
    let manager = Manager::new();
    let copies: List<Vec<u32>> = manager.list()?;
    copies.push(&vec![1])?;
    copies.get(0)?.push(2);
    println!("{:?}", copies.to_vec()?);

    let inner: List<u32> = manager.list()?;
    let outer: List<List<u32>> = manager.list()?;
    outer.push(&inner)?;
    outer.get(0)?.push(&1)?;
    println!("{:?}", inner.to_vec()?);
    Ok(())
}

/// Python registers a type with the manager and calls it through a proxy. Here it is a struct of
/// handles: it travels as they do, and its methods run in the caller.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Account {
    lock: Lock,
    entries: List<i64>,
}

impl Account {
    fn withdraw(&self, amount: i64) -> Result<bool, Error> {
        let _guard = self.lock.acquire()?;
        let balance: i64 = self.entries.to_vec()?.iter().sum();
        let is_covered = balance >= amount;
        if is_covered {
            self.entries.push(&-amount)?;
        }
        Ok(is_covered)
    }
}

fn own_type() -> Result<(), Error> {
    println!("\na type of one's own:");
    let manager = Manager::new();
    let account = Account {
        lock: manager.lock()?,
        entries: manager.list()?,
    };
    account.entries.push(&100)?;
    let children = (0..4)
        .map(|_| Process::spawn(|account: Account| account.withdraw(40), (account.clone(),)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut count = 0;
    for child in children {
        count += u32::from(child.join()?);
    }
    println!("{count} of 4 withdrawals are covered");
    println!("{:?}", account.entries.to_vec()?);
    Ok(())
}
