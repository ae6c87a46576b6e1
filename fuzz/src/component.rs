//! Makes a component of arbitrary bytes in place of a core module: the result is an error or a component,
//! never a panic that escapes. The library contains the panics of the parser of metadata, so this target
//! removes the hook that ends the fuzzer at each panic; a panic that escapes ends it all the same.
//!
//! Nothing here validates the component: the engine does when it compiles it.
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
        // An error has a text of a bounded length, whatever the names in the module.
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn is_valid(wasm: &[u8]) -> bool {
    wasmparser::Validator::new().validate_all(wasm).is_ok()
}
