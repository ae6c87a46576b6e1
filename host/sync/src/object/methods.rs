//! The methods that every typed reference to an object offers, written once.

/// The methods that all types over a `Reference<$object>` in a field `reference` share. `$name` is
/// the noun for the documentation; `$kind` the kind that a handle must have.
macro_rules! object_methods {
    ($type:ident, $object:ty, $kind:expr, $name:literal) => {
        impl $type {
            #[doc = concat!("The ", $name, " behind a handle, held by the same holder; `None` if it is of another kind.")]
            #[must_use]
            pub fn open(handle: &$crate::object::Handle) -> Option<Self> {
                let reference = (handle.kind() == $kind).then(|| handle.open())??;
                Some(Self { reference })
            }

            #[doc = concat!("A handle to this ", $name, ", held by the same holder.")]
            #[must_use]
            pub fn to_handle(&self) -> $crate::object::Handle {
                $crate::object::Handle::new(self.reference.erase())
            }

            #[doc = concat!("Another reference to this ", $name, ", held by `holder`.")]
            #[must_use]
            pub fn hold_as(&self, holder: $crate::object::Holder) -> Self {
                Self {
                    reference: self.reference.hold_as(holder),
                }
            }

            #[doc = concat!("The number of the ", $name, ".")]
            #[must_use]
            pub fn object_id(&self) -> $crate::object::ObjectId {
                use $crate::object::Object as _;
                self.reference.object().base().id()
            }

            #[doc = concat!("Who holds references to the ", $name, " now.")]
            #[must_use]
            pub fn holders(&self) -> $crate::object::Holders {
                use $crate::object::Object as _;
                self.reference.object().base().holders()
            }

            pub(crate) fn object(&self) -> &$object {
                self.reference.object()
            }
        }
    };
}

pub(crate) use object_methods;
