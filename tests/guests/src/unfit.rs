//! Values that cannot travel, or arrive as another type.

use crate::Outcome;
use isopod::{ErrorKind, Process, Queue};
use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};

/// It cannot be encoded as a message, just as a lambda or a local class cannot be pickled in Python.
#[derive(Debug, Deserialize)]
pub struct Unfit;

impl Serialize for Unfit {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("it is bound to its process"))
    }
}

/// A call with such a value returns an error, and has no other effect.
pub fn unfit() -> Outcome {
    let refused = |error: isopod::Error| {
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert!(error.to_string().contains("Unfit"), "{error}");
    };
    let queue = Queue::<Option<Unfit>>::bounded(1)?;
    refused(queue.put(&Some(Unfit)).expect_err("it is unfit"));
    assert!(queue.is_empty(), "no part of it is there");
    queue.put(&None)?;
    assert!(queue.get()?.is_none(), "its place was not taken");

    let (ours, theirs) = isopod::pipe::<Option<Unfit>, Option<Unfit>>()?;
    refused(ours.send(&Some(Unfit)).expect_err("it is unfit"));
    ours.send(&None)?;
    assert!(theirs.recv()?.is_none());

    refused(Process::spawn(|_: Unfit| (), (Unfit,)).expect_err("it is unfit"));
    assert!(isopod::active_children().is_empty(), "none was started");

    let child = Process::spawn(|| Ok::<_, isopod::Error>(Unfit), ())?;
    let error = child.join().expect_err("its value is unfit");
    assert_eq!(error.kind(), ErrorKind::ProcessFailed);
    println!("{error}");

    // A value of another type is an error where it is taken; the message behind it is untouched.
    let given = isopod::inherited::<Queue<Vec<String>>>("given")?;
    let error = given.get().expect_err("these bytes are no strings");
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(given.get()?, Vec::<String>::new());
    Ok(())
}
