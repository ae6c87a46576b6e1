//! The items of a [`ShareableList`](crate::ShareableList).

const WORD_BYTES: usize = size_of::<u64>();

/// Items of this kind and above can have any length.
const TEXT: u8 = 4;

/// An item of a [`ShareableList`](crate::ShareableList).
#[derive(Clone, Debug, PartialEq, PartialOrd, Default)]
pub enum ShareableItem {
    /// Nothing. Python: `None`.
    #[default]
    None,
    /// A truth value.
    Bool(bool),
    /// An integer. Python's integers beyond 64 bits are refused.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text, stored as UTF-8.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl ShareableItem {
    /// The slot size for a new item of this kind with `length` bytes of data, as in CPython.
    pub(crate) fn slot_bytes(kind: u8, length: usize) -> usize {
        match kind < TEXT {
            true => WORD_BYTES,
            false => (length / WORD_BYTES + 1) * WORD_BYTES,
        }
    }

    /// The number of the kind, and the data.
    pub(crate) fn into_parts(self) -> (u8, Vec<u8>) {
        match self {
            ShareableItem::None => (0, vec![0; WORD_BYTES]),
            ShareableItem::Bool(value) => (1, u64::from(value).to_le_bytes().to_vec()),
            ShareableItem::Int(value) => (2, value.to_le_bytes().to_vec()),
            ShareableItem::Float(value) => (3, value.to_le_bytes().to_vec()),
            ShareableItem::Text(text) => (TEXT, text.into_bytes()),
            ShareableItem::Bytes(bytes) => (5, bytes),
        }
    }

    /// The item of these parts; `None` if they are not valid.
    pub(crate) fn from_parts(kind: u8, data: &[u8]) -> Option<ShareableItem> {
        Some(match kind {
            0 => ShareableItem::None,
            1 => ShareableItem::Bool(*data.first()? != 0),
            2 => ShareableItem::Int(i64::from_le_bytes(*data.first_chunk()?)),
            3 => ShareableItem::Float(f64::from_le_bytes(*data.first_chunk()?)),
            TEXT => ShareableItem::Text(String::from_utf8(data.to_vec()).ok()?),
            5 => ShareableItem::Bytes(data.to_vec()),
            _ => return None,
        })
    }
}

macro_rules! from {
    ($($value:ty => |$name:ident| $item:expr,)+) => {
        $(
            impl From<$value> for ShareableItem {
                fn from($name: $value) -> ShareableItem {
                    $item
                }
            }
        )+
    };
}

from! {
    bool => |value| ShareableItem::Bool(value),
    i32 => |value| ShareableItem::Int(value.into()),
    u32 => |value| ShareableItem::Int(value.into()),
    i64 => |value| ShareableItem::Int(value),
    f64 => |value| ShareableItem::Float(value),
    &str => |text| ShareableItem::Text(text.to_owned()),
    String => |text| ShareableItem::Text(text),
    &[u8] => |bytes| ShareableItem::Bytes(bytes.to_vec()),
    Vec<u8> => |bytes| ShareableItem::Bytes(bytes),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_back_from_their_parts() {
        for item in [
            ShareableItem::None,
            true.into(),
            false.into(),
            (-273).into(),
            i64::MIN.into(),
            (-273.154).into(),
            "encodés\0".into(),
            "".into(),
            (&b"HoWdY\0"[..]).into(),
        ] {
            let (kind, data) = item.clone().into_parts();
            assert_eq!(ShareableItem::from_parts(kind, &data), Some(item));
        }
    }

    #[test]
    fn what_is_no_item_is_refused() {
        assert_eq!(ShareableItem::from_parts(6, &[0; 8]), None);
        assert_eq!(ShareableItem::from_parts(2, &[0; 7]), None);
        assert_eq!(ShareableItem::from_parts(1, &[]), None);
        assert_eq!(ShareableItem::from_parts(4, &[0xff]), None);
    }

    #[test]
    fn slots_are_as_wide_as_in_python() {
        let slot_bytes = |item: ShareableItem| {
            let (kind, data) = item.into_parts();
            ShareableItem::slot_bytes(kind, data.len())
        };
        assert_eq!(slot_bytes(ShareableItem::None), 8);
        assert_eq!(slot_bytes(1.into()), 8);
        assert_eq!(slot_bytes("".into()), 8);
        assert_eq!(slot_bytes("howdy".into()), 8);
        assert_eq!(slot_bytes("encodés".into()), 16);
    }
}
