//! The bare interfaces of WASI, for operations that the standard library lacks.

pub use bindings::wasi::{filesystem, io, sockets};

mod bindings {
    #![allow(unsafe_code, dead_code, clippy::all, reason = "generated")]
    // The parts of these interfaces that the guests use.
    wit_bindgen::generate!({
        inline: "
            package test:wasi;

            world wasi {
                import wasi:sockets/instance-network@0.2.0;
                import wasi:sockets/tcp-create-socket@0.2.0;
                import wasi:sockets/ip-name-lookup@0.2.0;
                import wasi:filesystem/preopens@0.2.0;
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
                    use poll.{pollable};
                    variant stream-error { last-operation-failed(error), closed }
                    resource input-stream {
                        read: func(len: u64) -> result<list<u8>, stream-error>;
                        subscribe: func() -> pollable;
                        blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
                    }
                    resource output-stream {
                        blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                    }
                }
            }

            package wasi:filesystem@0.2.0 {
                interface types {
                    use wasi:io/streams@0.2.0.{input-stream};
                    type filesize = u64;
                    flags path-flags { symlink-follow }
                    flags open-flags { create, directory, exclusive, truncate }
                    flags descriptor-flags {
                        read, write, file-integrity-sync, data-integrity-sync,
                        requested-write-sync, mutate-directory,
                    }
                    enum error-code {
                        access, would-block, already, bad-descriptor, busy, deadlock, quota, exist,
                        file-too-large, illegal-byte-sequence, in-progress, interrupted, invalid,
                        io, is-directory, loop, too-many-links, message-size, name-too-long,
                        no-device, no-entry, no-lock, insufficient-memory, insufficient-space,
                        not-directory, not-empty, not-recoverable, unsupported, no-tty,
                        no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek,
                        text-file-busy, cross-device,
                    }
                    resource descriptor {
                        open-at: func(path-flags: path-flags, path: string, open-flags: open-flags,
                            %flags: descriptor-flags) -> result<descriptor, error-code>;
                        read-via-stream: func(offset: filesize) -> result<input-stream, error-code>;
                    }
                }
                interface preopens {
                    use types.{descriptor};
                    get-directories: func() -> list<tuple<descriptor, string>>;
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
                        accept: func()
                            -> result<tuple<tcp-socket, input-stream, output-stream>, error-code>;
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
        world: "test:wasi/wasi",
        generate_all,
        type_section_suffix: "wasi",
    });
}
