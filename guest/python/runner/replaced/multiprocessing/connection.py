"""Pipes, and rendezvous within one tree of processes.

An address is a capability: it holds the queue through which clients pass their end of a new pipe. A process
that has received the address may connect, and no process can forge it. So there is nothing to authenticate,
but a wrong key is refused all the same.
"""

import errno
import os

from componentize_py_types import Err
from isopod import direct, sentinels, transport, waiting
from isopod.errors import exception
from multiprocessing._authentication import (
    _CHALLENGE, _FAILURE, _WELCOME, MESSAGE_LENGTH, _create_response, _verify_challenge, answer_challenge, deliver_challenge,
)
from multiprocessing._serialised import ConnectionWrapper, _xml_dumps, _xml_loads
from multiprocessing.context import AuthenticationError, BufferTooShort
from wit_world.imports import pipe as host_pipe
from wit_world.imports import queue as host_queue
from wit_world.imports import types as host_types

__all__ = ["Client", "Listener", "Pipe", "wait"]


class _ConnectionBase:
    """The base class of all ends of pipes."""


class Connection(_ConnectionBase):
    """One end of a pipe."""

    def __init__(self, end):
        self._end = end
        self._number = end.number()
        self._readable = end.readable()
        self._writable = end.writable()

    def __reduce__(self):
        self._check_open()
        return _rebuild, (transport.give(self, self._end),)

    def _check_open(self):
        if self._end is None:
            raise OSError("handle is closed")

    def _check_readable(self):
        self._check_open()
        if not self._readable:
            raise OSError("connection is write-only")

    def _check_writable(self):
        self._check_open()
        if not self._writable:
            raise OSError("connection is read-only")

    @property
    def closed(self):
        """Whether this end is closed."""
        return self._end is None

    @property
    def readable(self):
        """Whether this end can receive."""
        return self._readable

    @property
    def writable(self):
        """Whether this end can send."""
        return self._writable

    def fileno(self):
        """A number of this end, unique in its process; it is not a descriptor."""
        self._check_open()
        return self._number

    def close(self):
        """Releases this end. The other end reads the end of file once no process holds this one."""
        end, self._end = self._end, None
        if end is not None:
            transport.drop(end)

    def send(self, obj):
        """Sends an object."""
        if self._end is None or not self._writable:
            self._check_writable()
        self._send(*transport.dumps(obj))

    def send_bytes(self, buf, offset=0, size=None):
        """Sends bytes, as one message."""
        if self._end is None or not self._writable:
            self._check_writable()
        if type(buf) is bytes and offset == 0 and size is None:
            self._send(buf, [])
            return
        view = memoryview(buf).cast("B") if memoryview(buf).nbytes else memoryview(b"")
        if offset < 0:
            raise ValueError("offset is negative")
        if len(view) < offset:
            raise ValueError("buffer length < offset")
        if size is None:
            size = len(view) - offset
        elif size < 0:
            raise ValueError("size is negative")
        elif offset + size > len(view):
            raise ValueError("buffer length < offset + size")
        self._send(bytes(view[offset : offset + size]), [])

    def _send(self, payload, handles):
        try:
            if waiting.is_used:
                waiting.until(lambda nanos: self._end.send(payload, handles, nanos), None)
            else:
                direct.send(self._number, payload, handles, None)
        except Err as error:
            raise transport.failed(error, handles) from None

    def recv(self):
        """Receives an object."""
        return transport.loads(self._recv())

    def recv_bytes(self, maxlength=None):
        """Receives a message as bytes."""
        if maxlength is not None and maxlength < 0:
            self._check_readable()
            raise ValueError("negative maxlength")
        payload = self._recv().bytes
        if maxlength is not None and len(payload) > maxlength:
            # As with a stream, whose next bytes would be the rest of the message.
            self._readable = False
            if not self._writable:
                self.close()
            raise OSError(errno.EMSGSIZE, "bad message length")
        return payload

    def recv_bytes_into(self, buf, offset=0):
        """Receives a message into a buffer. Returns its length."""
        self._check_readable()
        with memoryview(buf) as given, given.cast("B") as view:
            if offset < 0:
                raise ValueError("negative offset")
            if offset > len(view):
                raise ValueError("offset too large")
            payload = self._recv().bytes
            if len(payload) > len(view) - offset:
                raise BufferTooShort(payload)
            view[offset : offset + len(payload)] = payload
            return len(payload)

    def _recv(self):
        if self._end is None or not self._readable:
            self._check_readable()
        try:
            if waiting.is_used:
                return waiting.until(self._end.recv, None)
            return direct.recv(self._number, None)
        except Err as error:
            raise exception(error) from None

    def poll(self, timeout=0.0):
        """Whether there is a message to receive, or the end of file."""
        self._check_readable()
        if timeout is None or (timeout > 0 and waiting.is_busy()):
            return bool(wait([self], timeout))
        try:
            return self._end.poll(waiting.nanoseconds(timeout))
        except Err as error:
            raise exception(error) from None

    def _host_handle(self):
        self._check_readable()
        return self._end.to_handle()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()


def _rebuild(position):
    return Connection(transport.take(host_pipe.Connection, position))


def Pipe(duplex=True):
    """Two connected ends; if not duplex, the first receives and the second sends."""
    try:
        first, second = host_pipe.create(bool(duplex))
    except Err as error:
        raise exception(error) from None
    return Connection(first), Connection(second)


def wait(object_list, timeout=None):
    """The ready ones of the connections, listeners, queues and sentinels."""
    objects = list(object_list)
    handles, with_handle, processes, with_process = [], [], [], []
    for one in objects:
        if isinstance(one, int):
            processes.append(sentinels.process(one))
            with_process.append(one)
        elif hasattr(one, "_host_handle"):
            handles.append(one._host_handle())
            with_handle.append(one)
        else:
            raise TypeError(
                f"{type(one).__name__} objects cannot be waited for: give connections, "
                "listeners or sentinels of processes"
            )
    try:
        ready = waiting.ready(handles, processes, timeout)
    finally:
        # The handles are dropped at once: an end of a pipe is open while anything refers to it.
        for handle in handles:
            transport.drop(handle)
    either = with_handle + with_process
    return [either[position] for position in ready]


class Address:
    """The address of a listener. It travels like any object that processes share."""

    def __init__(self, queue, life, name):
        self._queue = queue
        # The listener has the other end of this pipe, which is closed when its process ends in any way.
        self._life = life
        self._name = name

    def __reduce__(self):
        given = transport.give(self, self._queue), transport.give(self, self._life)
        return _rebuild_address, (*given, self._name)

    def _is_closed(self):
        return self._life.poll(0)

    def _wait_for_reply(self, connection):
        """Waits until the connection has a message to receive. Fails if the listener ends before that."""
        handles = [connection._host_handle(), self._life.to_handle()]
        try:
            ready = waiting.ready(handles, [], None)
        finally:
            for handle in handles:
                transport.drop(handle)
        if 0 not in ready:
            connection.close()
            raise _refused()

    def __eq__(self, other):
        return isinstance(other, Address) and self._name == other._name

    def __hash__(self):
        return hash(self._name)

    def __repr__(self):
        return f"<Address {self._name}>"


def _rebuild_address(queue, life, name):
    queue = transport.take(host_queue.Queue, queue)
    return Address(queue, transport.take(host_pipe.Connection, life), name)


def _refused():
    return ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


def _check_family(address, family):
    if family is None and isinstance(address, str) and address.startswith("\\\\"):
        family = "AF_PIPE"
    if family not in (None, "AF_INET", "AF_UNIX", *families):
        raise ValueError(f"Family {family} is not recognized.")


def _listened_at(address):
    """The address for a new listener, which is new or belonged to a closed listener, and the end of a pipe
    that shows that the listener is alive."""
    name = f"isopod-{os.urandom(8).hex()}"
    match address:
        case None | (_, 0):
            # Any free address, like port 0.
            pass
        case Address():
            if not address._is_closed():
                raise OSError(errno.EADDRINUSE, "Address already in use")
            name = address._name
        case _:
            raise OSError(
                errno.EADDRNOTAVAIL,
                f"the address {address!r} cannot be listened at: a sandbox has no sockets; "
                "without an address the listener makes one, which can be passed to processes",
            )
    try:
        life, lives = host_pipe.create(False)
        return Address(host_queue.Queue.create(None, None), life, name), lives
    except Err as error:
        raise exception(error) from None


class Listener:
    """Accepts connections of other processes of the tree."""

    def __init__(self, address=None, family=None, backlog=1, authkey=None):
        if authkey is not None and not isinstance(authkey, bytes):
            raise TypeError("authkey should be a byte string")
        _check_family(address, family)
        self._address, self._lives = _listened_at(address)
        self._authkey = authkey
        self._is_closed = False
        self._last_accepted = None

    @property
    def address(self):
        """The address for clients."""
        return self._address

    @property
    def last_accepted(self):
        """The address of the last client: none, because clients have no addresses."""
        return self._last_accepted

    def accept(self):
        """Waits for a client, and returns the connection to it."""
        if self._is_closed:
            raise OSError("listener is closed")
        try:
            message = waiting.until(self._address._queue.get, None)
        except Err as error:
            raise exception(error) from None
        connection = transport.loads(message)
        if self._authkey is not None:
            deliver_challenge(connection, self._authkey)
            answer_challenge(connection, self._authkey)
        return connection

    def close(self):
        """Accepts no more."""
        if not self._is_closed:
            self._is_closed = True
            self._address._queue.close()
            transport.drop(self._lives)

    def _host_handle(self):
        return self._address._queue.to_handle()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()


def Client(address, family=None, authkey=None):
    """Connects to a listener."""
    if authkey is not None and not isinstance(authkey, bytes):
        raise TypeError("authkey should be a byte string")
    if address is None:
        raise ValueError("address type of None unrecognized")
    if not isinstance(address, Address):
        raise OSError(
            errno.EADDRNOTAVAIL,
            f"the address {address!r} cannot be reached: a sandbox has no sockets; "
            "use the `address` of a Listener of this program",
        )
    if address._is_closed():
        raise _refused()
    ours, theirs = Pipe()
    try:
        payload, handles = transport.dumps(theirs)
        address._queue.put(payload, handles, None)
    except Err as error:
        if type(error.value) is host_types.ErrorCode_Closed:
            raise _refused() from None
        raise exception(error) from None
    theirs.close()
    if authkey is not None:
        address._wait_for_reply(ours)
        answer_challenge(ours, authkey)
        deliver_challenge(ours, authkey)
    return ours


# The only kind of address, under the names of CPython's kinds.
families = ["AF_ISOPOD"]
default_family = families[0]


class XmlListener(Listener):
    """The listener of a manager whose serialiser is `xmlrpclib`."""

    def accept(self):
        """Waits for a client, and returns the connection to it."""
        return ConnectionWrapper(super().accept(), _xml_dumps, _xml_loads)


def XmlClient(*arguments, **keywords):
    """Connects to an `XmlListener`."""
    return ConnectionWrapper(Client(*arguments, **keywords), _xml_dumps, _xml_loads)
