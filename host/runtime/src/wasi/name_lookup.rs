//! `wasi:sockets/ip-name-lookup`: the machine's resolver, for processes that may use it.
//!
//! The resolver blocks a thread for as long as its servers take, so a look-up runs like an operation on a
//! file ([`operations`](crate::guest::operations)). wasmtime-wasi's own look-ups are not counted, and go on
//! when nothing waits for them any more. The answer is complete when the call returns.

use crate::events::RefusalKind;
use crate::guest::{Busy, State};
use std::net::{IpAddr, ToSocketAddrs as _};
use std::vec;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// The name in wasmtime-wasi; programs that ask for an older version get this one.
const INTERFACE: &str = "wasi:sockets/ip-name-lookup@0.2.12";

/// The longest name that can be looked up, in bytes.
const LONGEST_NAME_BYTES: usize = 253;

/// The addresses of an answer that a guest has not taken yet.
#[derive(Debug)]
struct Addresses(vec::IntoIter<IpAddr>);

#[async_trait]
impl Pollable for Addresses {
    async fn ready(&mut self) {}
}

/// Links this interface in place of wasmtime-wasi's.
pub(crate) fn link(linker: &mut Linker<State>) -> Result<()> {
    type Store<'a> = StoreContextMut<'a, State>;
    linker.allow_shadowing(true);
    let mut interface = linker.instance(INTERFACE)?;
    interface.resource(
        "resolve-address-stream",
        ResourceType::host::<Addresses>(),
        |mut store, number| {
            let addresses = Resource::<Addresses>::new_own(number);
            store.data_mut().table.delete(addresses)?;
            Ok(())
        },
    )?;
    interface.func_wrap_async(
        "resolve-addresses",
        |mut store: Store<'_>, (network, name): (Resource<Network>, String)| {
            Box::new(async move {
                let state = store.data_mut();
                state.table.get(&network)?;
                Ok((match look_up(state, name).await {
                    Ok(addresses) => Ok(state.push(addresses)?),
                    Err(code) => Err(code),
                },))
            })
        },
    )?;
    interface.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        |mut store: Store<'_>, (addresses,): (Resource<Addresses>,)| {
            let next = store.data_mut().table.get_mut(&addresses)?.0.next();
            Ok((Ok::<_, ErrorCode>(next.map(IpAddress::from)),))
        },
    )?;
    interface.func_wrap(
        "[method]resolve-address-stream.subscribe",
        |mut store: Store<'_>, (addresses,): (Resource<Addresses>,)| {
            let state = store.data_mut();
            state.take_place();
            let pollable: Resource<DynPollable> = subscribe(&mut state.table, addresses)?;
            Ok((pollable,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

async fn look_up(state: &mut State, name: String) -> Result<Addresses, ErrorCode> {
    // An address in digits needs no resolver, and so no right; connecting to it takes a right of its own.
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = literal.parse::<IpAddr>() {
        return Ok(Addresses(vec![ip.to_canonical()].into_iter()));
    }
    if !state.process.birth.rights.network.name_lookup {
        state
            .process
            .tell_refused(RefusalKind::NameLookup, || name.clone());
        return Err(ErrorCode::AccessDenied);
    }
    // A name in another alphabet must come in the form that is sent to the servers: `xn--...`.
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > LONGEST_NAME_BYTES || !name.bytes().all(is_name) {
        return Err(ErrorCode::InvalidArgument);
    }
    let asked = state.operations.run(move || {
        let found = (name.as_str(), 0).to_socket_addrs()?;
        let mut addresses: Vec<IpAddr> = found.map(|found| found.ip().to_canonical()).collect();
        addresses.dedup();
        std::io::Result::Ok(addresses)
    });
    match asked.await {
        Ok(Ok(addresses)) => Ok(Addresses(addresses.into_iter())),
        Ok(Err(_)) => Err(ErrorCode::NameUnresolvable),
        Err(Busy) => Err(ErrorCode::TemporaryResolverFailure),
    }
}
