"""Waits, during which the callbacks of pools run.

When a batch of jobs with a callback is done, the host ends a wait early, as if its timeout had passed. Then
the callbacks run here, and the wait goes on with the time that is left.
"""

import time

from componentize_py_types import Err
from isopod.errors import PASSED, TIMED_OUT, exception
from wit_world.imports import pool as host_pool
from wit_world.imports import wait as host_wait

_LONGEST = 2**64 - 1

# The results of jobs with a callback, which have `is_done()` and `complete()`.
_expected = set()
# Whether there ever was one: all other processes only pay for the check of a flag.
is_used = False
_monotonic = time.monotonic


def nanoseconds(timeout):
    """A number of seconds as the host takes it. None means forever; below 0 means no wait."""
    if timeout is None:
        return None
    return min(max(0, int(timeout * 1e9)), _LONGEST)


def expect(result):
    """Makes a wait call `result.complete()` as soon as the result is done."""
    global is_used
    is_used = True
    _expected.add(result)


def forget(result):
    """Undoes `expect`."""
    _expected.discard(result)


def is_expecting():
    """Whether the host may end a wait early, which includes results that were forgotten meanwhile."""
    return is_used


def run_due():
    """Runs the callbacks that are due. Returns whether the host had ended a wait for them."""
    if not is_used or not host_pool.notified():
        return False
    for result in list(_expected):
        if result in _expected and result.is_done():
            _expected.discard(result)
            result.complete()
    return True


def until(call, nanos):
    """Calls `call(nanos)`, which waits that long, and calls it again each time that callbacks ended it.

    Raises the host's own `Err`: the caller decides the meaning of a timeout.
    """
    if nanos == 0 or not is_used:
        return call(nanos)
    deadline = None if nanos is None else _monotonic() + nanos / 1e9
    while True:
        try:
            return call(nanos)
        except Err as error:
            if type(error.value) not in PASSED:
                raise
            passed = error
        # This is outside the handler, or errors of callbacks would be reported as raised in it.
        was_early = run_due()
        if deadline is not None:
            nanos = nanoseconds(deadline - _monotonic())
            # Even with no time left it checks once more, because callbacks may have used up the time.
            if nanos == 0 and not was_early:
                raise passed


def ready(handles, processes, timeout):
    """The positions of the ready objects, handles first; none if the timeout passed."""
    try:
        return until(lambda nanos: host_wait.any(handles, processes, nanos), nanoseconds(timeout))
    except Err as error:
        if type(error.value) is TIMED_OUT:
            return []
        raise exception(error) from None


def pause(timeout):
    """Waits for that long, or until callbacks have run; forever if there is no timeout."""
    try:
        host_wait.any([], [], nanoseconds(timeout))
    except Err:
        pass
    run_due()


def run_thread():
    """Runs a thread that was started and has not begun. Says whether there was one."""
    return False


def is_busy():
    """Whether a wait has other work meanwhile: callbacks, or started threads."""
    return is_used or _threads_wait()


def _threads_wait():
    return False
