//! The kind of a file, decided by its first bytes.

/// The bytes that every WebAssembly file starts with.
const MAGIC: &[u8; 4] = b"\0asm";

/// The kinds of bytes that [`kind_of`] distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A component: ready to be loaded.
    Component,
    /// A core module: [`componentize`](crate::componentize) turns it into a component.
    CoreModule,
    /// WebAssembly, but of a version that this crate does not know: the four bytes after the magic number.
    OtherVersion([u8; 4]),
    /// Not WebAssembly in its binary format.
    NotWasm,
}

/// The kind of `bytes`, decided by their first eight. The rest is not read.
#[must_use]
pub fn kind_of(bytes: &[u8]) -> Kind {
    match bytes.split_first_chunk::<4>() {
        Some((MAGIC, rest)) => match rest.first_chunk::<4>() {
            Some([1, 0, 0, 0]) => Kind::CoreModule,
            Some([0x0d, 0, 1, 0]) => Kind::Component,
            Some(version) => Kind::OtherVersion(*version),
            None => Kind::NotWasm,
        },
        _ => Kind::NotWasm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_kind() {
        assert_eq!(kind_of(b"\0asm\x01\0\0\0rest"), Kind::CoreModule);
        assert_eq!(kind_of(b"\0asm\x0d\0\x01\0"), Kind::Component);
        assert_eq!(
            kind_of(b"\0asm\x02\0\0\0"),
            Kind::OtherVersion([2, 0, 0, 0])
        );
        for bytes in [
            &b""[..],
            b"\0as",
            b"\0asm\x01\0",
            b"#!/bin/sh",
            b"\x7fELF\x02\x01\x01\0",
        ] {
            assert_eq!(kind_of(bytes), Kind::NotWasm, "{bytes:?}");
        }
    }
}
