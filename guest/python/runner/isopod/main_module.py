"""The main module of a child. Its parent sends the code, which is compiled once for all processes.

So a child opens no file before its function runs, and all processes of a program run the same script, even if
its file changes meanwhile.
"""

import marshal
import sys
import types
from importlib.machinery import SourceFileLoader
from multiprocessing import spawn

_KEY = "isopod_main_code"

# The script, and its code: compiled, or marshalled as it was received or will be sent.
_path = None
_code = None
_marshalled = None


def keep(path, code):
    """Remembers the code of the script that this process runs."""
    global _path, _code, _marshalled
    _path, _code, _marshalled = path, code, None


def add_to(preparation):
    """Adds the code to the preparation data of a child, if that names this script."""
    global _marshalled
    if _path is None or preparation.get("init_main_from_path") != _path:
        return
    if _marshalled is None:
        _marshalled = marshal.dumps(_code)
    preparation[_KEY] = _marshalled


def prepare(preparation):
    """As `spawn.prepare`, without reading the script's file."""
    global _path, _marshalled
    marshalled = preparation.pop(_KEY, None)
    if marshalled is None:
        spawn.prepare(preparation)
        return
    _path, _marshalled = preparation.pop("init_main_from_path"), marshalled
    spawn.prepare(preparation)
    spawn.old_main_modules.append(sys.modules["__main__"])
    main = types.ModuleType("__mp_main__")
    main.__file__ = _path
    main.__cached__ = None
    main.__loader__ = SourceFileLoader("__mp_main__", _path)
    main.__package__ = ""
    sys.modules["__mp_main__"] = main
    exec(marshal.loads(marshalled), main.__dict__)
    sys.modules["__main__"] = main
