//! The numbers that a [`Value`](crate::Value) or [`Array`](crate::Array) can hold.

/// A number that processes can share: `u8` to `u64`, `i8` to `i64`, `f32` and `f64`. Python: the
/// typecodes `B b H h I i Q q f d`; `c` is `u8`.
///
/// In shared memory it is little-endian on every machine.
pub trait Element: sealed::Element {}

/// An integer [`Element`], which has an atomic addition.
pub trait Integer: Element {}

pub(crate) mod sealed {
    /// Seals [`super::Element`], so that no other crate implements it.
    pub trait Element: Copy + 'static {
        #[doc(hidden)]
        const BYTES: usize;

        /// The bytes of the number, with zeroes above them.
        #[doc(hidden)]
        fn into_cell(self) -> u64;

        /// The number in the lowest bytes; the bytes above are ignored.
        #[doc(hidden)]
        fn from_cell(cell: u64) -> Self;

        #[doc(hidden)]
        fn into_bytes(values: &[Self]) -> Vec<u8>;

        /// The numbers in the whole groups of [`BYTES`](Self::BYTES) bytes.
        #[doc(hidden)]
        fn from_bytes(bytes: &[u8]) -> Vec<Self>;
    }
}

macro_rules! elements {
    ($($number:ty),+) => {
        $(
            impl Element for $number {}

            impl sealed::Element for $number {
                const BYTES: usize = size_of::<$number>();

                fn into_cell(self) -> u64 {
                    let mut cell = [0; size_of::<u64>()];
                    for (to, from) in cell.iter_mut().zip(self.to_le_bytes()) {
                        *to = from;
                    }
                    u64::from_le_bytes(cell)
                }

                fn from_cell(cell: u64) -> $number {
                    // No number is wider than a cell, so there is a chunk.
                    let bytes = cell.to_le_bytes().first_chunk().copied();
                    <$number>::from_le_bytes(bytes.unwrap_or_default())
                }

                fn into_bytes(values: &[$number]) -> Vec<u8> {
                    // The compiler turns these chunks of a constant size into one copy.
                    let mut bytes = vec![0; size_of_val(values)];
                    let (chunks, _) = bytes.as_chunks_mut();
                    for (to, from) in chunks.iter_mut().zip(values) {
                        *to = from.to_le_bytes();
                    }
                    bytes
                }

                fn from_bytes(bytes: &[u8]) -> Vec<$number> {
                    let (chunks, _) = bytes.as_chunks();
                    chunks.iter().map(|chunk| <$number>::from_le_bytes(*chunk)).collect()
                }
            }
        )+
    };
}

elements!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);

macro_rules! integers {
    ($($number:ty),+) => { $(impl Integer for $number {})+ };
}

integers!(u8, i8, u16, i16, u32, i32, u64, i64);

#[cfg(test)]
mod tests {
    use super::sealed::Element;
    use std::fmt::Debug;

    fn come_back<T: Element + Debug + PartialEq>(values: &[T]) {
        let bytes = T::into_bytes(values);
        assert_eq!(bytes.len(), values.len() * T::BYTES);
        assert_eq!(T::from_bytes(&bytes), values);
        for value in values {
            // Neighbours in the bytes above do not matter.
            let above = (u64::MAX << (8 * (T::BYTES - 1))) << 8;
            assert_eq!(T::from_cell(value.into_cell() | above), *value);
        }
    }

    #[test]
    fn numbers_come_back_from_bytes_and_cells() {
        come_back(&[0, 1, u8::MAX]);
        come_back(&[i8::MIN, -1, 0, i8::MAX]);
        come_back(&[0, 1, u16::MAX]);
        come_back(&[i16::MIN, -1, 0, i16::MAX]);
        come_back(&[0, 1, u32::MAX]);
        come_back(&[i32::MIN, -1, 0, i32::MAX]);
        come_back(&[0, 1, u64::MAX]);
        come_back(&[i64::MIN, -1, 0, i64::MAX]);
        come_back(&[f32::MIN, -0.0, 3.625, f32::INFINITY]);
        come_back(&[f64::MIN, -0.0, 3.625, f64::INFINITY]);
    }

    #[test]
    fn a_cell_is_little_endian_with_zeroes_above() {
        assert_eq!((-2_i16).into_cell(), 0xFFFE);
        assert_eq!(u32::into_bytes(&[1, 256]), [1, 0, 0, 0, 0, 1, 0, 0]);
    }
}
