//! Opens and closes sockets. The sockets are wasmtime-wasi's; this module counts them as descriptors. If no
//! address is granted, a guest never gets as far as asking for one, so this module also reports that refusal.

use crate::events::RefusalKind;
use crate::guest::State;
use crate::limits::Taken;
use wasmtime::StoreContextMut;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddressFamily, Network};
use wasmtime_wasi::p2::bindings::sockets::tcp::HostTcpSocket as _;
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{SocketError, SocketResult, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::WasiSocketsView as _;

/// The names in wasmtime-wasi; programs that ask for an older version get this one.
const TCP: &str = "wasi:sockets/tcp@0.2.12";
const UDP: &str = "wasi:sockets/udp@0.2.12";

/// The error for a guest that may hold no more descriptors.
const REFUSED: ErrorCode = ErrorCode::NewSocketLimit;

type Store<'a> = StoreContextMut<'a, State>;

/// Links these functions in place of wasmtime-wasi's.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    tcp_create_socket::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    udp_create_socket::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    let mut tcp = linker.instance(TCP)?;
    tcp.resource(
        "tcp-socket",
        ResourceType::host::<TcpSocket>(),
        |mut store, number| {
            let state = store.data_mut();
            state.table.delete(Resource::<TcpSocket>::new_own(number))?;
            state.socket_descriptors.remove(number);
            Ok(())
        },
    )?;
    // A listening socket accepts a connection before the guest asks for it, so it takes a descriptor more.
    tcp.func_wrap_async(
        "[method]tcp-socket.start-listen",
        |mut store: Store<'_>, (socket,): (Resource<TcpSocket>,)| {
            Box::new(async move {
                let state = store.data_mut();
                let Some(taken) = state.take_descriptor() else {
                    return Ok((Err(REFUSED),));
                };
                let number = socket.rep();
                let begun = state.sockets().start_listen(socket).await;
                Ok((state.counted(taken, begun, |()| number)?,))
            })
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.accept",
        |mut store: Store<'_>, (socket,): (Resource<TcpSocket>,)| {
            let state = store.data_mut();
            let Some(taken) = state.take_descriptor() else {
                return Ok((Err(REFUSED),));
            };
            let accepted = state.sockets().accept(socket);
            Ok((state.counted(taken, accepted, |(socket, _, _)| socket.rep())?,))
        },
    )?;
    let mut udp = linker.instance(UDP)?;
    udp.resource(
        "udp-socket",
        ResourceType::host::<UdpSocket>(),
        |mut store, number| {
            let state = store.data_mut();
            state.table.delete(Resource::<UdpSocket>::new_own(number))?;
            state.socket_descriptors.remove(number);
            Ok(())
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

impl tcp_create_socket::Host for State {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        self.tell_if_none_granted("a TCP socket");
        let taken = self.take_descriptor().ok_or(REFUSED)?;
        let socket = self.sockets().create_tcp_socket(family)?;
        self.socket_descriptors.add(socket.rep(), taken);
        Ok(socket)
    }
}

impl udp_create_socket::Host for State {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> SocketResult<Resource<UdpSocket>> {
        self.tell_if_none_granted("a UDP socket");
        let taken = self.take_descriptor().ok_or(REFUSED)?;
        let socket = self.sockets().create_udp_socket(family).await?;
        self.socket_descriptors.add(socket.rep(), taken);
        Ok(socket)
    }
}

/// The interface of the errors, which the two above need; wasmtime-wasi's stays linked.
impl network::Host for State {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets().convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}

impl network::HostNetwork for State {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets(), network)
    }
}

impl State {
    fn tell_if_none_granted(&self, socket: &str) {
        if !self.process.birth.rights.network.has_addresses() {
            self.process.tell_refused(RefusalKind::Address, || {
                format!("{socket}: no address is granted")
            });
        }
    }

    /// Counts `taken` for a socket as long as the socket exists, or not at all if there is none.
    fn counted<T>(
        &mut self,
        taken: Taken,
        opened: SocketResult<T>,
        number: impl FnOnce(&T) -> u32,
    ) -> wasmtime::Result<Result<T, ErrorCode>> {
        match opened {
            Ok(opened) => {
                self.socket_descriptors.add(number(&opened), taken);
                Ok(Ok(opened))
            }
            Err(error) => Ok(Err(error.downcast()?)),
        }
    }
}
