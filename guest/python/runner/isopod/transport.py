"""Pickles whose host objects travel as handles beside the bytes.

A message holds an object of the host as its position among the message's handles. So the object can be
pickled only while a message is made: otherwise nothing carries the handle.
"""

import io
import pickle

from isopod import short_pickles
from isopod.errors import exception
from multiprocessing.reduction import ForkingPickler

# The handles of the message that is being made, or taken apart; none at other times.
_sending = None
_receiving = None

_dumps, _loads = pickle.dumps, pickle.loads
_reducers = ForkingPickler._extra_reducers
# The number of reducers that the standard library has registered, known after all imports. For their types,
# the plain pickler does as well, or refuses the object.
_own_reducers = 0


def install():
    """Counts the reducers that are registered now as the standard library's own."""
    global _own_reducers
    _own_reducers = len(_reducers)


def dumps(*objects):
    """The objects, one pickle after the other, and the handles of the host objects in them."""
    global _sending
    if len(objects) == 1:
        short = short_pickles.of_type.get(type(objects[0]))
        if short is not None:
            return short(objects[0]), []
        if len(_reducers) == _own_reducers:
            # This takes a third of the time of a `ForkingPickler`.
            pickled = _dumps_plainly(objects[0])
            if pickled is not None:
                return pickled
    outer, handles = _sending, []
    _sending = handles
    try:
        buffer = io.BytesIO()
        for one in objects:
            ForkingPickler(buffer).dump(one)
        return buffer.getvalue(), handles
    finally:
        _sending = outer


def _dumps_plainly(one):
    """As `dumps`, or none if the object needs the reducers."""
    global _sending
    outer, handles = _sending, []
    _sending = handles
    try:
        return _dumps(one), handles
    except Exception:
        for handle in handles:
            drop(handle)
        return None
    finally:
        _sending = outer


def loads(message):
    """The one object of a message."""
    if not message.handles:
        return _loads(message.bytes)
    return _with_handles(message.handles, pickle.loads, message.bytes)


def _with_handles(handles, load, pickled):
    """The result of `load` for a pickle whose host objects are among these handles."""
    global _receiving
    outer = _receiving
    _receiving = handles
    try:
        return load(pickled)
    finally:
        _receiving = outer


class Reader:
    """The objects of a message one by one: the first can prepare what the second needs."""

    def __init__(self, message):
        self._handles = message.handles
        self._buffer = io.BytesIO(message.bytes)

    def next(self):
        return _with_handles(self._handles, pickle.load, self._buffer)


def is_sending():
    """Whether a message is being made."""
    return _sending is not None


def give(owner, host_object):
    """The position of a host object in the message that is being made, for `take`."""
    if _sending is None:
        raise RuntimeError(
            f"{type(owner).__name__} objects should only be shared between processes "
            "through inheritance, or in a message of a queue, pipe, pool or manager"
        )
    _sending.append(host_object.to_handle())
    return len(_sending) - 1


def take(kind, position):
    """The host object of this class at a position of the message that is taken apart."""
    if _receiving is None:
        raise RuntimeError(f"a {kind.__name__} can only be taken from a message")
    return kind.open(_receiving[position])


def failed(error, handles):
    """The exception for a message that was not sent. Drops its handles at once: references to an object
    count, and componentize-py may keep the list for as long as the error."""
    for handle in handles:
        drop(handle)
    return exception(error)


def drop(host_object):
    """Drops a host object at once, unless it is dropped already."""
    try:
        host_object.__exit__(None, None, None)
    except TypeError:
        # componentize-py's wrapper raises this in that case.
        pass
