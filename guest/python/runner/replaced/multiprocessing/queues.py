"""Queues of the host: one call for a `put`, one for a `get`, and no feeder thread.

So `put` itself raises the error of an object that cannot be pickled, `qsize` and `empty` are exact, and a
process may end at once after a `put`.
"""

import pickle
from queue import Empty, Full

from componentize_py_types import Err
from isopod import direct, transport, waiting
from isopod.errors import EMPTY, FULL, exception
from wit_world.imports import queue as host_queue
from wit_world.imports import types as host_types

__all__ = ["Queue", "SimpleQueue", "JoinableQueue"]

_LARGEST = 2**31 - 1
_loads = pickle.loads


def _create(make, maxsize):
    bound = maxsize if 0 < maxsize < _LARGEST else None
    try:
        return make(bound, None)
    except Err as error:
        raise exception(error) from None


class _End:
    """The substitute for the pipe of a queue, which scripts pass to `connection.wait`."""

    def __init__(self, queue):
        self._of = queue
        self._host_handle = queue._host_handle
        self.fileno = queue._queue.number

    @property
    def closed(self):
        """Whether this process has closed the queue."""
        return self._of._closed

    def poll(self, timeout=0.0):
        """Whether there is an object to get."""
        handle = self._host_handle()
        try:
            return bool(waiting.ready([handle], [], timeout))
        finally:
            transport.drop(handle)


class Queue:
    """A first-in, first-out queue."""

    _make = host_queue.Queue.create

    def __init__(self, maxsize=0, *, ctx=None):
        self._maxsize = maxsize if maxsize > 0 else _LARGEST
        self._set_up(_create(type(self)._make, maxsize))

    def _set_up(self, queue):
        self._queue = queue
        self._number = queue.number()
        self._closed = False
        self._is_used = False

    def __reduce__(self):
        return _rebuild, (type(self), transport.give(self, self._queue), self._maxsize)

    def _check_open(self):
        if self._closed:
            raise ValueError(f"Queue {self!r} is closed")

    def put(self, obj, block=True, timeout=None):
        """Appends an object."""
        if self._closed:
            self._check_open()
        self._is_used = True
        payload, handles = transport.dumps(obj)
        nanos = None if block and timeout is None else waiting.nanoseconds(timeout if block else 0)
        try:
            if waiting.is_used and nanos != 0:
                put = self._queue.put
                waiting.until(lambda nanos: put(payload, handles, nanos), nanos)
            else:
                direct.put(self._number, payload, handles, nanos)
        except Err as error:
            refusal = transport.failed(error, handles)
            if type(error.value) is FULL:
                raise Full from None
            raise refusal from None

    def get(self, block=True, timeout=None):
        """Takes the oldest object."""
        if self._closed:
            self._check_open()
        nanos = None if block and timeout is None else waiting.nanoseconds(timeout if block else 0)
        try:
            if waiting.is_used and nanos != 0:
                message = waiting.until(self._queue.get, nanos)
            else:
                message = direct.get(self._number, nanos)
        except Err as error:
            if type(error.value) is EMPTY:
                raise Empty from None
            raise exception(error) from None
        return transport.loads(message) if message.handles else _loads(message.bytes)

    def put_nowait(self, obj):
        """`put` without waiting."""
        self.put(obj, False)

    def get_nowait(self):
        """`get` without waiting."""
        return self.get(False)

    def qsize(self):
        """The number of objects, exactly."""
        return self._queue.len()

    def empty(self):
        """Whether the queue is empty now."""
        if self._closed and self._is_used:
            raise OSError(f"Queue {self!r} is closed")
        return self._queue.len() == 0

    def full(self):
        """Whether a `put` would have to wait now."""
        return self._queue.is_full()

    def close(self):
        """Closes the queue for this process. Others go on."""
        self._closed = True

    def join_thread(self):
        """Does nothing: the objects are in the queue already."""
        assert self._closed, f"Queue {self!r} not closed"

    def cancel_join_thread(self):
        """Does nothing: there is no thread to join."""

    def _host_handle(self):
        return self._queue.to_handle()

    _reader = _writer = property(_End)


class JoinableQueue(Queue):
    """A queue that counts unfinished tasks."""

    _make = host_queue.Queue.create_joinable

    def task_done(self):
        """Marks one object that `get` returned as done."""
        try:
            self._queue.task_done()
        except Err as error:
            if type(error.value) is host_types.ErrorCode_NotHeld:
                raise ValueError("task_done() called too many times") from None
            raise exception(error) from None

    def join(self):
        """Waits until all objects are done."""
        try:
            waiting.until(self._queue.join, None)
        except Err as error:
            raise exception(error) from None


class SimpleQueue:
    """A queue with fewer methods."""

    def __init__(self, *, ctx=None):
        self._set_up(_create(host_queue.Queue.create, 0))

    def _set_up(self, queue):
        self._queue = queue
        self._number = queue.number()
        self._closed = False

    def __reduce__(self):
        self._check_open()
        return _rebuild_simple, (type(self), transport.give(self, self._queue))

    def _check_open(self):
        if self._closed:
            raise OSError("handle is closed")

    def put(self, obj):
        """Appends an object."""
        if self._closed:
            self._check_open()
        payload, handles = transport.dumps(obj)
        try:
            direct.put(self._number, payload, handles, None)
        except Err as error:
            raise transport.failed(error, handles) from None

    def get(self):
        """Takes the oldest object."""
        if self._closed:
            self._check_open()
        try:
            if waiting.is_used:
                message = waiting.until(self._queue.get, None)
            else:
                message = direct.get(self._number, None)
        except Err as error:
            raise exception(error) from None
        return transport.loads(message) if message.handles else _loads(message.bytes)

    def empty(self):
        """Whether the queue is empty now."""
        self._check_open()
        return self._queue.len() == 0

    def close(self):
        """Closes the queue for this process."""
        self._closed = True

    _host_handle, _reader, _writer = Queue._host_handle, Queue._reader, Queue._writer


def _rebuild(kind, position, maxsize):
    queue = kind.__new__(kind)
    queue._maxsize = maxsize
    queue._set_up(transport.take(host_queue.Queue, position))
    return queue


def _rebuild_simple(kind, position):
    queue = kind.__new__(kind)
    queue._set_up(transport.take(host_queue.Queue, position))
    return queue
