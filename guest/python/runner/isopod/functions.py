"""The functions of a plugin, which the embedder calls by name.

The annotations decide how values travel: `str` and `bytes` as they are, everything else as JSON. A second
parameter of a function receives the objects that came with the call, as those of `wit_world.imports`
(`queue.Queue`, `pipe.Connection`, `sync.Lock`). The program at their other end may be in any language, so
their messages are bytes.
"""

import inspect
import json

from wit_world.imports import pipe, queue, sync

_KINDS = {"queue": queue.Queue, "connection": pipe.Connection, "lock": sync.Lock}

# Name -> (the function, the reader of its input, the number of its parameters, the writer of its output).
_all = {}


class InvalidInput(Exception):
    """A function raises this to report that its input is wrong."""


class UnknownFunction(Exception):
    """There is no function of this name."""


def function(run=None, /, *, name=None):
    """Marks a function of the plugin: `@isopod.function`, or `@isopod.function(name="a.b")`."""
    if run is None:
        return lambda one: function(one, name=name)
    name = name or run.__name__
    if name in _all:
        raise ValueError(f"two functions of the plugin have the name {name!r}")
    signature = inspect.signature(run, eval_str=True)
    parameters = list(signature.parameters.values())
    if len(parameters) > 2:
        raise TypeError(
            f"the function {name!r} has {len(parameters)} parameters; a function of a plugin has "
            "at most two: the input, and the objects that came with it"
        )
    read = _read.get(parameters[0].annotation, json.loads) if parameters else None
    write = _write.get(signature.return_annotation, _write_json)
    _all[name] = (run, read, len(parameters), write)
    return run


_read = {str: lambda value: value.decode(), bytes: lambda value: value}
_write = {str: lambda value: value.encode(), bytes: bytes}


def _write_json(value):
    return b"" if value is None else json.dumps(value, ensure_ascii=False).encode()


def describe():
    """Names and texts."""
    return [(name, inspect.getdoc(run) or "") for name, (run, *_) in sorted(_all.items())]


def call(name, data, handles):
    """The output of a function, in bytes."""
    if name not in _all:
        names = ", ".join(f"`{known}`" for known in sorted(_all)) or "none"
        raise UnknownFunction(f"no function is named `{name}`; the plugin has: {names}")
    run, read, count, write = _all[name]
    try:
        arguments = [read(data)] if count else []
    except ValueError as error:
        raise InvalidInput(str(error)) from None
    if count == 2:
        arguments.append([_opened(handle) for handle in handles])
    return write(run(*arguments))


def _opened(handle):
    kind = handle.kind()
    if kind not in _KINDS:
        raise InvalidInput(f"a {kind} cannot be used by a plugin in Python")
    return _KINDS[kind].open(handle)
