//! [ipc-channel](https://github.com/servo/ipc-channel): bytes between two processes of the operating
//! system, in its fastest form. Its channels have no bound of their own; a sender waits when the socket is
//! full.

use anyhow::{Context, Result, bail};
use driver::Request;
use ipc_channel::ipc::{
    IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiver, IpcSender,
};
use std::hint::black_box;
use std::process::{Child, Command};

/// The first message of a child: the ends for its parent.
type Ends = (IpcBytesSender, IpcBytesReceiver, IpcSender<u64>);

fn main() -> Result<()> {
    let request = Request::read()?;
    match request.what.as_str() {
        "round-trip" => round_trip(&request),
        "one-way" => one_way(&request),
        // The program starts itself in this form: the argument is the name of its parent's server.
        "echo" => echo(&request),
        "produce" => produce(&request),
        other => bail!("`{other}` is not measured; `round-trip` and `one-way` are"),
    }
}

fn round_trip(request: &Request) -> Result<()> {
    request.pin_to_first()?;
    let payload = vec![7; request.argument.parse()?];
    let (mut child, (sender, receiver, orders)) = start(request, "echo")?;
    driver::serve(|count| {
        for _ in 0..count {
            sender.send(&payload)?;
            black_box(receiver.recv()?);
        }
        Ok(())
    })?;
    drop((sender, receiver, orders));
    end(&mut child)
}

fn one_way(request: &Request) -> Result<()> {
    request.pin_to_first()?;
    let (mut child, (sender, receiver, orders)) = start(request, "produce")?;
    // The child makes the messages, of the size in its first order.
    orders.send(request.argument.parse()?)?;
    driver::serve(|count| {
        orders.send(count)?;
        for _ in 0..count {
            black_box(receiver.recv()?);
        }
        Ok(())
    })?;
    drop((sender, receiver, orders));
    end(&mut child)
}

fn start(request: &Request, what: &str) -> Result<(Child, Ends)> {
    let (server, name) = IpcOneShotServer::<Ends>::new()?;
    let child = Command::new(std::env::current_exe()?)
        .args([&request.cores_word(), what, &name])
        .spawn()
        .context("starting the other process")?;
    let (_receiver, ends) = server.accept()?;
    Ok((child, ends))
}

fn end(child: &mut Child) -> Result<()> {
    let status = child.wait()?;
    anyhow::ensure!(status.success(), "the other process ended with {status}");
    Ok(())
}

/// Returns the child's own ends, after its parent has received the others.
fn connect(request: &Request) -> Result<(IpcBytesReceiver, IpcBytesSender, IpcReceiver<u64>)> {
    request.pin_to_last()?;
    let (to_child, at_child) = ipc_channel::ipc::bytes_channel()?;
    let (to_parent, at_parent) = ipc_channel::ipc::bytes_channel()?;
    let (orders, order) = ipc_channel::ipc::channel()?;
    let parent = IpcSender::<Ends>::connect(request.argument.clone())?;
    parent.send((to_child, at_parent, orders))?;
    Ok((at_child, to_parent, order))
}

/// An error of `recv` means that the parent has ended.
fn echo(request: &Request) -> Result<()> {
    let (receiver, sender, _orders) = connect(request)?;
    while let Ok(bytes) = receiver.recv() {
        sender.send(&bytes)?;
    }
    Ok(())
}

fn produce(request: &Request) -> Result<()> {
    let (_receiver, sender, orders) = connect(request)?;
    let Ok(size) = orders.recv() else {
        return Ok(());
    };
    let payload = vec![7; usize::try_from(size)?];
    while let Ok(count) = orders.recv() {
        for _ in 0..count {
            sender.send(&payload)?;
        }
    }
    Ok(())
}
