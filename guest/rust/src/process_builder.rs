//! The options of a new process.

#[cfg(doc)]
use crate::ErrorKind;
use crate::bindings::pipe;
use crate::bindings::process::{Options, Process as RawProcess};
use crate::process::Process;
use crate::task::{self, Task, Value};
use crate::time::nanoseconds;
use crate::{Error, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::time::Duration;

/// The options of a new process, beyond its task; see [`Process::builder`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    name: Option<String>,
    daemon: Option<bool>,
    memory_limit: Option<u64>,
    timeout: Option<Duration>,
    cpu_time_limit: Option<Duration>,
    handle_limit: Option<u32>,
    message_limit: Option<u64>,
    output_limit: Option<u64>,
    file_operation_limit: Option<u32>,
    directories: Option<Vec<String>>,
    is_read_only: bool,
    environment: Option<Vec<String>>,
    network: Option<(Vec<String>, Vec<String>)>,
    without_name_lookup: bool,
    without_special_files: bool,
}

impl Builder {
    /// Names the process. Default: `Process-N`. A named process also takes a number. A name never changes,
    /// while Python's can be set later.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.name = Some(name.into());
        self
    }

    /// Makes the process a daemon: it is ended when this one ends, and may not start processes. Default: the
    /// same as this process.
    #[must_use]
    pub fn daemon(mut self, daemon: bool) -> Builder {
        self.daemon = Some(daemon);
        self
    }

    /// Limits the memory of the process, in bytes. Default: the limit of this process.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Builder {
        self.memory_limit = Some(bytes);
        self
    }

    /// Ends the process when this much time has passed since its start. Default: no such limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Builder {
        self.timeout = Some(timeout);
        self
    }

    /// Ends the process when it has used this much CPU time; waiting does not count. Default: the limit of
    /// this process.
    #[must_use]
    pub fn cpu_time_limit(mut self, time: Duration) -> Builder {
        self.cpu_time_limit = Some(time);
        self
    }

    /// Limits the handles that the process holds at a time, including its open files. Default: the limit of
    /// this process.
    #[must_use]
    pub fn handle_limit(mut self, count: u32) -> Builder {
        self.handle_limit = Some(count);
        self
    }

    /// Limits each message that the process sends, in bytes. Default: the limit of this process.
    #[must_use]
    pub fn message_limit(mut self, bytes: u64) -> Builder {
        self.message_limit = Some(bytes);
        self
    }

    /// Ends the process when it writes more than this many bytes to standard output and standard error
    /// together. Default: the limit of this process.
    #[must_use]
    pub fn output_limit(mut self, bytes: u64) -> Builder {
        self.output_limit = Some(bytes);
        self
    }

    /// Limits the outstanding operations on files: those that the process has begun and that have not
    /// returned. Default: the limit of this process.
    #[must_use]
    pub fn file_operation_limit(mut self, count: u32) -> Builder {
        self.file_operation_limit = Some(count);
        self
    }

    /// Lets the process see only these of this process's directories, by their names in this process; none,
    /// if there are no names. Default, here and below: all rights of this process.
    ///
    /// ```no_run
    /// # use isopod::Process;
    /// # #[isopod::main]
    /// # fn main() -> isopod::Result<()> {
    /// let careful = Process::builder().directories(["/data"]).read_only().network([], []);
    /// careful.spawn(|| std::fs::read_to_string("/data/untrusted").is_ok(), ())?.join()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn directories<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Builder {
        self.directories = Some(owned(names));
        self
    }

    /// Lets the process only read its directories, and change nothing in them.
    #[must_use]
    pub fn read_only(mut self) -> Builder {
        self.is_read_only = true;
        self
    }

    /// Lets the process see only these of this process's environment variables.
    #[must_use]
    pub fn environment<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Builder {
        self.environment = Some(owned(names));
        self
    }

    /// Lets the process connect to, and listen at, only these addresses: `192.0.2.7:443`,
    /// `[2001:db8::7]:443`, with `*` for any address or any port. Each must be within an address that this
    /// process has.
    #[must_use]
    pub fn network<'a>(
        mut self,
        connect: impl IntoIterator<Item = &'a str>,
        listen: impl IntoIterator<Item = &'a str>,
    ) -> Builder {
        self.network = Some((owned(connect), owned(listen)));
        self
    }

    /// Denies the process look-ups of host names.
    #[must_use]
    pub fn without_name_lookup(mut self) -> Builder {
        self.without_name_lookup = true;
        self
    }

    /// Denies the process FIFOs and devices.
    #[must_use]
    pub fn without_special_files(mut self) -> Builder {
        self.without_special_files = true;
        self
    }

    /// Starts the process, as [`Process::spawn`] does.
    ///
    /// # Errors
    /// Those of [`Process::spawn`]; [`ErrorKind::InvalidArgument`] for a name that is empty, longer than 255
    /// bytes or holds a control character; [`ErrorKind::LimitExceeded`] for a limit above this process's own;
    /// [`ErrorKind::AccessDenied`] for a right that this process does not have.
    pub fn spawn<F, Args>(self, task: F, arguments: Args) -> Result<Process<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
    {
        let index = task::table_index::<F, Args>(task::process::<F, Args>)?;
        // The type alone determines the task, so the other process can make the value again.
        std::mem::forget(task);
        let options = self.options()?;
        let label = type_name::<F>();
        let (receiver, sender) = if task::has_value::<Value<F, Args>>() {
            let (receiver, sender) = pipe::create(false)?;
            (Some(receiver), Some(sender))
        } else {
            (None, None)
        };
        let raw = message::encode(&index, &arguments, |bytes, handles| match &sender {
            None => RawProcess::spawn(label, bytes, handles, &options),
            Some(sender) => {
                let sender = sender.to_handle();
                let mut handles = handles.to_vec();
                handles.push(&sender);
                RawProcess::spawn(label, bytes, &handles, &options)
            }
        })??;
        Ok(Process::from_raw(raw, receiver))
    }

    fn options(&self) -> Result<Options, Error> {
        let options = Options::new();
        if let Some(name) = &self.name {
            options.set_name(name)?;
        }
        if let Some(daemon) = self.daemon {
            options.set_daemon(daemon);
        }
        if let Some(bytes) = self.memory_limit {
            options.set_memory_limit(bytes)?;
        }
        if let Some(timeout) = self.timeout {
            options.set_timeout(nanoseconds(timeout));
        }
        if let Some(time) = self.cpu_time_limit {
            options.set_cpu_time_limit(nanoseconds(time))?;
        }
        if let Some(count) = self.handle_limit {
            options.set_handle_limit(count)?;
        }
        if let Some(bytes) = self.message_limit {
            options.set_message_limit(bytes)?;
        }
        if let Some(bytes) = self.output_limit {
            options.set_output_limit(bytes)?;
        }
        if let Some(count) = self.file_operation_limit {
            options.set_file_operation_limit(count)?;
        }
        if let Some(names) = &self.directories {
            options.set_directories(names)?;
        }
        if self.is_read_only {
            options.set_read_only();
        }
        if let Some(names) = &self.environment {
            options.set_environment(names)?;
        }
        if let Some((connect, listen)) = &self.network {
            options.set_network(connect, listen)?;
        }
        if self.without_name_lookup {
            options.deny_name_lookup();
        }
        if self.without_special_files {
            options.deny_special_files();
        }
        Ok(options)
    }
}

fn owned<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}
