"""The child of a `Process` object, as the standard library's `process` module wants it."""

import re

from componentize_py_types import Err
from isopod import main_module, sentinels, transport, waiting
from isopod.errors import TIMED_OUT, exception
from multiprocessing import context, spawn, util
from wit_world.imports import process as host_process
from wit_world.imports import types as host_types

# What `Process.exitcode` is for each way to end: a number of a signal where Python has one.
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
    """What a child needs before it can read what it is to run."""
    data = spawn.get_preparation_data(name)
    if data["dir"] == "/":
        # Where nothing is granted: it cannot be entered, and is where a process begins.
        del data["dir"]
    main_module.add_to(data)
    return data


class Popen:
    """Starts the child. All start methods are this one: a new instance of the interpreter."""

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
        """Descriptors do not travel; there is none that a child could use."""
        return fd

    def poll(self, flag=0):
        """The exit code, or none while it runs."""
        return self.wait(0)

    def wait(self, timeout=None):
        """The exit code, or none if the time passed."""
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
        """Ends it, whatever it does."""
        if self.returncode is None:
            self._process.terminate()

    def kill(self):
        """As `terminate`, with another exit code."""
        if self.returncode is None:
            self._process.kill()

    # There are no signals: what would be KeyboardInterrupt in the child is its end.
    interrupt = terminate

    def close(self):
        """Forgets the child."""
        self._sentinel = None
