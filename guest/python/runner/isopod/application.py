"""The modules of a program or plugin that is a component of its own. Its memory holds them as source.

During the build of the component they are in a directory. A running process has no such directory.
"""

import importlib.abc
import importlib.util
import sys

from isopod import stdlib

# The directory of these modules in tracebacks.
_PREFIX = "/app"

# Module name -> (path below `_PREFIX`, whether it is a package, source).
_modules = {}


def embed(root):
    """Embeds the modules below `root`, and finds them from then on before any others."""
    for name, path, is_package, source in stdlib.modules_below(root):
        text = importlib.util.decode_source(source)
        _modules[name] = (f"{_PREFIX}/{path}", is_package, text)
    sys.meta_path.insert(0, _Finder())


def has(path):
    """Whether a path in a traceback belongs to a module of the application."""
    return path.startswith(_PREFIX + "/")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.ExecutionLoader):
    """Finds and loads the modules."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in _modules:
            return None
        file, is_package, _ = _modules[fullname]
        spec = importlib.util.spec_from_loader(fullname, self, origin=file, is_package=is_package)
        spec.has_location = True
        return spec

    def get_source(self, fullname):
        return _modules[fullname][2]

    def get_filename(self, fullname):
        return _modules[fullname][0]

    def is_package(self, fullname):
        return _modules[fullname][1]
