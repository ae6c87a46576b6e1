"""Managers without threads: one loop serves all clients of a server.

A call may have to wait, such as `get` of an empty `queue.Queue` that a script has registered. The loop puts
such a call aside, and makes it again after each request of another client, since only such a request could
end the wait.

Lists, namespaces and custom types live in the server's process, as in CPython. A dict lives in the host: see
`isopod.manager_dict`. Blocking objects (locks, queues and the like) would block the loop. So a manager
returns the host's own objects in their place, which need no server.
"""

import sys
import threading
from types import SimpleNamespace

from isopod import manager_dict, threads, transport
from multiprocessing import connection, managers, process, queues, synchronize

_call_by_request = managers.BaseProxy._callmethod


def install():
    """Replaces the parts of `multiprocessing.managers` that need threads."""
    managers.Server.serve_forever = _serve_forever
    managers.Server.handle_request = _handle_request
    managers.Server.accept_connection = _accept_connection
    managers.BaseProxy._callmethod = _callmethod
    manager_dict.install()
    for name, make in _OF_HOST.items():
        setattr(managers.SyncManager, name, make)


class _Kept(BaseException):
    """The connection stays open, for a proxy's calls."""


class _WouldWait(BaseException):
    """The request would wait for the effect of another request."""


class _OneRequest:
    """A connection on which the server's own loop sees one request, and then the end."""

    def __init__(self, client):
        self._client = client
        self._request = None
        self._is_read = False

    def recv(self):
        if self._is_read:
            raise EOFError
        if self._request is None:
            self._request = self._client.recv()
        self._is_read = True
        return self._request

    def send(self, reply):
        if reply[0] == "#ERROR" and isinstance(reply[1], threads.WouldWait):
            raise _WouldWait
        self._client.send(reply)

    def again(self):
        self._is_read = False

    def was_read(self):
        return self._request is not None

    def close(self):
        pass


def _serve_forever(self):
    self.stop_event = threading.Event()
    self._clients = []
    # Requests that would wait, by client.
    self._put_aside = {}
    process.current_process()._manager_server = self
    try:
        while not self.stop_event.is_set():
            for ready in connection.wait([self.listener, *self._clients]):
                if ready is self.listener:
                    self.handle_request(self.listener.accept())
                elif self._put_aside.pop(ready, None) or not _serve(self, ready, _OneRequest(ready)):
                    # A client that waits for a reply sends nothing, so this event means that the client is
                    # gone.
                    self._clients.remove(ready)
                    ready.close()
                _serve_put_aside(self)
    finally:
        sys.exit(0)


def _serve_put_aside(self):
    """Makes the waiting calls again, until all of them would still wait."""
    is_over = False
    while not is_over:
        is_over = True
        for client, request in list(self._put_aside.items()):
            request.again()
            _serve(self, client, request)
            if client not in self._put_aside:
                is_over = False


def _serve(self, client, request):
    """Serves one request of a proxy. Returns whether the client may send another."""
    self._put_aside.pop(client, None)
    try:
        self.serve_client(request)
    except SystemExit:
        # `serve_client` ends so at the end of a connection, which is real or made by `_OneRequest`.
        pass
    except _WouldWait:
        self._put_aside[client] = request
    return request.was_read()


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


def _callmethod(self, methodname, args=(), kwds={}):
    server = getattr(process.current_process(), "_manager_server", None)
    if server is None or server.address != self._token.address:
        return _call_by_request(self, methodname, args, kwds)
    # The caller is the manager's own process, for example a callback of a pool in it. The loop that would
    # serve the request is waiting for it.
    request = _OwnRequest((self._id, methodname, args, kwds))
    try:
        server.serve_client(request)
    except SystemExit:
        pass
    kind, result = request.reply
    if kind == "#RETURN":
        return result
    if kind != "#PROXY":
        raise managers.convert_to_error(kind, result)
    exposed, token = result
    server.id_to_local_proxy_obj[token.id] = server.id_to_obj[token.id]
    server.decref(None, token.id)
    make = server.registry[token.typeid][-1]
    return make(
        token, self._serializer, manager=self._manager, authkey=self._authkey, exposed=exposed,
        manager_owned=True,
    )


class _OwnRequest:
    """One request and its reply without a connection. Both are copied all the same."""

    def __init__(self, request):
        self._requests = [request]

    def recv(self):
        if not self._requests:
            raise EOFError
        return _copied(self._requests.pop())

    def send(self, reply):
        self.reply = _copied(reply)


def _copied(value):
    payload, handles = transport.dumps(value)
    return transport.loads(SimpleNamespace(bytes=payload, handles=handles))


class _Lock(synchronize.Lock):
    """A lock with the errors of `threading.Lock`, like the lock of a manager."""

    def acquire(self, blocking=True, timeout=None):
        return super().acquire(blocking, None if timeout == -1 else timeout)

    def release(self):
        try:
            super().release()
        except ValueError:
            raise RuntimeError("release unlocked lock") from None


class _RLock(synchronize.RLock):
    """As `_Lock`, for a recursive lock."""

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
