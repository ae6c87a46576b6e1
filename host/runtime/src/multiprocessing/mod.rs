//! `isopod:multiprocessing` as guests call it. Each interface has one file, which only translates between WIT
//! and the objects of `isopod-sync` and this crate.

mod bindings;
mod carrying;
mod direct;
mod errors;
mod manager;
mod memory;
mod options;
mod pipe;
mod pool;
mod process;
mod queue;
mod sync;
mod timeout;
mod types;
mod wait;

pub(crate) use bindings::exported;

use crate::error::{Error, ErrorKind, Result};
use crate::guest::{Extensions, State};
use crate::wasi;
use wasmtime::component::{HasSelf, Linker};

/// Links everything that a program may import.
pub(crate) fn linker(engine: &wasmtime::Engine, extensions: &Extensions) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)
        .and_then(|()| wasi::files::link(&mut linker))
        .and_then(|()| wasi::name_lookup::link(&mut linker))
        .and_then(|()| wasi::sockets::link(&mut linker))
        .and_then(|()| link_interfaces(&mut linker))
        .and_then(|()| carrying::link(&mut linker))
        .and_then(|()| extensions.link(&mut linker))
        .map_err(|error| {
            Error::new(
                ErrorKind::Engine,
                "the host's functions could not be linked",
            )
            .with_cause(error)
        })?;
    #[cfg(test)]
    crate::bug::tests::link_panic(&mut linker);
    Ok(linker)
}

/// The interfaces of isopod. Each call records the name of its interface, for crash reports.
fn link_interfaces(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    macro_rules! link {
        ($($interface:ident)*) => {$(
            bindings::isopod::multiprocessing::$interface::add_to_linker::<_, HasSelf<State>>(
                linker,
                |state| {
                    let name = concat!("isopod:multiprocessing/", stringify!($interface));
                    state.begin_host_call(name);
                    state.set_down();
                    state
                },
            )?;
        )*};
    }
    link!(types process queue pipe sync wait memory direct pool manager);
    Ok(())
}
