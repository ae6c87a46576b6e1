//! Host objects inside messages: the common code of [`Queue`](crate::Queue), the ends of pipes,
//! [`Lock`](crate::Lock) and all other objects.

use crate::bindings::process;
use crate::bindings::types::{ErrorCode, Handle};
use crate::message::{Missing, note_decode_error, push_outgoing, take_incoming};
use crate::{Error, ErrorKind};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// A reference to a host object that has a handle.
pub(crate) trait Object: Sized {
    /// The kind, for error messages.
    const KIND: &'static str;
    fn to_handle(&self) -> Handle;
    fn open(handle: &Handle) -> Result<Self, ErrorCode>;
}

/// Makes a type with a field `raw: Arc<Raw>`, or `raw: Arc<Numbered<Raw>>`, an [`Object`] that can travel and
/// be inherited. A type with type parameters, `Type<T>`, also has a field `values: PhantomData`; it gets
/// `Clone` and `from_raw`.
macro_rules! travels {
    ($object:ident<$($parameter:ident),+>, $raw:ty, $kind:literal) => {
        impl<$($parameter),+> $object<$($parameter),+> {
            pub(crate) fn from_raw(raw: $raw) -> Self {
                $object {
                    raw: ::std::sync::Arc::new(raw.into()),
                    values: ::std::marker::PhantomData,
                }
            }
        }

        // `Clone` is not derived, because a derive would bound the type parameters.
        impl<$($parameter),+> ::std::clone::Clone for $object<$($parameter),+> {
            fn clone(&self) -> Self {
                $object {
                    raw: ::std::sync::Arc::clone(&self.raw),
                    values: ::std::marker::PhantomData,
                }
            }
        }

        $crate::handle::travels!(
            @all $object [$($parameter),+] $object<$($parameter),+>, $raw, $kind,
            |raw| $object::from_raw(raw)
        );
    };
    ($object:ident, $raw:ty, $kind:literal) => {
        $crate::handle::travels!(
            @all $object [] $object, $raw, $kind,
            |raw| $object { raw: ::std::sync::Arc::new(raw.into()) }
        );
    };
    (@all $name:ident [$($parameter:ident),*] $object:ty, $raw:ty, $kind:literal, $from_raw:expr) => {
        impl<$($parameter),*> $crate::handle::Object for $object {
            const KIND: &'static str = $kind;

            fn to_handle(&self) -> $crate::bindings::types::Handle {
                self.raw.to_handle()
            }

            fn open(
                handle: &$crate::bindings::types::Handle,
            ) -> Result<Self, $crate::bindings::types::ErrorCode> {
                <$raw>::open(handle).map($from_raw)
            }
        }

        impl<$($parameter),*> $crate::handle::sealed::Inherit for $object {
            fn from_handle(
                handle: &$crate::handle::sealed::RawHandle<'_>,
            ) -> Result<Self, $crate::handle::sealed::RawError> {
                $crate::handle::Object::open(handle.0).map_err($crate::handle::sealed::RawError)
            }
        }

        impl<$($parameter),*> ::serde::Serialize for $object {
            fn serialize<Encoder: ::serde::Serializer>(
                &self,
                serializer: Encoder,
            ) -> Result<Encoder::Ok, Encoder::Error> {
                $crate::handle::serialize(self, serializer)
            }
        }

        impl<'de, $($parameter),*> ::serde::Deserialize<'de> for $object {
            fn deserialize<Decoder: ::serde::Deserializer<'de>>(
                deserializer: Decoder,
            ) -> Result<Self, Decoder::Error> {
                $crate::handle::deserialize(deserializer)
            }
        }

        impl<$($parameter),*> ::std::fmt::Debug for $object {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let parameters: &[&str] = &[$(::std::any::type_name::<$parameter>()),*];
                formatter.write_str(stringify!($name))?;
                if parameters.is_empty() {
                    return Ok(());
                }
                write!(formatter, "<{}>", parameters.join(", "))
            }
        }
    };
}
pub(crate) use travels;

/// Serialises an object: adds its handle to the message, and writes the handle's index.
pub(crate) fn serialize<O: Object, S: Serializer>(
    object: &O,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match push_outgoing(|| object.to_handle()) {
        Some(index) => serializer.serialize_u32(index),
        None => Err(S::Error::custom(outside(O::KIND))),
    }
}

/// Reads an index, and makes the object of the handle with that index in the message.
pub(crate) fn deserialize<'de, O: Object, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<O, D::Error> {
    let index = u32::deserialize(deserializer)?;
    let text = match take_incoming(index) {
        Ok(handle) => match O::open(&handle) {
            Ok(object) => return Ok(object),
            Err(ErrorCode::WrongKind) => {
                let text = format!(
                    "the message has a {} where a {} is expected",
                    handle.kind(),
                    O::KIND
                );
                note_decode_error(Error::with_text(ErrorKind::WrongKind, text.clone()));
                text
            }
            Err(code) => {
                let error = Error::from(code);
                let text = error.to_string();
                note_decode_error(error);
                text
            }
        },
        Err(Missing::NoMessage) => outside(O::KIND),
        Err(Missing::Handle(index)) => {
            let text = format!("the message has no handle {index} for a {}", O::KIND);
            note_decode_error(Error::with_text(ErrorKind::Decode, text.clone()));
            text
        }
    };
    Err(D::Error::custom(text))
}

fn outside(kind: &str) -> String {
    format!(
        "a {kind} can travel only in a message of isopod: an argument of a process, or a value in a queue or pipe"
    )
}

/// A type that can be [`inherited`]: each kind of host object.
pub trait Inherit: sealed::Inherit {}

impl<H: sealed::Inherit> Inherit for H {}

pub(crate) mod sealed {
    use crate::bindings::types::{ErrorCode, Handle};

    /// Seals [`super::Inherit`], so that no other crate implements it.
    pub trait Inherit: Sized {
        #[doc(hidden)]
        fn from_handle(handle: &RawHandle<'_>) -> Result<Self, RawError>;
    }

    /// Hides the type of the bindings, which is private.
    #[derive(Debug)]
    pub struct RawHandle<'a>(pub(crate) &'a Handle);

    /// As [`RawHandle`].
    #[derive(Debug)]
    pub struct RawError(pub(crate) ErrorCode);
}

/// The object that the embedder gave to this tree of processes under `name`.
///
/// Does not block.
///
/// ```no_run
/// let lines = isopod::inherited::<isopod::Queue<String>>("lines")?;
/// # Ok::<(), isopod::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::WrongKind`] if the object is not of the kind `H`.
pub fn inherited<H: Inherit>(name: &str) -> Result<H, Error> {
    let handle = process::inherited(name).ok_or_else(|| {
        Error::with_text(
            ErrorKind::NotFound,
            format!("nothing is inherited under the name `{name}`"),
        )
    })?;
    H::from_handle(&sealed::RawHandle(&handle)).map_err(|error| error.0.into())
}
