"""The child of a `Process` object, with the interface that the standard library's `process` module
expects."""

import re

from componentize_py_types import Err
from isopod import main_module, sentinels, transport, waiting
from isopod.errors import TIMED_OUT, exception
from multiprocessing import context, spawn, util
from wit_world.imports import process as host_process
from wit_world.imports import types as host_types

# `Process.exitcode` for each way to end: the number of a signal, if Python has one.
_CODES = {
    host_types.ExitStatus_Failed: 1,
    host_types.ExitStatus_Terminated: -15,
    host_types.ExitStatus_Trapped: -6,
    host_types.ExitStatus_Deadline: -14,
    host_types.ExitStatus_CpuTimeLimit: -24,
}
_LONGEST_NAME = 255


def exit_code(status):
    """The exit code of a process that ended in this way."""
    if isinstance(status, host_types.ExitStatus_Exited):
        return status.value
    return _CODES.get(type(status), -9)


def preparation(name):
    """The data that a child needs before it can read its task."""
    data = spawn.get_preparation_data(name)
    if data["dir"] == "/":
        # Nothing is granted here, so a child cannot enter it, and a process begins here anyway.
        del data["dir"]
    main_module.add_to(data)
    return data


class Popen:
    """Starts the child. All start methods do the same: they start a new instance of the interpreter."""

    method = "spawn"

    def __init__(self, process_obj):
        util._flush_std_streams()
        data = preparation(process_obj._name)
        context.set_spawning_popen(self)
        try:
            bytes, handles = transport.dumps(data, process_obj)
        finally:
            context.set_spawning_popen(None)
        options = host_process.Options()
        options.set_daemon(process_obj.daemon)
        name = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", process_obj._name)
        name = name.encode("utf-8", "replace")[:_LONGEST_NAME].decode("utf-8", "ignore")
        if name:
            options.set_name(name)
        label = getattr(process_obj._target, "__qualname__", type(process_obj).__name__)
        try:
            self._process = host_process.Process.spawn(str(label), bytes, handles, options)
        except Err as error:
            raise exception(error) from None
        self._sentinel = sentinels.Sentinel(self._process)
        self.sentinel = self._sentinel.number
        self.pid = self._process.id()
        self.returncode = None

    def duplicate_for_child(self, fd):
        """Descriptors do not travel: a child could not use any."""
        return fd

    def poll(self, flag=0):
        """The exit code, or none while the child runs."""
        return self.wait(0)

    def wait(self, timeout=None):
        """The exit code, or none if the timeout passed."""
        if self.returncode is None:
            try:
                status = waiting.until(self._process.join, waiting.nanoseconds(timeout))
            except Err as error:
                if type(error.value) is TIMED_OUT:
                    return None
                raise exception(error) from None
            self.returncode = exit_code(status)
        return self.returncode

    def terminate(self):
        """Ends the child in any state."""
        if self.returncode is None:
            self._process.terminate()

    def kill(self):
        """As `terminate`, with another exit code."""
        if self.returncode is None:
            self._process.kill()

    # There are no signals, so the child ends in place of a KeyboardInterrupt.
    interrupt = terminate

    def close(self):
        """Forgets the child."""
        self._sentinel = None
