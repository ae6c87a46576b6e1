"""`Value` and `Array` by typecode, in shared memory of the host.

Each access is one host call. Types of `ctypes` need a C compiler's view of memory, which this Python lacks:
the import of `ctypes` reports that.
"""

import struct

from componentize_py_types import Err
from isopod import transport
from isopod.errors import exception
from multiprocessing import get_context
from wit_world.imports import memory as host_memory

__all__ = ["RawValue", "RawArray", "Value", "Array", "copy", "synchronized"]

# The sizes are those of 64-bit Linux, little-endian, so that numbers wrap as they do there.
_FORMATS = {
    "c": "<c", "b": "<b", "B": "<B", "u": "<I", "h": "<h", "H": "<H", "i": "<i", "I": "<I",
    "l": "<q", "L": "<Q", "q": "<q", "Q": "<Q", "f": "<f", "d": "<d",
}


class _Type:
    """The memory format of the values of a typecode."""

    def __init__(self, code):
        self.code = code
        self._struct = struct.Struct(_FORMATS[code])
        self.size = self._struct.size
        self._is_signed = code in "bhilq"
        self._is_integer = code in "bBhHiIlLqQ"

    def pack(self, value):
        if self._is_integer:
            if not isinstance(value, int) and not hasattr(value, "__index__"):
                raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
            mask = (1 << (8 * self.size)) - 1
            return (int(value) & mask).to_bytes(self.size, "little")
        if self.code == "u":
            if not isinstance(value, str) or len(value) != 1:
                raise TypeError("unicode character expected")
            value = ord(value)
        elif self.code == "c":
            if isinstance(value, int):
                value = bytes([value])
            if not isinstance(value, (bytes, bytearray)) or len(value) != 1:
                raise TypeError("one character bytes, bytearray, or an integer in range(256) expected")
        elif not isinstance(value, (int, float)) and not hasattr(value, "__float__"):
            raise TypeError("must be real number, not " + type(value).__name__)
        return self._struct.pack(value)

    def unpack(self, payload):
        values = [value for (value,) in self._struct.iter_unpack(payload)]
        return [chr(value) for value in values] if self.code == "u" else values


def _type_of(code):
    if code in _FORMATS:
        return _Type(code)
    raise TypeError(
        f"{code!r} is no typecode: it must be one of {', '.join(_FORMATS)}; "
        "there are no types of ctypes here"
    )


class _Memory:
    """Shared memory with values of one type."""

    def __init__(self, type_, length):
        self._type = type_
        self._length = length
        try:
            self._memory = host_memory.SharedMemory.create(max(1, type_.size * length), None)
        except Err as error:
            raise exception(error) from None

    def __reduce__(self):
        given = transport.give(self, self._memory)
        return _rebuild, (type(self), self._type.code, self._length, given)

    def _read(self, first, count):
        size = self._type.size
        return self._memory.read(first * size, count * size)

    def _write(self, first, payload):
        self._memory.write(first * self._type.size, payload)


def _rebuild(kind, code, length, position):
    one = kind.__new__(kind)
    one._type = _type_of(code)
    one._length = length
    one._memory = transport.take(host_memory.SharedMemory, position)
    return one


class _RawValue(_Memory):
    """One value."""

    @property
    def value(self):
        """The value. Each access reads it again."""
        return self._type.unpack(self._read(0, 1))[0]

    @value.setter
    def value(self, value):
        self._write(0, self._type.pack(value))

    def __repr__(self):
        return f"<RawValue({self._type.code!r}, {self.value!r})>"


class _RawArray(_Memory):
    """Values in order."""

    def __len__(self):
        return self._length

    def _indices(self, key):
        return range(self._length)[key]

    def _index(self, key):
        try:
            return range(self._length)[key]
        except IndexError:
            raise IndexError("invalid index") from None

    def __getitem__(self, key):
        if not isinstance(key, slice):
            return self._type.unpack(self._read(self._index(key), 1))[0]
        wanted = self._indices(key)
        if not wanted:
            values = []
        elif wanted.step == 1:
            values = self._type.unpack(self._read(wanted.start, len(wanted)))
        else:
            everything = self._type.unpack(self._read(0, self._length))
            values = [everything[index] for index in wanted]
        if self._type.code == "c":
            return b"".join(values)
        return "".join(values) if self._type.code == "u" else values

    def __setitem__(self, key, value):
        if not isinstance(key, slice):
            self._write(self._index(key), self._type.pack(value))
            return
        wanted = self._indices(key)
        packed = [self._type.pack(one) for one in value]
        if len(packed) != len(wanted):
            raise ValueError("Can only assign sequence of same size")
        if wanted and wanted.step == 1:
            self._write(wanted.start, b"".join(packed))
        else:
            for index, one in zip(wanted, packed):
                self._write(index, one)

    def __iter__(self):
        return iter(self._type.unpack(self._read(0, self._length)))

    def __repr__(self):
        return f"<RawArray({self._type.code!r}, {list(self)!r})>"


class _RawCharacters(_RawArray):
    """Bytes, or a string."""

    @property
    def raw(self):
        """All bytes."""
        return self._read(0, self._length)

    @raw.setter
    def raw(self, value):
        if len(value) > self._length:
            raise ValueError("byte string too long")
        self._write(0, bytes(value))

    @property
    def value(self):
        """The bytes before the first zero."""
        if self._type.code == "c":
            return self.raw.split(b"\0", 1)[0]
        return "".join(self).split("\0", 1)[0]

    @value.setter
    def value(self, value):
        if len(value) > self._length:
            raise ValueError("byte string too long" if self._type.code == "c" else "string too long")
        items = [bytes([one]) for one in value] if self._type.code == "c" else list(value)
        packed = [self._type.pack(one) for one in items]
        if len(packed) < self._length:
            packed.append(b"\0" * self._type.size)
        self._write(0, b"".join(packed))


def RawValue(typecode_or_type, *args):
    """A value without a lock."""
    value = _RawValue(_type_of(typecode_or_type), 1)
    if args:
        value.value = args[0]
    return value


def RawArray(typecode_or_type, size_or_initializer):
    """An array without a lock."""
    type_ = _type_of(typecode_or_type)
    kind = _RawCharacters if type_.code in "cu" else _RawArray
    if isinstance(size_or_initializer, int):
        if size_or_initializer < 0:
            raise ValueError("Array length must be >= 0")
        return kind(type_, size_or_initializer)
    values = list(size_or_initializer)
    array = kind(type_, len(values))
    if values:
        array[:] = values
    return array


def Value(typecode_or_type, *args, lock=True, ctx=None):
    """A value with a lock."""
    value = RawValue(typecode_or_type, *args)
    return value if lock is False else synchronized(value, _checked(lock), ctx)


def Array(typecode_or_type, size_or_initializer, *, lock=True, ctx=None):
    """An array with a lock."""
    array = RawArray(typecode_or_type, size_or_initializer)
    return array if lock is False else synchronized(array, _checked(lock), ctx)


def _checked(lock):
    if lock in (True, None):
        return None
    if not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire'")
    return lock


def copy(obj):
    """A new object with the same contents."""
    new = type(obj)(obj._type, obj._length)
    new._write(0, obj._read(0, obj._length))
    return new


def synchronized(obj, lock=None, ctx=None):
    """The value or array, with a lock."""
    if isinstance(obj, SynchronizedBase):
        raise AssertionError("object already synchronized")
    kinds = {_RawValue: Synchronized, _RawArray: SynchronizedArray, _RawCharacters: SynchronizedString}
    if type(obj) not in kinds:
        raise TypeError(f"{obj!r} is no shared value or array")
    return kinds[type(obj)](obj, lock or (ctx or get_context()).RLock())


class SynchronizedBase:
    """A value or array with a lock, which each access acquires."""

    def __init__(self, obj, lock):
        self._obj = obj
        self._lock = lock
        self.acquire = lock.acquire
        self.release = lock.release

    def __reduce__(self):
        return type(self), (self._obj, self._lock)

    def get_obj(self):
        """The value or array without the lock."""
        return self._obj

    def get_lock(self):
        """The lock."""
        return self._lock

    def __enter__(self):
        return self._lock.__enter__()

    def __exit__(self, kind, value, traceback):
        return self._lock.__exit__(kind, value, traceback)

    def __repr__(self):
        return f"<{type(self).__name__} wrapper for {self._obj!r}>"


def _locked(name):
    def get(self):
        with self._lock:
            return getattr(self._obj, name)

    def put(self, value):
        with self._lock:
            setattr(self._obj, name, value)

    return property(get, put, doc=f"`{name}`, with the lock held.")


class Synchronized(SynchronizedBase):
    """A value with a lock."""

    value = _locked("value")


class SynchronizedArray(SynchronizedBase):
    """An array with a lock."""

    def __len__(self):
        return len(self._obj)

    def __getitem__(self, key):
        with self._lock:
            return self._obj[key]

    def __setitem__(self, key, value):
        with self._lock:
            self._obj[key] = value

    def __iter__(self):
        with self._lock:
            return iter(list(self._obj))


class SynchronizedString(SynchronizedArray):
    """Bytes or a string with a lock."""

    value = _locked("value")
    raw = _locked("raw")
