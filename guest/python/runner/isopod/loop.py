"""Event loops of asyncio without sockets: they only wait for time to pass.

CPython's loop has a pair of sockets, through which other threads wake it. Here there are no other threads.
"""

import selectors
import time
from asyncio import selector_events

from isopod import waiting


class _TimeOnly(selectors._BaseSelectorImpl):
    """A selector in which no registered object is ever ready."""

    def select(self, timeout=None):
        if timeout is None:
            if not waiting.is_expecting():
                raise RuntimeError("the event loop would wait for ever: nothing can wake it")
            waiting.pause(None)
        elif timeout > 0:
            time.sleep(timeout)
        return []


def install():
    """Makes this the selector of all loops."""
    selectors.DefaultSelector = _TimeOnly
    base = selector_events.BaseSelectorEventLoop
    base._make_self_pipe = lambda self: None
    base._close_self_pipe = lambda self: None
    base._write_to_self = lambda self: None
