"""What of `os` and `time` is the host's to say, or ought to say why it is not there."""

import os
import time

from isopod import waiting

# Known once a process runs: see `refresh`. A host call for each `getpid` would be waste.
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


def install():
    """Puts them in place, before any module takes the old ones by `from os import ...`."""
    os.getpid = lambda: _pid
    os.getppid = lambda: _parent_pid
    os.cpu_count = lambda: _cores
    os.process_cpu_count = lambda: _cores
    os.sched_getaffinity = lambda pid, /: set(range(_cores))
    os._exit = _exit
    # An attribute that is not there, so that `hasattr(os, "fork")` is right, with its reason.
    os.__getattr__ = _absent
    time.sleep = sleep


def refresh(pid, parent_pid, cores):
    """What the host says of the process that begins."""
    global _pid, _parent_pid, _cores
    _pid, _parent_pid, _cores = pid, parent_pid, cores


def sleep(seconds, /):
    """`time.sleep`, during which callbacks run and threads that were started."""
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
