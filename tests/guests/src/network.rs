//! Connections, by the interfaces of WASI themselves: the standard library has none on this target.

use crate::Outcome;
use bindings::wasi::sockets::instance_network::instance_network;
use bindings::wasi::sockets::ip_name_lookup::resolve_addresses;
use bindings::wasi::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
};
use bindings::wasi::sockets::tcp::TcpSocket;
use bindings::wasi::sockets::tcp_create_socket::create_tcp_socket;
use isopod::Process;

mod bindings {
    #![allow(unsafe_code, dead_code, clippy::all, reason = "generated")]
    // What is used of these interfaces.
    wit_bindgen::generate!({
        inline: "
            package test:network;

            world network {
                import wasi:sockets/instance-network@0.2.0;
                import wasi:sockets/tcp-create-socket@0.2.0;
                import wasi:sockets/ip-name-lookup@0.2.0;
            }

            package wasi:io@0.2.0 {
                interface poll {
                    resource pollable { block: func(); }
                }
                interface error {
                    resource error;
                }
                interface streams {
                    use error.{error};
                    variant stream-error { last-operation-failed(error), closed }
                    resource input-stream {
                        blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
                    }
                    resource output-stream {
                        blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                    }
                }
            }

            package wasi:sockets@0.2.0 {
                interface network {
                    resource network;
                    enum error-code {
                        unknown, access-denied, not-supported, invalid-argument, out-of-memory,
                        timeout, concurrency-conflict, not-in-progress, would-block, invalid-state,
                        new-socket-limit, address-not-bindable, address-in-use, remote-unreachable,
                        connection-refused, connection-reset, connection-aborted,
                        datagram-too-large, name-unresolvable, temporary-resolver-failure,
                        permanent-resolver-failure,
                    }
                    enum ip-address-family { ipv4, ipv6 }
                    type ipv4-address = tuple<u8, u8, u8, u8>;
                    type ipv6-address = tuple<u16, u16, u16, u16, u16, u16, u16, u16>;
                    variant ip-address { ipv4(ipv4-address), ipv6(ipv6-address) }
                    record ipv4-socket-address { port: u16, address: ipv4-address }
                    record ipv6-socket-address {
                        port: u16, flow-info: u32, address: ipv6-address, scope-id: u32,
                    }
                    variant ip-socket-address {
                        ipv4(ipv4-socket-address), ipv6(ipv6-socket-address),
                    }
                }
                interface instance-network {
                    use network.{network};
                    instance-network: func() -> network;
                }
                interface ip-name-lookup {
                    use wasi:io/poll@0.2.0.{pollable};
                    use network.{network, error-code, ip-address};
                    resource resolve-address-stream {
                        resolve-next-address: func() -> result<option<ip-address>, error-code>;
                        subscribe: func() -> pollable;
                    }
                    resolve-addresses: func(network: borrow<network>, name: string)
                        -> result<resolve-address-stream, error-code>;
                }
                interface tcp {
                    use wasi:io/poll@0.2.0.{pollable};
                    use wasi:io/streams@0.2.0.{input-stream, output-stream};
                    use network.{network, error-code, ip-socket-address};
                    resource tcp-socket {
                        start-bind: func(network: borrow<network>, local-address: ip-socket-address)
                            -> result<_, error-code>;
                        finish-bind: func() -> result<_, error-code>;
                        start-connect: func(network: borrow<network>, remote-address: ip-socket-address)
                            -> result<_, error-code>;
                        finish-connect: func() -> result<tuple<input-stream, output-stream>, error-code>;
                        start-listen: func() -> result<_, error-code>;
                        finish-listen: func() -> result<_, error-code>;
                        subscribe: func() -> pollable;
                    }
                }
                interface tcp-create-socket {
                    use network.{error-code, ip-address-family};
                    use tcp.{tcp-socket};
                    create-tcp-socket: func(address-family: ip-address-family)
                        -> result<tcp-socket, error-code>;
                }
            }
        ",
        world: "test:network/network",
        generate_all,
        type_section_suffix: "network",
    });
}

pub fn run(scenario: &[&str]) -> Outcome {
    match scenario {
        ["connect", port] => println!("{}", connect(number(port))),
        ["listen", port] => println!(
            "{}",
            shown(listen(number(port)).map(|()| "listens".to_owned()))
        ),
        ["look-up", name] => println!("{}", shown(look_up(name))),
        ["child", port] => child(port)?,
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

/// Children that may not connect, and that may connect there only.
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

/// Calls until it does not say that it would block.
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

/// Sends four bytes and gives what comes back.
fn connect(port: u16) -> String {
    let exchange = || {
        let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
        socket.start_connect(&instance_network(), loopback(port))?;
        let (input, output) = finish(&socket, TcpSocket::finish_connect)?;
        output.blocking_write_and_flush(b"ping").expect("sent");
        let answer = input.blocking_read(4).expect("an answer");
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    shown(exchange())
}

fn listen(port: u16) -> Result<(), ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    socket.start_bind(&instance_network(), loopback(port))?;
    finish(&socket, TcpSocket::finish_bind)?;
    socket.start_listen()?;
    finish(&socket, TcpSocket::finish_listen)
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
