"""A view of shared memory, similar to a memoryview.

A process cannot map the memory of another, so it reads and writes by copying, with a host call for each
access. Functions that take a buffer (`struct.pack_into`, `memoryview`, `readinto`) get a copy. When they
release the buffer, the changed bytes are written back.
"""

import struct


class SharedBuffer:
    """Items of one format in shared memory. The attribute `_memory` of `owner` is the host's object."""

    ndim, readonly = 1, False

    def __init__(self, owner, offset, nbytes, format="B"):
        self._owner = owner
        self._offset = offset
        self.nbytes = nbytes
        self.format = format
        self._item = struct.Struct("<" + format)
        self.itemsize = self._item.size
        self._lent = {}

    def _memory(self):
        if self._owner is None or self._owner._memory is None:
            raise ValueError("operation forbidden on released memoryview object")
        return self._owner._memory

    def __len__(self):
        return self.nbytes // self.itemsize

    def tobytes(self):
        """A copy."""
        return self._memory().read(self._offset, self.nbytes)

    __bytes__ = tobytes

    def tolist(self):
        """A copy, as items."""
        return [item for (item,) in self._item.iter_unpack(self.tobytes())]

    def hex(self, *arguments):
        """A copy, as text."""
        return self.tobytes().hex(*arguments)

    def cast(self, format):
        """The same memory as items of another format."""
        view = SharedBuffer(self._owner, self._offset, self.nbytes, format.lstrip("@"))
        if self.nbytes % view.itemsize:
            raise TypeError("memoryview: length is not a multiple of itemsize")
        return view

    def _position(self, key):
        try:
            return self._offset + self.itemsize * range(len(self))[key]
        except IndexError:
            raise IndexError("index out of bounds on dimension 1") from None

    def _slice(self, key):
        wanted = range(len(self))[key]
        if wanted.step != 1:
            return wanted, None
        start = self._offset + self.itemsize * wanted.start
        return wanted, SharedBuffer(
            self._owner, start, self.itemsize * len(wanted), self.format
        )

    def __getitem__(self, key):
        if not isinstance(key, slice):
            payload = self._memory().read(self._position(key), self.itemsize)
            return self._item.unpack(payload)[0]
        _, view = self._slice(key)
        if view is not None:
            return view
        return memoryview(self.tobytes()).cast(self.format)[key]

    def __setitem__(self, key, value):
        if not isinstance(key, slice):
            try:
                payload = self._item.pack(value)
            except struct.error:
                raise ValueError(
                    f"memoryview: invalid value for format '{self.format}'"
                ) from None
            self._memory().write(self._position(key), payload)
            return
        wanted, view = self._slice(key)
        payload = bytes(value)
        if len(payload) != self.itemsize * len(wanted):
            raise ValueError(
                "memoryview assignment: lvalue and rvalue have different structures"
            )
        if view is not None:
            self._memory().write(view._offset, payload)
            return
        for position, (item,) in zip(wanted, self._item.iter_unpack(payload)):
            self[position] = item

    def __iter__(self):
        return iter(self.tolist())

    def __contains__(self, item):
        return item in self.tolist()

    def __eq__(self, other):
        try:
            return self.tolist() == memoryview(other).tolist()
        except TypeError:
            return NotImplemented

    __hash__ = None

    def __buffer__(self, flags):
        before = self.tobytes()
        copy = memoryview(bytearray(before))
        self._lent[id(copy)] = before
        return copy

    def __release_buffer__(self, view):
        before, after = self._lent.pop(id(view), None), view.tobytes()
        view.release()
        if before is None or before == after:
            return
        # Only the changed bytes are written: other processes may have written the rest meanwhile.
        changed = [at for at, (old, new) in enumerate(zip(before, after)) if old != new]
        first, last = changed[0], changed[-1] + 1
        self._memory().write(self._offset + first, after[first:last])

    def release(self):
        """Releases the memory."""
        self._owner = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.release()
