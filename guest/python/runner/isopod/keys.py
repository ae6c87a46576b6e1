"""Keys of dicts as bytes, so that two keys are equal in Python if, and only if, their bytes are equal.

`1`, `1.0` and `True` are one key, and so are tuples of them. An object with an equality of its own has no
such bytes: `encode` returns none, and the dict compares such a key with each of its keys.
"""

import numbers
import struct


def encode(key):
    """The bytes of a key; none if only Python can compare it."""
    kind = type(key)
    if kind is str:
        return b"s" + key.encode("utf-8", "surrogatepass")
    if kind is int or kind is bool:
        return b"n%x" % key
    if kind is bytes:
        return b"b" + key
    if key is None:
        return b"-"
    if kind is float:
        return _encode_float(key)
    if kind is tuple:
        parts = [encode(part) for part in key]
        if None in parts:
            return None
        return b"t" + b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    return _encode_other(key, kind)


def _encode_float(key):
    if key.is_integer():
        return b"n%x" % int(key)
    # A key that is not even equal to itself can only be found as the same object, which a copy is not.
    return None if key != key else b"f" + struct.pack("<d", key)


def _encode_other(key, kind):
    for base in (int, str, bytes):
        if isinstance(key, base):
            is_plain = kind.__eq__ is base.__eq__ and kind.__hash__ is base.__hash__
            return encode(base(key)) if is_plain else None
    if isinstance(key, numbers.Number):
        # A Decimal, a Fraction or a complex number may equal an int or a float.
        for convert in (int, float):
            try:
                if convert(key) == key:
                    return encode(convert(key))
            except (TypeError, ValueError, OverflowError):
                continue
        if isinstance(key, complex) and key.imag == 0:
            return encode(key.real)
    return None


def decode(encoded):
    """The key of these bytes, if it was a `str`, `int`, `bytes` or none: see `is_exact`."""
    kind, rest = encoded[:1], encoded[1:]
    if kind == b"s":
        return rest.decode("utf-8", "surrogatepass")
    if kind == b"n":
        return int(rest, 16)
    return rest if kind == b"b" else None


def is_exact(key):
    """Whether `decode` returns exactly the same key."""
    return type(key) in _EXACT


def has_one_form(key):
    """Whether all keys that equal this one look the same: then a new value may replace the whole entry."""
    return type(key) in _ONE_FORM


_ONE_FORM = frozenset({str, bytes, type(None)})
_EXACT = _ONE_FORM | {int}
