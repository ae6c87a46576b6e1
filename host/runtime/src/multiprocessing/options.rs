//! `process.options`: the options of a guest for a new process, within its own rights and limits.

use super::bindings::isopod::multiprocessing::process::HostOptions;
use super::bindings::isopod::multiprocessing::types::ErrorCode;
use super::errors::Failure;
use crate::guest::State;
use crate::limits::{self, ProcessLimits};
use crate::rights::{Beyond, MOST_NAMES, NetworkAddress, Rights};
use isopod_sync::Charge;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::Resource;

/// The longest name of a process, in bytes.
const LONGEST_NAME_BYTES: usize = 255;

/// The options of a guest for a new process.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub struct Options {
    pub(super) name: Option<String>,
    pub(super) is_daemon: Option<bool>,
    /// The guest's own limits, or lower ones.
    pub(super) limits: ProcessLimits,
    /// The guest's own rights, or fewer.
    rights: Arc<Rights>,
    is_read_only: bool,
    pub(super) timeout: Option<Duration>,
    /// The charge for the options, and for the copy of the rights if they have one.
    _charge: Charge,
}

/// The cost of options without a copy of rights, in bytes: the longest name, and limits.
const OPTIONS_BYTES: u64 = 512;

impl Options {
    /// The rights of the new process.
    pub(super) fn rights(&self) -> Arc<Rights> {
        match self.is_read_only {
            true => {
                let mut rights = Rights::clone(&self.rights);
                rights.read_only();
                Arc::new(rights)
            }
            false => Arc::clone(&self.rights),
        }
    }

    fn rights_mut(&mut self) -> &mut Rights {
        Arc::make_mut(&mut self.rights)
    }
}

impl HostOptions for State {
    fn new(&mut self) -> wasmtime::Result<Resource<Options>> {
        let charge = match self.process.tree.objects.hold_host_charge(OPTIONS_BYTES) {
            Ok(charge) => charge,
            Err(over) => return Err(self.end_over_budget(over)),
        };
        let options = Options {
            _charge: charge,
            name: None,
            is_daemon: None,
            limits: self.process.birth.limits,
            rights: Arc::clone(&self.process.birth.rights),
            is_read_only: false,
            timeout: None,
        };
        Ok(self.push(options)?)
    }

    fn set_name(&mut self, options: Resource<Options>, name: String) -> Result<(), Failure> {
        if name.is_empty() || name.len() > LONGEST_NAME_BYTES || name.contains(char::is_control) {
            return Err(ErrorCode::InvalidArgument(format!(
                "a process's name has 1 to {LONGEST_NAME_BYTES} bytes and no control characters; this one has {} bytes",
                name.len()
            ))
            .into());
        }
        self.table.get_mut(&options)?.name = Some(name);
        Ok(())
    }

    fn set_daemon(&mut self, options: Resource<Options>, daemon: bool) -> wasmtime::Result<()> {
        self.table.get_mut(&options)?.is_daemon = Some(daemon);
        Ok(())
    }

    fn set_memory_limit(
        &mut self,
        options: Resource<Options>,
        memory_bytes: u64,
    ) -> Result<(), Failure> {
        self.check_memory_limit(memory_bytes)?;
        self.table.get_mut(&options)?.limits.memory_bytes = memory_bytes;
        Ok(())
    }

    fn set_cpu_time_limit(
        &mut self,
        options: Resource<Options>,
        cpu_time: u64,
    ) -> Result<(), Failure> {
        let wanted = Duration::from_nanos(cpu_time);
        let own = self.process.birth.limits.cpu_time.unwrap_or(Duration::MAX);
        let shown = |time| format!("{time:?}");
        check_not_above("a limit of CPU time", wanted, own, shown)?;
        self.table.get_mut(&options)?.limits.cpu_time = Some(wanted);
        Ok(())
    }

    fn set_handle_limit(&mut self, options: Resource<Options>, count: u32) -> Result<(), Failure> {
        let own = self.process.birth.limits.handles;
        check_not_above("a limit of handles", count, own, |count| count.to_string())?;
        self.table.get_mut(&options)?.limits.handles = count;
        Ok(())
    }

    fn set_message_limit(
        &mut self,
        options: Resource<Options>,
        message_bytes: u64,
    ) -> Result<(), Failure> {
        let own = self.process.birth.limits.message_bytes;
        check_not_above("a message limit", message_bytes, own, limits::bytes)?;
        self.table.get_mut(&options)?.limits.message_bytes = message_bytes;
        Ok(())
    }

    fn set_output_limit(
        &mut self,
        options: Resource<Options>,
        output_bytes: u64,
    ) -> Result<(), Failure> {
        let own = self.process.birth.limits.output_bytes;
        check_not_above("an output limit", output_bytes, own, limits::bytes)?;
        self.table.get_mut(&options)?.limits.output_bytes = output_bytes;
        Ok(())
    }

    fn set_file_operation_limit(
        &mut self,
        options: Resource<Options>,
        count: u32,
    ) -> Result<(), Failure> {
        let own = self.process.birth.limits.file_operations;
        let shown = |count: u32| count.to_string();
        check_not_above("a limit of file operations", count, own, shown)?;
        if count == 0 {
            let text = "a limit of 0 file operations is too small: the smallest is 1";
            return Err(ErrorCode::InvalidArgument(text.to_owned()).into());
        }
        self.table.get_mut(&options)?.limits.file_operations = count;
        Ok(())
    }

    fn set_directories(
        &mut self,
        options: Resource<Options>,
        names: Vec<String>,
    ) -> Result<(), Failure> {
        check_count("directories", names.len())?;
        self.change_rights(&options, |rights, own| rights.keep_directories(&names, own))
    }

    fn set_read_only(&mut self, options: Resource<Options>) -> wasmtime::Result<()> {
        self.table.get_mut(&options)?.is_read_only = true;
        Ok(())
    }

    fn set_environment(
        &mut self,
        options: Resource<Options>,
        names: Vec<String>,
    ) -> Result<(), Failure> {
        check_count("environment variables", names.len())?;
        self.change_rights(&options, |rights, own| rights.keep_variables(&names, own))
    }

    fn set_network(
        &mut self,
        options: Resource<Options>,
        connect: Vec<String>,
        listen: Vec<String>,
    ) -> Result<(), Failure> {
        check_count("network addresses", connect.len().max(listen.len()))?;
        let addresses = |texts: Vec<String>| -> Result<Vec<NetworkAddress>, Failure> {
            let parsed = texts.iter().map(|text| text.parse::<NetworkAddress>());
            parsed
                .collect::<Result<_, _>>()
                .map_err(|error| ErrorCode::InvalidArgument(error.to_string()).into())
        };
        let (connect, listen) = (addresses(connect)?, addresses(listen)?);
        self.change_rights(&options, |rights, own| {
            rights.keep_addresses(&connect, &listen, own)
        })
    }

    fn deny_name_lookup(&mut self, options: Resource<Options>) -> wasmtime::Result<()> {
        self.take_away(&options, |rights| rights.network.name_lookup = false)
    }

    fn deny_special_files(&mut self, options: Resource<Options>) -> wasmtime::Result<()> {
        self.take_away(&options, |rights| rights.special_files = false)
    }

    fn set_timeout(&mut self, options: Resource<Options>, timeout: u64) -> wasmtime::Result<()> {
        self.table.get_mut(&options)?.timeout = Some(Duration::from_nanos(timeout));
        Ok(())
    }

    fn drop(&mut self, options: Resource<Options>) -> wasmtime::Result<()> {
        self.table.delete(options)?;
        Ok(())
    }
}

impl State {
    /// Changes the rights in options, and charges the tree for the copy of them.
    fn change_rights(
        &mut self,
        options: &Resource<Options>,
        change: impl FnOnce(&mut Rights, &Rights) -> Result<(), Beyond>,
    ) -> Result<(), Failure> {
        let options = self.table.get_mut(options)?;
        let own = &self.process.birth.rights;
        let objects = &self.process.tree.objects;
        // A copy is made before anything is removed from it.
        let before = size_bytes(options.rights.size_bytes());
        drop(objects.hold_host_charge(before)?);
        let changed = change(options.rights_mut(), own);
        let after = size_bytes(options.rights.size_bytes());
        options._charge = objects.count_host_bytes(OPTIONS_BYTES.saturating_add(after));
        Ok(changed?)
    }

    /// As [`change_rights`](Self::change_rights), in a call that has no error.
    fn take_away(
        &mut self,
        options: &Resource<Options>,
        take: impl FnOnce(&mut Rights),
    ) -> wasmtime::Result<()> {
        let changed = self.change_rights(options, |rights, _| {
            take(rights);
            Ok(())
        });
        match changed {
            Ok(()) => Ok(()),
            Err(Failure::End(error)) => Err(error),
            Err(Failure::OverBudget(over)) => Err(self.end_over_budget(over)),
            // The options are in the table, since only numbers from the table come through this interface.
            Err(failure) => Err(wasmtime::format_err!("{failure:?}")),
        }
    }

    /// Checks that a child may have this limit.
    pub(super) fn check_memory_limit(&self, memory_bytes: u64) -> Result<(), Failure> {
        let own = self.process.birth.limits.memory_bytes;
        check_not_above("a memory limit", memory_bytes, own, limits::bytes)
    }
}

impl From<Beyond> for Failure {
    fn from(beyond: Beyond) -> Failure {
        ErrorCode::AccessDenied(beyond.to_string()).into()
    }
}

fn size_bytes(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// Checks that one call may pass this many names.
fn check_count(things: &str, count: usize) -> Result<(), Failure> {
    match count > MOST_NAMES {
        true => Err(ErrorCode::InvalidArgument(format!(
            "{count} {things} are too many: {MOST_NAMES} are the most that a call takes"
        ))
        .into()),
        false => Ok(()),
    }
}

/// Checks that a child may have the limit `wanted`, where the process that asks has `own`.
fn check_not_above<T: PartialOrd>(
    what: &str,
    wanted: T,
    own: T,
    shown: impl Fn(T) -> String,
) -> Result<(), Failure> {
    match wanted > own {
        true => Err(ErrorCode::LimitExceeded(format!(
            "{what} of {} is more than the {} of the process that asks",
            shown(wanted),
            shown(own)
        ))
        .into()),
        false => Ok(()),
    }
}
