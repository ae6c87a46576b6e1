//! The steps of a random sequence.

/// Its bytes, and whether it also holds the lock.
pub(super) type Value = (Vec<u8>, bool);

#[derive(Clone, Debug)]
pub(super) enum DictStep {
    Set(u8, Value),
    SetDefault(u8, Value),
    /// With the right version or not.
    Exchange(u8, Value, bool),
    Update(Vec<(u8, Value)>),
    Remove(u8),
    PopLast,
    Clear,
}

#[derive(Clone, Debug)]
pub(super) enum ListStep {
    Push(Value),
    Insert(i64, Value),
    Set(i64, Value),
    Exchange(i64, Value, bool),
    SetSlice(Option<i64>, Option<i64>, Vec<Value>),
    Pop(i64),
    Remove(Value),
    Reverse,
    Rotate,
    Clear,
}
