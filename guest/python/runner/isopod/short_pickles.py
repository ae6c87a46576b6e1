"""Pickles of the most common messages of queues and pipes: a short text, some bytes, a number.

They are ordinary pickles, but without the frame and the memo that `pickle.dumps` sets up for a value of any
size. For such small values, that setup takes longer than the rest of the sending.
"""

import pickle

_BEGIN, _END = b"\x80\x05", b"."
# BININT1: one byte follows.
_BYTES_OF_INTS = [_BEGIN + b"K" + bytes((number,)) + _END for number in range(256)]
# The range of BININT.
_LEAST_INT, _LARGEST_INT = -(2**31), 2**31 - 1
# The largest length in one byte.
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
    # A text with more characters than this also has more bytes.
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
