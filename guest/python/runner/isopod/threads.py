"""Threads, which this Python has only in name: they run when other code waits.

A WebAssembly instance has one thread. `Thread.start` records the thread. It runs, from its beginning to its
end, when the running one waits: in `join`, for a lock or an event, in `sleep`, or at the end of the program.
A wait that nothing can end any more raises RuntimeError instead of waiting forever. All of this code is in
one module, so that it can go when instances get threads.
"""

import _thread
import queue
import threading
import time
from collections import deque

from isopod import waiting

_monotonic = time.monotonic
# Threads that are started and have not begun.
_waiting = deque()


class _Lock:
    """A lock within one thread: a wait for it lets other work run."""

    __slots__ = ("_is_locked", "__weakref__")

    def __init__(self):
        self._is_locked = False

    def acquire(self, blocking=True, timeout=-1):
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if not self._is_locked:
            self._is_locked = True
            return True
        if not blocking:
            return False
        deadline = None if timeout == -1 else _monotonic() + timeout
        while self._is_locked:
            if not wait_a_bit(deadline):
                return False
        self._is_locked = True
        return True

    def release(self):
        if not self._is_locked:
            raise RuntimeError("release unlocked lock")
        self._is_locked = False

    def locked(self):
        return self._is_locked

    def _at_fork_reinit(self):
        self._is_locked = False

    def __enter__(self):
        return self.acquire()

    def __exit__(self, kind, value, traceback):
        self.release()

    acquire_lock, release_lock, locked_lock = acquire, release, locked


class WouldWait(RuntimeError):
    """Nothing could end the wait."""


def wait_a_bit(deadline):
    """Lets at least one other step happen. Returns whether there is time left."""
    if run_thread() or waiting.run_due():
        return True
    left = None if deadline is None else deadline - _monotonic()
    if left is not None and left <= 0:
        return False
    if left is None and not waiting._expected:
        if state.current is not None and state.current.daemon:
            # The thread would wait forever, and nothing waits for it, so it ends here.
            raise SystemExit
        raise WouldWait(
            "this would wait for ever: threads run one after the other here, and none is left "
            "that could end the wait; use processes, which run at the same time"
        )
    waiting.pause(left)
    return True


def run_thread():
    """Runs a thread that is started and has not begun. Returns whether there was one."""
    if not _waiting:
        return False
    thread = _waiting.popleft()
    _run(thread)
    return True


def _run(thread):
    threading._active[thread._ident] = thread
    outer, state.current = state.current, thread
    try:
        thread.run()
    except SystemExit:
        pass
    except BaseException:
        thread._invoke_excepthook(thread)
    finally:
        state.current = outer
        threading._active.pop(thread._ident, None)
        thread._is_over = True


class _State:
    # The running thread; none means the main one.
    current = None
    next_identity = 1 << 16


state = _State()


def _start(self):
    if not self._initialized:
        raise RuntimeError("thread.__init__() not called")
    if self._started.is_set():
        raise RuntimeError("threads can only be started once")
    self._ident = state.next_identity
    state.next_identity += 1
    self._is_over = False
    self._started.set()
    _waiting.append(self)


def _join(self, timeout=None):
    if not self._initialized:
        raise RuntimeError("Thread.__init__() not called")
    if not self._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    if self is threading.current_thread():
        raise RuntimeError("cannot join current thread")
    deadline = None if timeout is None else _monotonic() + max(0, timeout)
    while not getattr(self, "_is_over", True):
        if not wait_a_bit(deadline):
            return


def _is_alive(self):
    if isinstance(self, threading._MainThread):
        return True
    return self._started.is_set() and not getattr(self, "_is_over", False)


def _current_thread():
    return state.current if state.current is not None else threading.main_thread()


def _get_ident():
    return state.current._ident if state.current is not None else _thread_get_ident()


_thread_get_ident = _thread.get_ident
_shutdown_before = threading._shutdown


def _shutdown():
    """At the end of a process, runs the threads that are not daemons."""
    while True:
        # This includes threads that they start. A daemon would keep the process alive for as long as it runs.
        regular = [thread for thread in _waiting if not thread.daemon]
        _waiting.clear()
        if not regular:
            break
        _waiting.extend(regular)
        run_thread()
    _shutdown_before()


def _refuse(function, args=(), kwargs={}):
    raise RuntimeError(
        "can't start new thread: use threading.Thread, which runs when something waits, "
        "or multiprocessing.Process, which runs at the same time"
    )


def install():
    """Replaces the parts of `threading` that need threads."""
    _thread.allocate_lock = _thread.allocate = _thread.lock = _Lock
    threading.Lock = threading._allocate_lock = _Lock
    _thread.start_new_thread = _thread.start_new = threading._start_new_thread = _refuse
    threading.Thread.start = _start
    threading.Thread.join = _join
    threading.Thread.is_alive = _is_alive
    threading.current_thread = threading.currentThread = _current_thread
    threading.get_ident = _thread.get_ident = _get_ident
    threading._shutdown = _shutdown
    queue.SimpleQueue = queue._PySimpleQueue
    waiting.run_thread = run_thread
    waiting._threads_wait = lambda: bool(_waiting)
