"""Blocks of shared memory without a name. Each block is separate, so there is no heap."""

from componentize_py_types import Err
from isopod import transport
from isopod.errors import exception
from multiprocessing._shared_buffer import SharedBuffer
from wit_world.imports import memory as host_memory

__all__ = ["BufferWrapper"]


class BufferWrapper:
    """A block of zeros."""

    def __init__(self, size):
        if size < 0:
            raise ValueError(f"Size {size:n} out of range")
        self._size = size
        try:
            self._memory = host_memory.SharedMemory.create(max(1, size), None)
        except Err as error:
            raise exception(error) from None

    def create_memoryview(self):
        """The bytes, as `SharedMemory.buf`."""
        return SharedBuffer(self, 0, self._size)

    def __reduce__(self):
        return _rebuild, (transport.give(self, self._memory), self._size)


def _rebuild(position, size):
    block = BufferWrapper.__new__(BufferWrapper)
    block._size = size
    block._memory = transport.take(host_memory.SharedMemory, position)
    return block
