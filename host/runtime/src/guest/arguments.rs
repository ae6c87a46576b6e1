//! Arguments of calls that are charged to the guest's tree before they are copied, unlike wasmtime's own
//! `Vec` and `String`.
//!
//! A refused argument is empty here. [`State::arrive`](super::State) reports the refusal, so the call
//! fails before anything looks at the argument.

#![allow(
    unsafe_code,
    reason = "wasmtime's traits for arguments are unsafe to implement: what they say of the layout in memory must be right"
)]

use crate::guest::in_flight::{charge_argument, is_refused};
use isopod_sync::Handle;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext};
use wasmtime::component::{ComponentType, Lift, Resource};
use wasmtime::{Result, ValRaw, bail};

/// The most copies of a list's elements that the host may have at once, in one form or another.
const COPIES: usize = 4;

/// The longest beginning that is read of a text about a failure, in the units of its encoding. Even as UTF-16
/// it costs less than a call may pass without a charge.
const LONGEST_BEGINNING: usize = 960 << 10;

/// The handles of a message.
pub(crate) type Handles = List<Resource<Handle>>;

/// `list<u8>`.
pub(crate) struct Bytes(pub(crate) Vec<u8>);

/// `list<T>`.
pub(crate) struct List<T>(pub(crate) Vec<T>);

/// `string`, of which only the beginning is read.
pub(crate) struct Beginning(pub(crate) String);

/// `record { bytes: list<u8>, handles: list<borrow<handle>> }`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Parts {
    pub(crate) bytes: Bytes,
    pub(crate) handles: Handles,
}

/// `variant job-report`.
#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Report {
    #[component(name = "value")]
    Value(Bytes),
    #[component(name = "failed")]
    Failed(Beginning),
}

/// The start and the length of a list or a string in the guest's memory.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    length: usize,
}

impl Place {
    fn of_flat(flat: &[ValRaw; 2]) -> Result<Place> {
        let [start, length] = flat;
        Ok(Place {
            start: usize::try_from(start.get_u32())?,
            length: usize::try_from(length.get_u32())?,
        })
    }

    fn of_memory(bytes: &[u8]) -> Result<Place> {
        let Some((start, length)) = bytes.split_first_chunk() else {
            bail!("a list without a place");
        };
        Ok(Place {
            start: usize::try_from(u32::from_le_bytes(*start))?,
            length: usize::try_from(u32::from_le_bytes(length.try_into()?))?,
        })
    }

    /// The bytes of elements of this size and alignment.
    fn bytes<'a>(self, context: &LiftContext<'a>, size: usize, alignment: u32) -> Result<&'a [u8]> {
        if !self.start.is_multiple_of(usize::try_from(alignment)?) {
            bail!("list pointer is not aligned");
        }
        let end = self.length.checked_mul(size);
        let end = end.and_then(|length| self.start.checked_add(length));
        match end.and_then(|end| context.memory().get(self.start..end)) {
            Some(bytes) => Ok(bytes),
            None => bail!("list pointer/length out of bounds of memory"),
        }
    }
}

/// Charges an argument of this many bytes. False if the argument must not be copied.
fn charge(context: &mut LiftContext<'_>, bytes: usize) -> Result<bool> {
    match charge_argument(u64::try_from(bytes).unwrap_or(u64::MAX)) {
        Some(is_allowed) => Ok(is_allowed),
        // A plugin outside of a call pays with the fuel for host calls.
        None => context.consume_fuel(bytes).map(|()| true),
    }
}

impl Bytes {
    fn lift(context: &mut LiftContext<'_>, place: Place) -> Result<Bytes> {
        let bytes = place.bytes(context, 1, 1)?;
        Ok(Bytes(match charge(context, bytes.len())? {
            true => bytes.to_vec(),
            false => Vec::new(),
        }))
    }
}

impl<T: Lift> List<T> {
    fn lift(context: &mut LiftContext<'_>, ty: InterfaceType, place: Place) -> Result<List<T>> {
        let InterfaceType::List(list) = ty else {
            bail!("a list of another type");
        };
        let element = context.types[list].element;
        let bytes = place.bytes(context, T::SIZE32, T::ALIGN32)?;
        let cost = place.length.saturating_mul(size_of::<T>() * COPIES);
        let mut elements = Vec::new();
        if charge(context, cost)? {
            elements.reserve_exact(place.length);
            for bytes in bytes.chunks_exact(T::SIZE32) {
                elements.push(T::linear_lift_from_memory(context, element, bytes)?);
                if is_refused() {
                    break;
                }
            }
        }
        Ok(List(elements))
    }
}

impl Place {
    /// The beginning of a text. It ends between two characters if the text is UTF-8.
    fn beginning(self, context: &LiftContext<'_>) -> Place {
        const IS_CONTINUED: std::ops::Range<u8> = 0x80..0xC0;
        if self.length <= LONGEST_BEGINNING {
            return self;
        }
        let memory = context.memory();
        let mut length = LONGEST_BEGINNING;
        let is_continued = |length: usize| {
            let byte = self.start.checked_add(length).and_then(|at| memory.get(at));
            byte.is_some_and(|byte| IS_CONTINUED.contains(byte))
        };
        while length > LONGEST_BEGINNING - 4 && is_continued(length) {
            length -= 1;
        }
        Place { length, ..self }
    }

    fn flat(self) -> Result<[ValRaw; 2]> {
        Ok([
            ValRaw::u32(u32::try_from(self.start)?),
            ValRaw::u32(u32::try_from(self.length)?),
        ])
    }
}

// SAFETY: The layout and the check are those of `[u8]`.
unsafe impl ComponentType for Bytes {
    type Lower = <[u8] as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::POINTER_PAIR;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <[u8] as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: A list is lifted from its place; every access to memory is checked.
unsafe impl Lift for Bytes {
    fn linear_lift_from_flat(
        context: &mut LiftContext<'_>,
        _: InterfaceType,
        flat: &Self::Lower,
    ) -> Result<Self> {
        Bytes::lift(context, Place::of_flat(flat)?)
    }

    fn linear_lift_from_memory(
        context: &mut LiftContext<'_>,
        _: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        Bytes::lift(context, Place::of_memory(bytes)?)
    }
}

// SAFETY: The layout and the check are those of `[T]`.
unsafe impl<T: Lift> ComponentType for List<T> {
    type Lower = <[T] as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::POINTER_PAIR;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <[T] as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: As for `Bytes`; each element is lifted from as many bytes as it has.
unsafe impl<T: Lift> Lift for List<T> {
    fn linear_lift_from_flat(
        context: &mut LiftContext<'_>,
        ty: InterfaceType,
        flat: &Self::Lower,
    ) -> Result<Self> {
        List::lift(context, ty, Place::of_flat(flat)?)
    }

    fn linear_lift_from_memory(
        context: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        List::lift(context, ty, Place::of_memory(bytes)?)
    }
}

// SAFETY: The layout and the check are those of `str`.
unsafe impl ComponentType for Beginning {
    type Lower = <str as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::POINTER_PAIR;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <str as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: `String` lifts it, from the beginning of the place.
unsafe impl Lift for Beginning {
    fn linear_lift_from_flat(
        context: &mut LiftContext<'_>,
        ty: InterfaceType,
        flat: &Self::Lower,
    ) -> Result<Self> {
        let beginning = Place::of_flat(flat)?.beginning(context).flat()?;
        String::linear_lift_from_flat(context, ty, &beginning).map(Beginning)
    }

    fn linear_lift_from_memory(
        context: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        let beginning = Place::of_memory(bytes)?.beginning(context).flat()?;
        String::linear_lift_from_flat(context, ty, &beginning).map(Beginning)
    }
}
