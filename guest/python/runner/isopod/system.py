"""The parts of `os` and `time` that the host provides, or whose absence needs an explanation."""

import os
import time

from isopod import waiting

# `refresh` sets these at the start of a process. A host call for each `getpid` would be a waste.
_pid = 0
_parent_pid = 0
_cores = 1

_ABSENT = {
    "fork": "a WebAssembly process cannot be copied: use multiprocessing.Process",
    "forkpty": "a WebAssembly process cannot be copied: use multiprocessing.Process",
    "kill": "there are no signals: use Process.terminate() or Process.kill()",
    "wait": "use Process.join() or multiprocessing.connection.wait()",
    "waitpid": "use Process.join() or multiprocessing.connection.wait()",
    "pipe": "there are no file descriptors to share: use multiprocessing.Pipe()",
    "system": "a sandbox has no other programs: use multiprocessing.Process",
    "popen": "a sandbox has no other programs: use multiprocessing.Process",
    "execv": "a sandbox has no other programs: use multiprocessing.Process",
}

_sleep = time.sleep
_monotonic = time.monotonic


class _BuiltIn:
    """A function in place of a C function. Unpickling finds it by its name, and it does not become a method
    if it is an attribute of a class."""

    __slots__ = ("_name", "_function")

    def __init__(self, name, function):
        self._name = name
        self._function = function

    def __call__(self, *arguments, **keywords):
        return self._function(*arguments, **keywords)

    def __getattr__(self, name):
        if name in ("__name__", "__qualname__"):
            return self._name
        raise AttributeError(f"'builtin_function_or_method' object has no attribute '{name}'")

    def __reduce__(self):
        return self._name

    def __repr__(self):
        return f"<built-in function {self._name}>"


def _put(module, name, function):
    kind = type("builtin_function_or_method", (_BuiltIn,), {
        "__slots__": (), "__module__": module.__name__, "__doc__": function.__doc__,
    })
    setattr(module, name, kind(name, function))


def install():
    """Installs them, before any module takes the old ones by `from os import ...`."""
    _put(os, "getpid", lambda: _pid)
    _put(os, "getppid", lambda: _parent_pid)
    _put(os, "cpu_count", lambda: _cores)
    _put(os, "process_cpu_count", lambda: _cores)
    _put(os, "sched_getaffinity", lambda pid, /: set(range(_cores)))
    _put(os, "_exit", _exit)
    _put(time, "sleep", sleep)
    # The attribute stays absent, so that `hasattr(os, "fork")` is right, but the error gives the reason.
    os.__getattr__ = _absent


def refresh(pid, parent_pid, cores):
    """Reads from the host the ids of the starting process."""
    global _pid, _parent_pid, _cores
    _pid, _parent_pid, _cores = pid, parent_pid, cores


def sleep(seconds, /):
    """`time.sleep`, during which callbacks and started threads run."""
    if not waiting.is_busy():
        return _sleep(seconds)
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    deadline = _monotonic() + seconds
    while True:
        left = deadline - _monotonic()
        if left <= 0:
            return None
        if not waiting.run_thread():
            waiting.pause(left)


def _exit(status, /):
    from wit_world.imports import process as host_process

    host_process.exit(status & 0xFF)


def _absent(name):
    reason = f": {_ABSENT[name]}" if name in _ABSENT else ""
    raise AttributeError(f"module 'os' has no attribute '{name}'{reason}")
