//! CPython's own tests of processes (`Lib/test/_test_multiprocessing.py`), their semantics re-created under
//! their names. `daemon` and `name` are set before the start, and a process that was not started does not
//! exist, so Python's rules for those have no tests here.

use crate::Outcome;
use isopod::{
    Connection, Error, ErrorKind, Event, ExitStatus, Process, Queue, Sender, active_children,
    current_process, parent_process, wait_any_timeout,
};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::time::Duration;

/// A guard against hanging, not a measure.
const LONG: Duration = Duration::from_secs(60);

/// The body of a process that another one ends.
fn wait_for_ever() -> Outcome {
    Event::new()?.wait()
}

/// `_TestProcess.test_current`.
pub fn current() -> Outcome {
    let current = current_process();
    assert!(current.is_alive());
    assert!(!current.is_daemon());
    assert_eq!(current.exit_status(), None);
    assert_eq!(current.parent_id(), None);
    assert_eq!(current.name(), "MainProcess");
    println!("{current}");
    let child = Process::spawn(|| current_process().to_string(), ())?;
    let own = format!("<Process name='Process-1' parent={} started>", current.id());
    assert_eq!(child.join()?, own);
    Ok(())
}

/// `_TestProcess.test_daemon_argument`: by default like the parent.
pub fn daemon_argument() -> Outcome {
    fn is_daemon() -> bool {
        current_process().is_daemon()
    }
    for (daemon, expected) in [(None, false), (Some(true), true), (Some(false), false)] {
        let builder = Process::builder();
        let builder = match daemon {
            Some(daemon) => builder.daemon(daemon),
            None => builder,
        };
        let child = builder.spawn(is_daemon, ())?;
        assert_eq!(child.is_daemon(), expected);
        assert_eq!(child.join()?, expected);
    }
    Ok(())
}

/// `_TestProcess.test_process`.
pub fn process() -> Outcome {
    let report = Queue::<(u32, String, String, u64)>::new()?;
    let go = Event::new()?;
    let child = Process::builder().daemon(true).spawn(
        |report: Queue<(u32, String, String, u64)>, go: Event, number: u32, text: String| {
            let current = current_process();
            report.put(&(number, text, current.name(), current.id()))?;
            go.wait()
        },
        (report.clone(), go.clone(), 1, "two".to_owned()),
    )?;
    assert!(child.is_alive());
    assert_eq!(child.exit_code(), None);
    assert!(
        active_children()
            .iter()
            .any(|other| other.id() == child.id())
    );
    let expected = (1, "two".to_owned(), child.name(), child.id());
    assert_eq!(report.get()?, expected);
    let (id, parent) = (child.id(), current_process().id());
    let text = format!("<Process name='Process-1' pid={id} parent={parent} started daemon>");
    assert_eq!(child.to_string(), text);
    go.set();
    assert_eq!(child.wait()?, ExitStatus::Exited(0));
    assert_eq!(child.exit_code(), Some(0));
    assert!(!child.is_alive());
    assert!(active_children().is_empty());
    let text =
        format!("<Process name='Process-1' pid={id} parent={parent} stopped exitcode=0 daemon>");
    assert_eq!(format!("{child:?}"), text);
    Ok(())
}

/// `_TestProcess.test_parent_process_attributes`.
pub fn parent_process_attributes() -> Outcome {
    assert!(parent_process().is_none());
    let child = Process::spawn(
        || parent_process().map(|parent| (parent.id(), parent.name(), parent.is_daemon())),
        (),
    )?;
    let current = current_process();
    assert_eq!(child.join()?, Some((current.id(), current.name(), false)));
    Ok(())
}

/// `_TestProcess.test_parent_process`: a grandchild notices the end of its parent.
pub fn parent_process_ends() -> Outcome {
    fn grandchild(reports: Sender<String>) -> Outcome {
        let parent = parent_process().expect("it was started");
        for refused in [parent.terminate(), parent.kill()] {
            let error = refused.expect_err("it is the parent");
            assert_eq!(error.kind(), ErrorKind::NotAChild);
        }
        let error = parent.wait_timeout(Duration::ZERO).expect_err("it lives");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(wait_any_timeout(&[&parent], Duration::ZERO)?.is_empty());
        assert!(!format!("{parent}").contains("parent="), "{parent}");
        let report = |text: &str| reports.send(&format!("{} {text}", parent.name()));
        report(if parent.is_alive() {
            "alive"
        } else {
            "not alive"
        })?;
        let status = parent.wait()?;
        assert_eq!(wait_any_timeout(&[&parent], Duration::ZERO)?, [0]);
        assert_eq!(parent.exit_status(), Some(status));
        // Adopted by main, but main did not start it.
        assert_eq!(
            current_process().parent_id().map(|id| id == parent.id()),
            Some(false)
        );
        report(if parent.is_alive() {
            "alive"
        } else {
            "not alive"
        })
    }
    let (reports, sender) = isopod::one_way_pipe::<String>()?;
    let child = Process::spawn(
        |sender: Sender<String>| -> Outcome {
            Process::spawn(grandchild, (sender,))?;
            wait_for_ever()
        },
        (sender,),
    )?;
    assert_eq!(reports.recv_timeout(LONG)?, "Process-1 alive");
    child.terminate()?;
    assert_eq!(child.wait()?, ExitStatus::Terminated);
    assert_eq!(reports.recv_timeout(LONG)?, "Process-1 not alive");
    Ok(())
}

/// `_TestProcess.test_active_children`.
pub fn list_active_children() -> Outcome {
    assert!(active_children().is_empty());
    let go = Event::new()?;
    let child = Process::builder()
        .daemon(true)
        .spawn(|go: Event| go.wait(), (go.clone(),))?;
    let children = active_children();
    assert_eq!(children.len(), 1);
    assert_eq!(children[0].id(), child.id());
    go.set();
    // The entries of this list can be waited for as well.
    assert_eq!(children[0].wait()?, ExitStatus::Exited(0));
    assert!(active_children().is_empty());
    Ok(())
}

/// `_TestProcess.test_terminate`, `test_kill`.
pub fn end(is_kill: bool) -> Outcome {
    let started = Event::new()?;
    let child = Process::builder().daemon(true).spawn(
        |started: Event| {
            started.set();
            wait_for_ever()
        },
        (started.clone(),),
    )?;
    started.wait()?;
    assert!(child.is_alive());
    assert_eq!(active_children().len(), 1);
    assert_eq!(child.exit_code(), None);
    let error = child.wait_timeout(Duration::ZERO).expect_err("it lives");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(child.is_alive());
    let expected = match is_kill {
        true => {
            child.kill()?;
            -9
        }
        false => {
            child.terminate()?;
            -15
        }
    };
    assert_eq!(child.wait()?.code(), expected);
    assert_eq!(child.exit_code(), Some(expected));
    assert!(!child.is_alive());
    assert!(active_children().is_empty());
    // No effect on a process that has ended.
    child.terminate()?;
    child.kill()?;
    assert_eq!(child.exit_code(), Some(expected));
    println!("{}", child.to_string().contains("exitcode=-SIG"));
    Ok(())
}

/// `_TestProcess.test_recursion`: children of children, each joined before the next.
pub fn recursion() -> Outcome {
    fn descend(path: Vec<u32>, paths: Sender<Vec<u32>>) -> Outcome {
        paths.send(&path)?;
        if path.len() < 2 {
            for branch in 0..2 {
                let mut below = path.clone();
                below.push(branch);
                Process::spawn(descend, (below, paths.clone()))?.join()?;
            }
        }
        Ok(())
    }
    let (paths, sender) = isopod::one_way_pipe()?;
    descend(Vec::new(), sender)?;
    let found = paths.iter().collect::<Result<Vec<_>, _>>()?;
    let expected: [&[u32]; 7] = [&[], &[0], &[0, 0], &[0, 1], &[1], &[1, 0], &[1, 1]];
    assert_eq!(found, expected);
    Ok(())
}

/// `_TestProcess.test_sentinel`: the process itself is the object to wait for.
pub fn sentinel() -> Outcome {
    let go = Event::new()?;
    let child = Process::spawn(|go: Event| go.wait(), (go.clone(),))?;
    assert!(wait_any_timeout(&[&child], Duration::ZERO)?.is_empty());
    go.set();
    assert_eq!(wait_any_timeout(&[&child], LONG)?, [0]);
    assert_eq!(child.wait()?, ExitStatus::Exited(0));
    assert_eq!(wait_any_timeout(&[&child], Duration::ZERO)?, [0]);
    Ok(())
}

/// `_TestProcess.test_close`.
pub fn close() -> Outcome {
    let go = Event::new()?;
    let child = Process::spawn(
        |go: Event| -> Result<u32, Error> {
            go.wait()?;
            Ok(7)
        },
        (go.clone(),),
    )?;
    let error = child.close().expect_err("it runs");
    assert_eq!(error.kind(), ErrorKind::StillRunning);
    println!("{error}");
    go.set();
    child.wait()?;
    assert!(!child.is_alive());
    child.close()?;
    for error in [
        child.wait().map(drop).expect_err("closed"),
        child.wait_timeout(LONG).map(drop).expect_err("closed"),
        child.join_timeout(LONG).map(drop).expect_err("closed"),
        child.terminate().expect_err("closed"),
        child.kill().expect_err("closed"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
    child.close()?;
    assert_eq!(child.name(), "Process-1");
    assert!(child.to_string().contains(" closed "));
    println!("{}", child.join().expect_err("closed"));
    Ok(())
}

/// `_TestProcess.test_many_processes`: many end by themselves, and many are ended.
pub fn many() -> Outcome {
    const COUNT: usize = 100;
    let children = (0..COUNT)
        .map(|_| Process::spawn(|| (), ()))
        .collect::<Result<Vec<_>, _>>()?;
    for child in &children {
        assert_eq!(child.wait_timeout(LONG)?, ExitStatus::Exited(0));
    }
    let children = (0..COUNT)
        .map(|_| Process::spawn(wait_for_ever, ()))
        .collect::<Result<Vec<_>, _>>()?;
    for child in &children {
        child.terminate()?;
    }
    for child in &children {
        assert_eq!(child.wait_timeout(LONG)?.code(), -15);
    }
    assert!(active_children().is_empty());
    Ok(())
}

/// A type of the program's own that runs as a process, as a subclass of `Process` does.
#[derive(Serialize, Deserialize)]
struct UpperCaser {
    connection: Connection<Option<String>>,
}

impl UpperCaser {
    fn run(self) -> Outcome {
        while let Some(text) = self.connection.recv()? {
            self.connection.send(&Some(text.to_uppercase()))?;
        }
        Ok(())
    }
}

/// `_TestSubclassingProcess.test_subclassing`.
pub fn subclassing() -> Outcome {
    let (ours, connection) = isopod::pipe::<Option<String>, Option<String>>()?;
    let child = Process::builder()
        .daemon(true)
        .spawn(UpperCaser::run, (UpperCaser { connection },))?;
    for (text, answer) in [("hello", "HELLO"), ("world", "WORLD")] {
        ours.send(&Some(text.to_owned()))?;
        assert_eq!(ours.recv()?.as_deref(), Some(answer));
    }
    ours.send(&None)?;
    child.join()
}

/// `_TestSubclassingProcess.test_sys_exit`: each way to leave, its code, and that no earlier output is
/// lost.
pub fn sys_exit() -> Outcome {
    for (code, expected) in [(0, 0), (1, 1), (8, 8), (256, 0), (-1, 255), (1000, 232)] {
        let child = Process::spawn(
            |code: i32| {
                print!("leaves with {code}");
                std::process::exit(code)
            },
            (code,),
        )?;
        assert_eq!(child.wait()?, ExitStatus::Exited(expected));
        assert_eq!(child.exit_code(), Some(expected));
        println!();
    }
    let child = Process::spawn(|| Err::<(), _>("ignore this".to_owned()), ())?;
    assert_eq!(child.wait()?.code(), 1);
    // A promised value does not come.
    let child = Process::spawn(|code: i32| -> u32 { std::process::exit(code) }, (0,))?;
    assert_eq!(
        child.join().expect_err("no value").kind(),
        ErrorKind::NotFound
    );
    Ok(())
}

/// `_TestSubclassingProcess.test_stderr_flush`: text that was written before a panic is there after it,
/// with the panic's place.
pub fn stderr_flush() -> Outcome {
    let child = Process::spawn(
        |divisor: u32| {
            print!("unfinished output");
            let _ = write!(std::io::stderr(), "unfinished");
            let numbers = [1];
            println!("{}", numbers[divisor as usize]);
        },
        (7,),
    )?;
    assert_eq!(child.wait()?.code(), 1);
    Ok(())
}
