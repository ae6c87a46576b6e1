"""Locks and similar objects, which live in the host: each operation is one call.

They are robust: when a process ends in any way, the host releases the objects that it holds. `abandoned`
tells whether the last owner ended without releasing: the guarded data may be inconsistent.
"""

import errno
from threading import BrokenBarrierError

from componentize_py_types import Err
from isopod import direct, threads, transport, waiting
from isopod.errors import TIMED_OUT, exception
from multiprocessing import process
from wit_world.imports import sync as host_sync
from wit_world.imports import types as host_types

__all__ = [
    "Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier",
]

SEM_VALUE_MAX = 2**31 - 1

_threads = threads.state


def _call(operation, *arguments):
    try:
        return operation(*arguments)
    except Err as error:
        raise exception(error) from None


class _Shared:
    """An object of the host, in the attribute `_object`, with the methods by which it travels."""

    # The host's class of the object.
    _kind = None

    def _set_object(self, host_object):
        self._object = host_object
        # A class without operations by number has no number.
        number = getattr(host_object, "number", None)
        self._number = number and number()

    def __reduce__(self):
        return _rebuild, (type(self), transport.give(self, self._object), self._state())

    def _state(self):
        """The state that travels beside the object."""
        return {}

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, kind, value, traceback):
        self.release()


def _rebuild(kind, position, state):
    one = kind.__new__(kind)
    one._set_object(transport.take(kind._kind, position))
    one._held = 0
    one.abandoned = False
    vars(one).update(state)
    return one


class _Acquirable(_Shared):
    """An object that can be acquired and released."""

    _held = 0
    # The thread that acquired it last; none means the main one.
    _thread = None
    abandoned = False
    # The host's operation by number.
    _acquire = None

    def acquire(self, block=True, timeout=None):
        """Waits for the object. Returns whether it was acquired before the timeout."""
        nanos = None if block and timeout is None else waiting.nanoseconds(timeout if block else 0)
        if waiting.is_used and nanos != 0:
            return self._acquire_long(nanos)
        reply = self._acquire(self._number, nanos)
        if reply > direct.ABANDONED:
            # For an outcome other than a timeout, the method raises the reason.
            return False if reply == direct.TIMED_OUT else self._acquire_long(0)
        self._held += 1
        self._thread = _threads.current
        self.abandoned = reply == direct.ABANDONED
        return True

    def _acquire_long(self, nanos):
        """`acquire` during which callbacks run."""
        try:
            how = waiting.until(self._object.acquire, nanos)
        except Err as error:
            if type(error.value) is TIMED_OUT:
                return False
            raise exception(error) from None
        self._held += 1
        self._thread = _threads.current
        self.abandoned = how is host_sync.Acquired.ABANDONED
        return True

    def _owner(self):
        if self._held > 0:
            if self._thread is not _threads.current:
                return "SomeOtherThread"
            name = process.current_process().name
            return name if self._thread is None else f"{name}|{self._thread.name}"
        return "SomeOtherProcess" if self.locked() else "None"


class Lock(_Acquirable):
    """A lock. Any process may release it.

    It is a semaphore of the host with one permit, not a lock, because a script may use it as a signal: one
    process acquires it and comes to its normal end, and another releases it. If a process is killed, traps or
    reaches a limit, the host releases its permits. The host would release a lock after any end.
    """

    _kind = host_sync.Semaphore
    _acquire = staticmethod(direct.acquire_semaphore)

    def __init__(self, *, ctx=None):
        self._set_object(_call(host_sync.Semaphore.create, 1, 1))

    def release(self):
        """Releases the lock."""
        if direct.release_semaphore(self._number, 1) != direct.DONE:
            _call(self._object.release, 1)
        self._held = 0

    def locked(self):
        """Whether any process holds the lock now."""
        return self._object.value() == 0

    def __repr__(self):
        return f"<{type(self).__name__}(owner={self._owner()})>"


class RLock(_Acquirable):
    """A lock that its owner may acquire again."""

    _kind = host_sync.Rlock
    _acquire = staticmethod(direct.acquire_rlock)

    def __init__(self, *, ctx=None):
        self._set_object(_call(host_sync.Rlock.create))

    def release(self):
        """Releases the lock once."""
        try:
            if direct.release_rlock(self._number) != direct.DONE:
                self._object.release()
        except Err as error:
            if type(error.value) is host_types.ErrorCode_NotOwner:
                raise AssertionError(
                    "attempt to release recursive lock not owned by thread"
                ) from None
            raise exception(error) from None
        self._held -= 1

    def locked(self):
        """Whether any process holds the lock now."""
        return self._object.is_locked()

    def __repr__(self):
        owner = self._owner()
        others = {"None": 0, "SomeOtherProcess": "nonzero", "SomeOtherThread": "nonzero"}
        count = others.get(owner, self._held)
        return f"<{type(self).__name__}({owner}, {count})>"


class Semaphore(_Acquirable):
    """A number of permits."""

    _kind = host_sync.Semaphore
    _acquire = staticmethod(direct.acquire_semaphore)

    def __init__(self, value=1, *, ctx=None):
        self._create(value, None)

    def _create(self, value, bound):
        if not 0 <= value <= SEM_VALUE_MAX:
            raise OSError(errno.EINVAL, "Invalid argument")
        self._set_object(_call(host_sync.Semaphore.create, value, bound))

    def release(self):
        """Adds a permit."""
        if direct.release_semaphore(self._number, 1) != direct.DONE:
            _call(self._object.release, 1)

    def get_value(self):
        """The number of free permits."""
        return self._object.value()

    def locked(self):
        """Whether there is no free permit now."""
        return self.get_value() == 0

    def __repr__(self):
        return f"<{type(self).__name__}(value={self.get_value()})>"


class BoundedSemaphore(Semaphore):
    """A semaphore that never has more than its initial number of permits."""

    def __init__(self, value=1, *, ctx=None):
        self._create(value, value)
        self._maxvalue = value

    def _state(self):
        return {"_maxvalue": self._maxvalue}

    def __repr__(self):
        return f"<{type(self).__name__}(value={self.get_value()}, maxvalue={self._maxvalue})>"


class Condition(_Shared):
    """A wait, under a lock, until other processes have made a predicate true."""

    _kind = host_sync.Condition

    def __init__(self, lock=None, *, ctx=None):
        self._lock = RLock() if lock is None else lock
        self.abandoned = False
        match self._lock:
            case RLock():
                self._object = _call(host_sync.Condition.create_on_rlock, self._lock._object)
            case Lock():
                # The host's condition has a lock of its own, which is held while the other lock is released
                # or acquired.
                self._object = _call(host_sync.Condition.create)
            case _:
                raise TypeError(
                    f"a condition needs a Lock or RLock of multiprocessing, not {lock!r}"
                )

    def _state(self):
        return {"_lock": self._lock}

    def acquire(self, block=True, timeout=None):
        """Acquires the condition's lock."""
        return self._lock.acquire(block, timeout)

    def release(self):
        """Releases the condition's lock."""
        self._lock.release()

    def wait(self, timeout=None):
        """Waits for a notification. Returns whether one came before the timeout."""
        nanos = waiting.nanoseconds(timeout)
        if isinstance(self._lock, Lock):
            if not self._lock.locked():
                raise AssertionError("must acquire() condition before using wait()")
            _call(self._object.acquire, None)
            self._lock.release()
            try:
                was_notified, _ = self._object.wait(nanos)
            finally:
                self._object.release()
                self._lock.acquire()
            return waiting.run_due() or was_notified
        try:
            was_notified, _ = self._object.wait(nanos)
        except Err as error:
            if type(error.value) is host_types.ErrorCode_NotOwner:
                raise AssertionError("must acquire() condition before using wait()") from None
            raise exception(error) from None
        # The wait ended early for callbacks. That counts as a notification, which a caller must expect
        # anyway.
        return waiting.run_due() or was_notified

    def wait_for(self, predicate, timeout=None):
        """Waits until the predicate is true. Returns its last value."""
        deadline = None if timeout is None else waiting._monotonic() + timeout
        result = predicate()
        while not result:
            left = None if deadline is None else deadline - waiting._monotonic()
            if left is not None and left <= 0:
                break
            self.wait(left)
            result = predicate()
        return result

    def notify(self, n=1):
        """Notifies up to `n` waiters."""
        self._notify(lambda: self._object.notify(n))

    def notify_all(self):
        """Notifies all waiters."""
        self._notify(self._object.notify_all)

    def _notify(self, call):
        if not isinstance(self._lock, Lock):
            _call(call)
            return
        if not self._lock.locked():
            raise AssertionError("lock is not owned")
        _call(self._object.acquire, None)
        try:
            _call(call)
        finally:
            self._object.release()

    @property
    def _sleeping_count(self):
        # CPython's own tests use this attribute, and expect that it may be absent.
        raise NotImplementedError("the host does not tell how many wait")

    def __repr__(self):
        return f"<Condition({self._lock!r}, unknown)>"


class Event(_Shared):
    """A flag that processes wait for."""

    _kind = host_sync.Event

    def __init__(self, *, ctx=None):
        self._set_object(_call(host_sync.Event.create))

    def is_set(self):
        """Whether the event is set."""
        return direct.is_event_set(self._number) == direct.DONE

    def set(self):
        """Sets the event, and wakes all waiters."""
        direct.set_event(self._number)

    def clear(self):
        """Clears the event."""
        direct.clear_event(self._number)

    def wait(self, timeout=None):
        """Waits until the event is set. Returns whether it is."""
        if not waiting.is_used:
            return direct.wait_event(self._number, waiting.nanoseconds(timeout)) == direct.DONE
        try:
            waiting.until(self._object.wait, waiting.nanoseconds(timeout))
        except Err as error:
            if type(error.value) is TIMED_OUT:
                return False
            raise exception(error) from None
        return True

    def _host_handle(self):
        return self._object.to_handle()

    def __repr__(self):
        status = "set" if self.is_set() else "unset"
        return f"<{type(self).__qualname__} at {id(self):#x} {status}>"


class Barrier(_Shared):
    """A point that a number of processes pass together."""

    _kind = host_sync.Barrier

    def __init__(self, parties, action=None, timeout=None, *, ctx=None):
        self._object = _call(host_sync.Barrier.create, parties)
        self._action = action
        self._timeout = timeout

    def _state(self):
        return {"_action": self._action, "_timeout": self._timeout}

    def wait(self, timeout=None):
        """Waits for all parties. Returns a number of this party, unique and counted from 0."""
        nanos = waiting.nanoseconds(self._timeout if timeout is None else timeout)
        try:
            arrival = self._object.wait(nanos)
            waiting.run_due()
            if isinstance(arrival, host_sync.Arrival_Last):
                try:
                    if self._action is not None:
                        self._action()
                except BaseException:
                    self._object.abort()
                    raise
                self._object.pass_()
        except Err as error:
            if type(error.value) is host_types.ErrorCode_BrokenBarrier:
                raise BrokenBarrierError from None
            raise exception(error) from None
        return arrival.value

    def abort(self):
        """Breaks the barrier, until it is reset."""
        self._object.abort()

    def reset(self):
        """Makes the barrier usable again; waiters get BrokenBarrierError."""
        self._object.reset()

    @property
    def parties(self):
        """The number of parties."""
        return self._object.parties()

    @property
    def n_waiting(self):
        """The number of parties that wait now."""
        return self._object.waiting()

    @property
    def broken(self):
        """Whether the barrier is broken."""
        return self._object.is_broken()
