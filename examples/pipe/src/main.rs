//! Pipes, as tutorials on Python's `multiprocessing` introduce them.
//!
//! An end has types: one for the messages that it sends, one for those that it receives. Where Python sends
//! anything, an enum lists the possible messages.

use isopod::{
    Connection, Error, ErrorKind, Process, Receiver, Sender, one_way_pipe, pipe, wait_any,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A message of the child in the first part.
#[derive(Debug, Serialize, Deserialize)]
enum Item {
    Number(i64),
    Nothing,
    Text(String),
}

#[isopod::main]
fn main() -> Result<(), Error> {
    two_ways()?;
    one_way()?;
    poll()?;
    connection_through_a_pipe()?;
    wait_for_several()
}

fn two_ways() -> Result<(), Error> {
    println!("two ways:");
    // Each end has the types of the other, turned round.
    let (parent, child) = pipe::<String, Item>()?;
    let process = Process::spawn(
        |connection: Connection<Item, String>| -> Result<(), Error> {
            connection.send(&Item::Number(42))?;
            connection.send(&Item::Nothing)?;
            connection.send(&Item::Text("hello".to_owned()))?;
            println!("child: {}", connection.recv()?);
            Ok(())
        },
        (child,),
    )?;
    for _ in 0..3 {
        println!("parent: {:?}", parent.recv()?);
    }
    parent.send(&"hello, child".to_owned())?;
    process.join()
}

/// Python's `Pipe(duplex=False)`. Sending through a receiver does not compile.
fn one_way() -> Result<(), Error> {
    println!("\none way, until the sender is gone:");
    let (receiver, sender) = one_way_pipe()?;
    // The end moves into the child: the parent keeps none that would hold the pipe open, so there is
    // nothing to close.
    let process = Process::spawn(
        |sender: Sender<u32>| (0..3).try_for_each(|number| sender.send(&number)),
        (sender,),
    )?;
    for number in &receiver {
        println!("{}", number?);
    }
    match receiver.recv() {
        Err(error) if error.kind() == ErrorKind::EndOfFile => println!("{error}"),
        other => println!("{other:?}"),
    }
    process.join()?;

    let (receiver, sender) = one_way_pipe::<u32>()?;
    drop(receiver);
    match sender.send(&1) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => println!("{error}"),
        other => println!("{other:?}"),
    }
    Ok(())
}

fn poll() -> Result<(), Error> {
    println!("\npoll:");
    let (receiver, sender) = one_way_pipe()?;
    println!("{}", receiver.poll()?);
    println!("{}", receiver.poll_timeout(Duration::from_millis(10))?);
    sender.send(&1_u8)?;
    println!("{}", receiver.poll()?);
    drop(sender);
    receiver.recv()?;
    // As in Python, the end of the file counts as something to read.
    println!("{}", receiver.poll()?);
    Ok(())
}

fn connection_through_a_pipe() -> Result<(), Error> {
    println!("\na connection through a pipe:");
    let (receiver, sender) = one_way_pipe::<Sender<String>>()?;
    let process = Process::spawn(
        |receiver: Receiver<Sender<String>>| {
            let reply = receiver.recv()?;
            reply.send(&"through the connection that came".to_owned())
        },
        (receiver,),
    )?;
    let (replies, reply) = one_way_pipe()?;
    sender.send(&reply)?;
    println!("{}", replies.recv()?);
    process.join()
}

/// Python's `multiprocessing.connection.wait`: connections, queues, events and processes.
fn wait_for_several() -> Result<(), Error> {
    println!("\nwait for several:");
    let (first, first_sender) = one_way_pipe::<u32>()?;
    let (second, second_sender) = one_way_pipe::<u32>()?;
    println!(
        "ready: {:?}",
        isopod::wait_any_timeout(&[&first, &second], Duration::ZERO)?
    );
    let process = Process::spawn(|sender: Sender<u32>| sender.send(&2), (second_sender,))?;
    println!("ready: {:?}", wait_any(&[&first, &second])?);
    println!("received: {}", second.recv()?);
    // A process is ready when it has ended: Python's `sentinel`.
    println!("ready: {:?}", wait_any(&[&first, &process])?);
    drop(first_sender);
    println!("ready: {:?}", wait_any(&[&first])?);
    process.join()
}
