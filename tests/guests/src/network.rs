//! Connections, through the interfaces of WASI themselves: the standard library has none on this target.

use crate::wasi::io::streams::{InputStream, OutputStream};
use crate::wasi::sockets::instance_network::instance_network;
use crate::wasi::sockets::ip_name_lookup::resolve_addresses;
use crate::wasi::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
};
use crate::wasi::sockets::tcp::TcpSocket;
use crate::wasi::sockets::tcp_create_socket::create_tcp_socket;
use crate::{Outcome, ready};
use isopod::Process;

pub fn run(scenario: &[&str]) -> Outcome {
    match scenario {
        ["connect", port] => println!("{}", connect(number(port))),
        ["listen", port] => println!(
            "{}",
            shown(listen(number(port)).map(|()| "listens".to_owned()))
        ),
        ["look-up", name] => println!("{}", shown(look_up(name))),
        ["child", port] => child(port)?,
        ["read", port] => read(number(port))?,
        ["accept"] => accept()?,
        other => panic!("no scenario {other:?}"),
    }
    Ok(())
}

fn number(port: &str) -> u16 {
    port.parse().expect("a number")
}

fn shown(result: Result<String, ErrorCode>) -> String {
    result.unwrap_or_else(|error| error.name().to_owned())
}

/// Children without the right to connect, and with the right to connect to this address only.
fn child(port: &str) -> Outcome {
    let address = format!("127.0.0.1:{port}");
    let port = number(port);
    for builder in [
        Process::builder().network([], []),
        Process::builder().network([address.as_str()], []),
        Process::builder(),
    ] {
        println!("{}", builder.spawn(connect, (port,))?.join()?);
    }
    Ok(())
}

fn loopback(port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port,
        address: (127, 0, 0, 1),
    })
}

/// Repeats a call until it no longer returns `would-block`.
fn finish<T>(
    socket: &TcpSocket,
    call: impl Fn(&TcpSocket) -> Result<T, ErrorCode>,
) -> Result<T, ErrorCode> {
    loop {
        match call(socket) {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            finished => return finished,
        }
    }
}

/// Sends four bytes and returns the answer.
fn connect(port: u16) -> String {
    let exchange = || {
        let (_socket, input, output) = connection(port)?;
        output.blocking_write_and_flush(b"ping").expect("sent");
        let answer = input.blocking_read(4).expect("an answer");
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    shown(exchange())
}

fn connection(port: u16) -> Result<(TcpSocket, InputStream, OutputStream), ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    socket.start_connect(&instance_network(), loopback(port))?;
    let (input, output) = finish(&socket, TcpSocket::finish_connect)?;
    Ok((socket, input, output))
}

/// Reads data that never comes.
fn read(port: u16) -> Outcome {
    let (_socket, input, _output) = connection(port).expect("a connection");
    ready()?;
    input.blocking_read(1).expect("a byte");
    Ok(())
}

/// Waits for a connection that nobody makes.
fn accept() -> Outcome {
    let socket = listener(0).expect("a listener");
    ready()?;
    finish(&socket, TcpSocket::accept).expect("a connection");
    Ok(())
}

fn listen(port: u16) -> Result<(), ErrorCode> {
    listener(port).map(drop)
}

fn listener(port: u16) -> Result<TcpSocket, ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    socket.start_bind(&instance_network(), loopback(port))?;
    finish(&socket, TcpSocket::finish_bind)?;
    socket.start_listen()?;
    finish(&socket, TcpSocket::finish_listen)?;
    Ok(socket)
}

fn look_up(name: &str) -> Result<String, ErrorCode> {
    let addresses = resolve_addresses(&instance_network(), name)?;
    loop {
        match addresses.resolve_next_address() {
            Err(ErrorCode::WouldBlock) => addresses.subscribe().block(),
            Ok(Some(_)) => return Ok("an address".to_owned()),
            Ok(None) => return Ok("no address".to_owned()),
            Err(error) => return Err(error),
        }
    }
}
