//! CPython's own tests of connections (`Lib/test/_test_multiprocessing.py`), their semantics
//! re-created under their names, and bytes as messages.

use crate::Outcome;
use isopod::{Bytes, Connection, Error, ErrorKind, Lock, Process, Queue, Receiver};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_millis(82);
/// A guard against hanging, not a measure.
const LONG: Duration = Duration::from_secs(60);
const MESSAGE: &[u8] = b"hello world";
/// The message that ends the echo.
const SENTINEL: &[u8] = b"";

type Sequence = (u32, f64, Option<String>);
type Ours = Connection<Option<Sequence>>;

/// Sends each message back, without decoding it.
fn echo(connection: Ours) -> Outcome {
    loop {
        let message = connection.recv_bytes()?;
        if message == SENTINEL {
            return Ok(());
        }
        connection.send_bytes(&message)?;
    }
}

fn start_echo() -> Result<(Ours, Process), Error> {
    let (ours, theirs) = isopod::pipe()?;
    let child = Process::builder().daemon(true).spawn(echo, (theirs,))?;
    Ok((ours, child))
}

/// `_TestConnection.test_connection`.
pub fn connection() -> Outcome {
    let (ours, child) = start_echo()?;
    let sequence = Some((1, 2.25, None));
    ours.send(&sequence)?;
    assert_eq!(ours.recv()?, sequence);
    ours.send_bytes(MESSAGE)?;
    assert_eq!(ours.recv_bytes()?, MESSAGE);

    let mut buffer = [9; 40];
    ours.send_bytes(&MESSAGE[2..5])?;
    assert_eq!(ours.recv_bytes_into(&mut buffer)?, 3);
    assert_eq!(buffer[..4], *b"llo\x09");
    ours.send_bytes(MESSAGE)?;
    assert_eq!(ours.recv_bytes_into(&mut buffer[29..])?, MESSAGE.len());
    assert_eq!(buffer[29..], *MESSAGE);
    let long_message = MESSAGE.repeat(10);
    ours.send_bytes(&long_message)?;
    let error = ours.recv_bytes_into(&mut buffer).expect_err("too short");
    assert_eq!(error.kind(), ErrorKind::BufferTooShort);
    assert_eq!(error.bytes(), Some(&*long_message));
    println!("{error}");
    // A limit that the message keeps, one that it exceeds, and one more message to show that all is well.
    for _ in 0..3 {
        ours.send_bytes(MESSAGE)?;
    }
    assert_eq!(ours.recv_bytes_max(MESSAGE.len())?, MESSAGE);
    let error = ours.recv_bytes_max(10).expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
    assert_eq!(error.bytes(), Some(MESSAGE));
    println!("{error}");
    assert_eq!(ours.recv_bytes()?, MESSAGE);

    assert!(!ours.poll()?);
    let start = Instant::now();
    assert!(!ours.poll_timeout(TIMEOUT)?);
    assert!(start.elapsed() >= TIMEOUT);
    assert_eq!(
        ours.try_recv_bytes().expect_err("nothing there").kind(),
        ErrorKind::TimedOut
    );
    ours.send(&None)?;
    assert!(ours.poll_timeout(LONG)?);
    assert!(start.elapsed() < LONG);
    assert_eq!(ours.recv()?, None);

    let really_big = vec![b'X'; 16 << 20];
    ours.send_bytes(&really_big)?;
    assert!(ours.recv_bytes()? == really_big);
    ours.send_bytes(SENTINEL)?;
    child.join()?;
    assert!(ours.poll()?, "the end of the file is something to read");
    for error in [
        ours.recv().expect_err("the child has ended"),
        ours.recv_bytes().expect_err("the child has ended"),
    ] {
        assert_eq!(error.kind(), ErrorKind::EndOfFile);
    }
    let error = ours.send_bytes(MESSAGE).expect_err("nobody reads");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    Ok(())
}

/// `_TestConnection.test_spawn_close`: the parent's copy of the child's end is gone before the
/// child runs.
pub fn spawn_close() -> Outcome {
    let (ours, child) = start_echo()?;
    ours.send_bytes(b"hello")?;
    assert_eq!(ours.recv_bytes()?, b"hello");
    ours.send_bytes(SENTINEL)?;
    drop(ours);
    child.join()
}

/// `_TestPoll.test_boundaries`: a poll takes no part of a message.
pub fn boundaries() -> Outcome {
    let (receiver, sender) = isopod::one_way_pipe::<()>()?;
    let child = Process::spawn(
        |receiver: Receiver<()>| receiver.poll_timeout(LONG),
        (receiver.clone(),),
    )?;
    for message in [&b"first"[..], b"second"] {
        sender.send_bytes(message)?;
    }
    drop(sender);
    assert!(child.join()?);
    assert_eq!(receiver.recv_bytes()?, b"first");
    assert_eq!(receiver.recv_bytes_timeout(LONG)?, b"second");
    let error = receiver.recv_bytes().expect_err("that was all");
    assert_eq!(error.kind(), ErrorKind::EndOfFile);
    Ok(())
}

/// `_TestPoll.test_empty_string`, `test_strings`, `test_dont_merge`, and the relation of bytes and values.
pub fn bytes() -> Outcome {
    let (receiver, sender) = isopod::one_way_pipe::<Lock>()?;
    for message in [&b"a"[..], b"", b"bc"] {
        sender.send_bytes(message)?;
    }
    assert!(receiver.poll()?);
    assert_eq!(receiver.recv_bytes()?, b"a");
    assert_eq!(receiver.recv_bytes()?, b"");
    assert_eq!(receiver.recv_bytes()?, b"bc");
    assert!(!receiver.poll()?);
    // A handle does not vanish silently, and the pipe goes on.
    sender.send(&Lock::new()?)?;
    let error = receiver.recv_bytes().expect_err("it has a handle");
    assert_eq!(error.kind(), ErrorKind::Decode);
    println!("{error}");
    sender.send_bytes(b"\x00")?;
    let error = receiver.recv().expect_err("it has no handle");
    assert_eq!(error.kind(), ErrorKind::Decode);

    let queue = Queue::<(Bytes, u8)>::bounded(2)?;
    queue.put(&(Bytes(b"xyz".to_vec()), 1))?;
    queue.put_bytes(b"\x01a\x02")?;
    let error = queue.try_put_bytes(b"").expect_err("two are in");
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(queue.get_bytes()?, b"\x03xyz\x01");
    let (text, number) = queue.get()?;
    assert_eq!((&**text, number), (&b"a"[..], 2));
    let error = queue.try_get_bytes().expect_err("nothing there");
    assert_eq!(error.kind(), ErrorKind::Empty);
    queue.put_bytes_timeout(MESSAGE, TIMEOUT)?;
    assert_eq!(queue.get_bytes_timeout(LONG)?, MESSAGE);
    Ok(())
}
