//! Bytes that are to be a core module, made a component: an error or a component, never a panic
//! that gets out. Those of the parser of metadata are contained, so the hook that ends the fuzzer at
//! each panic is taken out; one that gets out ends it all the same.
//!
//! What is made is not validated, and this does not do it either: the engine does when it compiles.
#![no_main]

use isopod_component::{Error, Kind, componentize, kind_of, make_interruptible};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    let kind = kind_of(bytes);
    if let Ok(Some(changed)) = make_interruptible(bytes) {
        assert!(is_valid(&changed), "the change made a valid module invalid");
    }
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

fn is_valid(wasm: &[u8]) -> bool {
    wasmparser::Validator::new().validate_all(wasm).is_ok()
}
