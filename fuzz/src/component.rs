//! Bytes that are to be a core module, made a component: an error or a component, never a panic.
//!
//! What is made is not validated, and this does not do it either: the engine does when it compiles.
#![no_main]

use isopod_component::{Error, Kind, componentize, kind_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let kind = kind_of(bytes);
    match componentize(bytes) {
        Ok(component) => {
            assert_eq!(kind, Kind::CoreModule);
            assert_eq!(kind_of(&component), Kind::Component);
            assert!(matches!(
                componentize(&component),
                Err(Error::AlreadyComponent)
            ));
        }
        // An error has a text of a bounded length, whatever names the module has.
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
