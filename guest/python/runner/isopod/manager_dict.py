"""The dict of a `Manager`, which lives in the host: one call reads or changes an entry.

CPython's dict lives in the manager's process, and each access is a message there and back. A proxy of this
dict needs no process, and the dict goes with its last proxy. Values are copies here and there.

An entry's value is a pickle, which marks its own end. The pickle of the key and its length in four bytes
follow, if the key's bytes do not tell whether it was `1`, `1.0` or `True`.
"""

import pickle
from multiprocessing import managers

from componentize_py_types import Err
from isopod import keys, transport
from isopod.errors import exception
from wit_world.imports import manager as host_manager

_MISSING = object()
_NO_KEY = bytes(4)

# Whether the object that is being pickled will be in a dict.
_is_storing = False


class DictProxy(managers.DictProxy):
    """A dict that processes share."""

    def __init__(self, *args, **kwds):
        try:
            self._dict = host_manager.Dict.create()
        except Err as error:
            raise exception(error) from None
        if args or kwds:
            self.update(*args, **kwds)

    def __reduce__(self):
        return _rebuild, (transport.give(self, self._dict),)

    def __getitem__(self, key):
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def get(self, key, default=None):
        """The key's value."""
        found = self._find(self._place(key))
        return default if found is None else transport.loads(found.value)

    def __setitem__(self, key, value):
        place = self._place(key)
        if keys.has_one_form(key):
            self._change(self._dict.set, place, *_entry(key, value))
            return
        while True:
            # An existing entry keeps its key, as in any dict.
            found = self._find(place)
            kept = key if found is None else _key(place, found.value)
            payload, handles = _entry(kept, value)
            version = None if found is None else found.version
            if self._change(self._dict.compare_exchange, place, version, payload, handles):
                return

    def __delitem__(self, key):
        if self._take(key) is None:
            raise KeyError(key)

    def __contains__(self, key):
        return self._dict.contains(self._place(key))

    def __len__(self):
        return self._dict.len()

    def __iter__(self):
        return _iterate(self, self.keys())

    def keys(self):
        """The keys, as a list."""
        return [_key(place, message) for place, message in self._items()]

    def values(self):
        """The values, as a list."""
        return [transport.loads(message) for _, message in self._items()]

    def items(self):
        """The keys with their values, as a list."""
        return [(_key(place, message), transport.loads(message)) for place, message in self._items()]

    def clear(self):
        """Removes all keys."""
        self._dict.clear()

    def pop(self, key, default=_MISSING):
        """Removes the key. Returns its value."""
        message = self._take(key)
        if message is not None:
            return transport.loads(message)
        if default is _MISSING:
            raise KeyError(key)
        return default

    def popitem(self):
        """Removes the last key. Returns it with its value."""
        taken = self._change(self._dict.pop_item)
        if taken is None:
            raise KeyError("popitem(): dictionary is empty")
        place, message = taken
        return _key(place, message), transport.loads(message)

    def setdefault(self, key, default=None):
        """The key's value. If the key had none, it is now this one."""
        payload, handles = _entry(key, default)
        return transport.loads(self._change(self._dict.set_default, self._place(key), payload, handles))

    def update(self, *args, **kwds):
        """Sets the values of keys."""
        for key, value in dict(*args, **kwds).items():
            self[key] = value

    def _place(self, key):
        """The bytes under which the host stores the key."""
        place = keys.encode(key)
        if place is not None:
            return place
        hash_value = hash(key)
        for place, message in self._items():
            other = _key(place, message)
            if hash(other) == hash_value and other == key:
                return place
        return b"p" + pickle.dumps(key)

    def _find(self, place):
        try:
            return self._dict.get(place)
        except Err as error:
            raise exception(error) from None

    def _items(self):
        return self._change(self._dict.items)

    def _take(self, key):
        return self._change(self._dict.pop, self._place(key))

    def _change(self, call, *arguments):
        try:
            return call(*arguments)
        except Err as error:
            raise exception(error) from None

    def _callmethod(self, name, args=(), kwds={}):
        # All other methods only read, except for `|=`.
        if name == "__ior__":
            return self.update(*args)
        return getattr(self._getvalue(), name)(*args, **kwds)

    def _getvalue(self):
        return dict(self.items())

    def __repr__(self):
        return f"<{type(self).__name__} object, typeid 'dict' at {id(self):#x}>"


def _iterate(proxy, keys):
    for key in keys:
        if len(proxy) != len(keys):
            raise RuntimeError("dictionary changed size during iteration")
        yield key


def _rebuild(position):
    proxy = DictProxy.__new__(DictProxy)
    proxy._dict = transport.take(host_manager.Dict, position)
    return proxy


def install():
    """Keeps an object in a manager's process alive while a proxy of it is in a dict.

    A proxy in a dict belongs to no process, which could report that the proxy is gone. So the object stays
    until the manager ends.
    """
    reduce = managers.BaseProxy.__reduce__

    def reduce_to_stay(self):
        if _is_storing:
            client = self._Client(self._token.address, authkey=self._authkey)
            managers.dispatch(client, None, "incref", (self._id,))
        return reduce(self)

    managers.BaseProxy.__reduce__ = reduce_to_stay


def _entry(key, value):
    """The bytes and handles of a value, with its key."""
    global _is_storing
    outer, _is_storing = _is_storing, True
    try:
        payload, handles = transport.dumps(value)
    finally:
        _is_storing = outer
    if keys.is_exact(key):
        return payload + _NO_KEY, handles
    pickled = pickle.dumps(key)
    return b"".join((payload, pickled, len(pickled).to_bytes(4, "little"))), handles


def _key(place, message):
    """The key of an entry."""
    size = int.from_bytes(message.bytes[-4:], "little")
    return pickle.loads(message.bytes[-4 - size : -4]) if size else keys.decode(place)
