"""Named shared memory of the host. `buf` reads and writes by copying: see `_shared_buffer`."""

import os
import secrets
import struct
from functools import partial

from componentize_py_types import Err
from isopod import transport
from isopod.errors import exception
from multiprocessing._shared_buffer import SharedBuffer
from wit_world.imports import memory as host_memory

__all__ = ["SharedMemory", "ShareableList"]


# Flags that CPython's own code checks: names are as on Linux.
_USE_POSIX = True
_SHM_NAME_PREFIX = "/psm_"


def _make_filename():
    return f"{_SHM_NAME_PREFIX}{secrets.token_hex(4)}"


# The blocks that this process has made and not unlinked, and which therefore outlive `close`.
_made = {}


class SharedMemory:
    """A block of memory that the processes of one tree can find by its name."""

    _memory = None
    _flags = os.O_RDWR

    def __init__(self, name=None, create=False, size=0, *, track=True):
        if size < 0:
            raise ValueError("'size' must be a positive integer")
        if create and size == 0:
            raise ValueError("'size' must be a positive number different from zero")
        if not create and name is None:
            raise ValueError("'name' can only be None if create=True")
        if name is None:
            self._make_unnamed(size)
        else:
            self._name = name
            if create:
                self._memory = _call(host_memory.SharedMemory.create, size, _host_name(name))
            else:
                self._memory = _call(host_memory.SharedMemory.find, _host_name(name))
        if create:
            _made[self._name] = self._memory
        self._set_up()

    def _make_unnamed(self, size):
        while self._memory is None:
            self._name = _make_filename()
            try:
                self._memory = _call(
                    host_memory.SharedMemory.create, size, _host_name(self._name)
                )
            except FileExistsError:
                continue

    def _set_up(self):
        self._size = self._memory.size()
        self._buf = SharedBuffer(self, 0, self._size)

    def __reduce__(self):
        if transport.is_sending() and self._memory is not None:
            return _rebuild, (type(self), self._name, transport.give(self, self._memory))
        return type(self), (self._name, False, self._size)

    @property
    def buf(self):
        """The bytes; none after `close`."""
        return self._buf

    @property
    def name(self):
        """The name, by which other processes find the block."""
        return self._name.removeprefix("/")

    @property
    def size(self):
        """The number of bytes."""
        return self._size

    def close(self):
        """Releases the block in this process."""
        memory, self._memory, self._buf = self._memory, None, None
        if memory is not None and memory is not _made.get(self._name):
            transport.drop(memory)

    def unlink(self):
        """Removes the name. Processes that hold the memory keep it."""
        _call(host_memory.SharedMemory.unlink, _host_name(self._name))
        _made.pop(self._name, None)

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r}, size={self._size})"


def _host_name(name):
    if "\0" in name:
        raise ValueError("embedded null character")
    return name.lstrip("/")


def _call(operation, *arguments):
    try:
        return operation(*arguments)
    except Err as error:
        raise exception(error) from None


def _rebuild(kind, name, position):
    memory = kind.__new__(kind)
    memory._name = name
    memory._memory = transport.take(host_memory.SharedMemory, position)
    memory._set_up()
    return memory


# A slot: the offset, capacity, kind and length of its payload.
_COUNT = struct.Struct("<q")
_SLOT = struct.Struct("<qqcxxxxxxxq")
_NUMBERS = {b"i": struct.Struct("<q"), b"f": struct.Struct("<d")}
# The formats of the slots in CPython's list.
_FORMATS = {b"n": "xxxxxx?x", b"t": "xxxxxxx?", b"i": "q", b"f": "d"}


def _encode(value):
    match value:
        case None:
            return b"n", b""
        case bool():
            return b"t", bytes((value,))
        case int():
            return b"i", _NUMBERS[b"i"].pack(value)
        case float():
            return b"f", _NUMBERS[b"f"].pack(value)
        case str():
            return b"s", value.encode()
        case bytes():
            return b"b", value
    raise KeyError(type(value))


class ShareableList:
    """A list of fixed length of numbers, texts, bytes and None, in shared memory."""

    def __init__(self, sequence=None, *, name=None):
        if sequence is None and name is None:
            sequence = ()
        if sequence is None:
            self.shm = SharedMemory(name)
            (self._list_len,) = _COUNT.unpack(self.shm.buf[: _COUNT.size].tobytes())
            return
        sequence = list(sequence)
        encoded = [_encode(value) for value in sequence]
        self._list_len = len(encoded)
        offset = _COUNT.size + _SLOT.size * len(encoded)
        slots, payloads = [], []
        for value, (kind, payload) in zip(sequence, encoded):
            room = 8
            if kind in (b"s", b"b"):
                # As in CPython: a text may be replaced by one that fits into the next multiple of 8.
                room = 8 * max(len(value) // 8 + 1, -(-len(payload) // 8))
            slots.append(_SLOT.pack(offset, room, kind, len(payload)))
            payloads.append(payload.ljust(room, b"\0"))
            offset += room
        self.shm = SharedMemory(name, create=True, size=offset)
        self.shm.buf[:offset] = b"".join([_COUNT.pack(len(encoded)), *slots, *payloads])

    def _slot(self, position):
        try:
            at = _COUNT.size + _SLOT.size * range(self._list_len)[position]
        except IndexError:
            raise IndexError("index out of range") from None
        return at, *_SLOT.unpack(self.shm.buf[at : at + _SLOT.size].tobytes())

    def __getitem__(self, position):
        _, offset, _, kind, length = self._slot(position)
        payload = self.shm.buf[offset : offset + length].tobytes()
        match kind:
            case b"n":
                return None
            case b"t":
                return payload != b"\0"
            case b"s":
                return payload.decode()
            case b"b":
                return payload
        return _NUMBERS[kind].unpack(payload)[0]

    def __setitem__(self, position, value):
        at, offset, room, _, _ = self._slot(position)
        kind, payload = _encode(value)
        if len(payload) > room:
            raise ValueError("bytes/str item exceeds available storage")
        self.shm.buf[offset : offset + len(payload)] = payload
        self.shm.buf[at : at + _SLOT.size] = _SLOT.pack(offset, room, kind, len(payload))

    def __len__(self):
        return self._list_len

    def __iter__(self):
        return (self[position] for position in range(self._list_len))

    def count(self, value):
        """The number of items that are equal to `value`."""
        return sum(value == one for one in self)

    def index(self, value):
        """The index of the first item that is equal to `value`."""
        for position, one in enumerate(self):
            if value == one:
                return position
        raise ValueError("ShareableList.index(x): x not in list")

    def _get_packing_format(self, position):
        _, _, room, kind, _ = self._slot(position)
        return _FORMATS.get(kind) or f"{room}s"

    @property
    def format(self):
        """The format of the items, as in CPython; the layout in memory differs."""
        return "".join(self._get_packing_format(at) for at in range(self._list_len))

    def __reduce__(self):
        if transport.is_sending():
            return _rebuild_list, (self.shm,)
        return partial(type(self), name=self.shm.name), ()

    def __repr__(self):
        return f"{type(self).__name__}({list(self)}, name={self.shm.name!r})"


def _rebuild_list(shm):
    one = ShareableList.__new__(ShareableList)
    one.shm = shm
    (one._list_len,) = _COUNT.unpack(shm.buf[: _COUNT.size].tobytes())
    return one
