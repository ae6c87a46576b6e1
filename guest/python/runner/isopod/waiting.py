"""Waits, during which the callbacks of pools run.

The host ends a wait early, as if its time had passed, when a batch of jobs that has a callback is
done. Then the callbacks run here and the wait goes on with the time that is left.
"""

import time

from componentize_py_types import Err
from isopod.errors import PASSED, TIMED_OUT, exception
from wit_world.imports import pool as host_pool
from wit_world.imports import wait as host_wait

_LONGEST = 2**64 - 1

# What has submitted jobs with a callback: `is_done()` and `complete()`.
_expected = set()
# Whether there ever was one: all others pay for a look at a flag.
is_used = False
_monotonic = time.monotonic


def nanoseconds(timeout):
    """A number of seconds as the host takes it; none is for ever, what is below 0 is no wait."""
    if timeout is None:
        return None
    return min(max(0, int(timeout * 1e9)), _LONGEST)


def expect(result):
    """Has `result.complete()` called, during a wait, as soon as it is done."""
    global is_used
    is_used = True
    _expected.add(result)


def forget(result):
    """Takes back `expect`."""
    _expected.discard(result)


def is_expecting():
    """Whether the host may end a wait early: also for what was forgotten meanwhile."""
    return is_used


def run_due():
    """Runs the callbacks that are due. Says whether the host had ended a wait for them."""
    if not is_used or not host_pool.notified():
        return False
    for result in list(_expected):
        if result in _expected and result.is_done():
            _expected.discard(result)
            result.complete()
    return True


def until(call, nanos):
    """Calls `call(nanos)`, which waits that long, again for each time that callbacks ended it.

    Raises the host's own `Err`: what a passed time means is the caller's to say.
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
        # Outside of the handler, or errors of callbacks would be told as happening in it.
        was_early = run_due()
        if deadline is not None:
            nanos = nanoseconds(deadline - _monotonic())
            # With no time left it looks once more: callbacks may have taken it.
            if nanos == 0 and not was_early:
                raise passed


def ready(handles, processes, timeout):
    """The positions of what is ready, handles first; none if the time passed."""
    try:
        return until(lambda nanos: host_wait.any(handles, processes, nanos), nanoseconds(timeout))
    except Err as error:
        if type(error.value) is TIMED_OUT:
            return []
        raise exception(error) from None


def pause(timeout):
    """Waits for that long, or until callbacks have run; for ever if there is no time-out."""
    try:
        host_wait.any([], [], nanoseconds(timeout))
    except Err:
        pass
    run_due()


def run_thread():
    """Runs a thread that was started and has not begun. Says whether there was one."""
    return False


def is_busy():
    """Whether a wait has anything to do meanwhile: callbacks, or threads that were started."""
    return is_used or _threads_wait()


def _threads_wait():
    return False
