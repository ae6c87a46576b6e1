"""Managers without threads: one loop serves all clients of a server.

Lists, namespaces and custom types live in the server's process, as in CPython. A dict is the host's:
see `isopod.manager_dict`. What blocks (locks, queues and the like) would block the loop; so a manager
gives the host's own objects for it, which need no server.
"""

import sys
import threading
from isopod import manager_dict
from multiprocessing import connection, managers, process, queues, synchronize


def install():
    """Replaces what of `multiprocessing.managers` needs threads."""
    managers.Server.serve_forever = _serve_forever
    managers.Server.handle_request = _handle_request
    managers.Server.accept_connection = _accept_connection
    manager_dict.install()
    for name, make in _OF_HOST.items():
        setattr(managers.SyncManager, name, make)


class _Kept(BaseException):
    """The connection stays open, for a proxy's calls."""


class _OneRequest:
    """A connection of which the server's own loop sees one request, and then the end."""

    def __init__(self, client):
        self._client = client
        self.was_served = False
        self.send = client.send

    def recv(self):
        if self.was_served:
            raise EOFError
        request = self._client.recv()
        self.was_served = True
        return request

    def close(self):
        pass


def _serve_forever(self):
    self.stop_event = threading.Event()
    self._clients = []
    process.current_process()._manager_server = self
    try:
        while not self.stop_event.is_set():
            for ready in connection.wait([self.listener, *self._clients]):
                if ready is self.listener:
                    self.handle_request(self.listener.accept())
                elif not _serve_request(self, ready):
                    self._clients.remove(ready)
                    ready.close()
    finally:
        sys.exit(0)


def _serve_request(self, client):
    """Serves one request of a proxy. Says whether the client may ask again."""
    request = _OneRequest(client)
    try:
        self.serve_client(request)
    except SystemExit:
        # How `serve_client` ends at the end of a connection, real or made by `_OneRequest`.
        pass
    return request.was_served


def _handle_request(self, conn):
    try:
        self._handle_request(conn)
    except _Kept:
        self._clients.append(conn)
        return
    except SystemExit:
        pass
    conn.close()


def _accept_connection(self, c, name):
    c.send(("#RETURN", None))
    raise _Kept


class _Lock(synchronize.Lock):
    """A lock with the errors of `threading.Lock`, as a manager's has."""

    def acquire(self, blocking=True, timeout=None):
        return super().acquire(blocking, None if timeout == -1 else timeout)

    def release(self):
        try:
            super().release()
        except ValueError:
            raise RuntimeError("release unlocked lock") from None


class _RLock(synchronize.RLock):
    """As `_Lock`."""

    def acquire(self, blocking=True, timeout=None):
        return super().acquire(blocking, None if timeout == -1 else timeout)

    def release(self):
        try:
            super().release()
        except AssertionError:
            raise RuntimeError("cannot release un-acquired lock") from None


class _Queue(queues.JoinableQueue):
    """A queue with all methods of `queue.Queue`."""


def _dict(self, *args, **kwds):
    assert self._state.value == managers.State.STARTED, "server not yet started"
    return manager_dict.DictProxy(*args, **kwds)


_OF_HOST = {
    "dict": _dict,
    "Queue": lambda self, maxsize=0: _Queue(maxsize),
    "JoinableQueue": lambda self, maxsize=0: _Queue(maxsize),
    "Lock": lambda self: _Lock(),
    "RLock": lambda self: _RLock(),
    "Semaphore": lambda self, value=1: synchronize.Semaphore(value),
    "BoundedSemaphore": lambda self, value=1: synchronize.BoundedSemaphore(value),
    "Condition": lambda self, lock=None: synchronize.Condition(lock),
    "Event": lambda self: synchronize.Event(),
    "Barrier": lambda self, parties, action=None, timeout=None: synchronize.Barrier(
        parties, action, timeout
    ),
}
