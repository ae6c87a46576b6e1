"""Sentinels: the numbers that stand for processes in `connection.wait`."""

import itertools
import weakref

from isopod import waiting

_numbers = itertools.count(1 << 20)
_processes = weakref.WeakValueDictionary()
# No Python object of the parent would keep it alive.
_kept = []


class Sentinel:
    """A process and its own number."""

    def __init__(self, host_process):
        self.host_process = host_process
        self.number = next(_numbers)
        _processes[self.number] = self


def of_parent(host_process):
    """The sentinel of the process that started this one."""
    sentinel = Sentinel(host_process)
    _kept.append(sentinel)
    return sentinel.number


def process(number):
    """The host's process for a sentinel."""
    sentinel = _processes.get(number)
    if sentinel is None:
        raise OSError(f"{number} is no sentinel of a process that can be waited for")
    return sentinel.host_process


def wait(number, timeout):
    """Whether the process has ended; waits for `timeout` at most."""
    return bool(waiting.ready([], [process(number)], timeout))
