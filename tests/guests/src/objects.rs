//! Queues, pipes and locks on their way to other processes, and at their end.

use crate::{Outcome, ready};
use isopod::{Bounds, Connection, ErrorKind, Lock, Process, Queue};
use serde::{Deserialize, Serialize};

/// A request that carries the queue for its answer.
#[derive(Serialize, Deserialize)]
struct Request {
    number: u64,
    answers: Queue<u64>,
    guard: Lock,
}

/// A queue inside a message inside a queue works, and so does the lock beside it.
pub fn handle_in_a_message() -> Outcome {
    let requests = Queue::<Request>::new()?;
    let server = Process::spawn(
        |requests: Queue<Request>| -> Outcome {
            for request in &requests {
                let request = request?;
                let _guard = request.guard.acquire()?;
                request.answers.put(&(request.number * 2))?;
            }
            Ok(())
        },
        (requests.clone(),),
    )?;
    let answers = Queue::new()?;
    for number in 0..100 {
        requests.put(&Request {
            number,
            answers: answers.clone(),
            guard: Lock::new()?,
        })?;
    }
    let sum: u64 = answers
        .iter()
        .take(100)
        .map(Result::unwrap_or_default)
        .sum();
    requests.close();
    server.join()?;
    println!("sum {sum}");
    Ok(())
}

/// A queue holds its own handle, and one of the embedder's.
pub fn self_holding_queue() -> Outcome {
    #[derive(Serialize, Deserialize)]
    struct Knot {
        own: Queue<Knot>,
        other: Queue<u64>,
    }
    let queue = Queue::<Knot>::new()?;
    queue.put(&Knot {
        own: queue.clone(),
        other: isopod::inherited("ready")?,
    })?;
    ready()
}

/// The process drops its own reference to an inherited object before it ends.
pub fn drop_what_was_inherited() -> Outcome {
    let given = isopod::inherited::<Queue<u64>>("given")?;
    drop(given);
    ready()?;
    crate::blocked::blocked("queue-get")
}

/// A message whose put failed is still there, handles included.
pub fn failed_put_loses_nothing() -> Outcome {
    let full = Queue::<Queue<u32>>::bounded(1)?;
    let inner = Queue::<u32>::new()?;
    full.put(&inner)?;
    let error = full.try_put(&inner).expect_err("the queue is full");
    assert_eq!(error.kind(), ErrorKind::Full);
    inner.put(&7)?;
    let received = full.get()?;
    assert_eq!(received.get()?, 7);
    full.close();
    let error = full.put(&inner).expect_err("the queue is closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    inner.put(&8)?;
    println!("got {}", received.get()?);
    Ok(())
}

/// A handle opened as an object of another kind is an error.
pub fn wrong_kind() -> Outcome {
    let error = isopod::inherited::<Lock>("ready").expect_err("`ready` is a queue");
    assert_eq!(error.kind(), ErrorKind::WrongKind);
    let error = isopod::inherited::<Lock>("no such name").expect_err("nothing has this name");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    println!("{error}");
    Ok(())
}

/// Bytes that are no message of the type are an error, not a panic. The embedder puts them.
pub fn truncated_message() -> Outcome {
    let given = isopod::inherited::<Queue<(u64, String, Queue<u32>)>>("given")?;
    for _ in 0..3 {
        let error = given.get().expect_err("the bytes are no such tuple");
        assert_eq!(error.kind(), ErrorKind::Decode);
        println!("{error}");
    }
    Ok(())
}

/// Ends are counted: when the last reference to one end goes, the other end reads the end of the file.
pub fn pipe_ends() -> Outcome {
    let (ours, theirs) = isopod::pipe::<u32, u32>()?;
    let child = Process::spawn(
        |connection: Connection<u32, u32>| -> Outcome {
            let number = connection.recv()?;
            connection.send(&(number + 1))
        },
        (theirs,),
    )?;
    ours.send(&1)?;
    child.join()?;
    println!("received {}", ours.recv()?);
    let error = ours.recv().expect_err("the child has ended");
    assert_eq!(error.kind(), ErrorKind::EndOfFile);
    let error = ours.send(&2).expect_err("nobody reads");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    Ok(())
}

/// Both bounds of a queue hold.
pub fn queue_bounds() -> Outcome {
    let queue = Queue::<Vec<u8>>::with_bounds(Bounds {
        max_messages: Some(2),
        max_bytes: Some(1000),
    })?;
    let error = queue.put(&vec![0; 2000]).expect_err("it can never fit");
    assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
    println!("{error}");
    queue.put(&vec![0; 600])?;
    let error = queue
        .try_put(&vec![0; 600])
        .expect_err("no room for these bytes");
    assert_eq!(error.kind(), ErrorKind::Full);
    queue.put(&vec![])?;
    assert!(queue.is_full());
    let error = Queue::<u8>::bounded(0).expect_err("a bound of 0 is refused");
    println!("{error}");
    Ok(())
}
