"""Pickles of what queues and pipes carry most: a short text, some bytes, a number.

They are pickles as any other, without the frame and the memo that `pickle.dumps` sets up for a value that
may be of any size: for so little that takes longer than all the rest of sending it.
"""

import pickle

_BEGIN, _END = b"\x80\x05", b"."
# BININT1: one byte follows.
_BYTES_OF_INTS = [_BEGIN + b"K" + bytes((number,)) + _END for number in range(256)]
# What BININT holds.
_LEAST_INT, _LARGEST_INT = -(2**31), 2**31 - 1
# What the one byte of a length can tell.
_LONGEST = 255

_dumps = pickle.dumps


def _int(number):
    if 0 <= number <= 255:
        return _BYTES_OF_INTS[number]
    if _LEAST_INT <= number <= _LARGEST_INT:
        return b"\x80\x05J%b." % number.to_bytes(4, "little", signed=True)
    return _dumps(number)


def _bytes(payload):
    size = len(payload)
    return b"\x80\x05C%c%b." % (size, payload) if size <= _LONGEST else _dumps(payload)


def _str(text):
    # Longer than this in characters is longer in bytes.
    if len(text) <= _LONGEST and text.isascii():
        return b"\x80\x05\x8c%c%b." % (len(text), text.encode("ascii"))
    return _dumps(text)


_TRUE, _FALSE, _NONE = (_BEGIN + code + _END for code in (b"\x88", b"\x89", b"N"))

# By the exact class of a value.
of_type = {
    int: _int,
    bytes: _bytes,
    str: _str,
    float: _dumps,
    bool: lambda value: _TRUE if value else _FALSE,
    type(None): lambda value: _NONE,
}
