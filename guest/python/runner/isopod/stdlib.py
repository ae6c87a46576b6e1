"""The standard library, embedded in the component's memory.

During the build of the component, it is mounted at the first entry of `sys.path` that holds it. A running
process has no such directory. So its modules are compiled once and kept as marshalled and compressed code,
and a finder serves them for paths below `PREFIX`.

The finder belongs to a path entry, not to `sys.meta_path`. So a script's own modules take precedence over
modules of the same name here, as with any other Python.

Modules below `replaced/` take the place of the standard library's modules of the same name. They are the
parts of `multiprocessing` that talk to the host.
"""

import importlib.machinery
import importlib.util
import marshal
import os
import sys
import zlib

PREFIX = "/python"

# Modules that are useless here, or cannot work: other user interfaces, tests, installers.
_LEFT_OUT = {
    "test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data",
    "site-packages", "__pycache__", "curses", "venv",
}
# The level of zlib matters little for the size, and much for the build time.
_LEVEL = 6

# Module name -> (path below `PREFIX`, whether it is a package, compressed code).
_modules = {}


def embed():
    """Compiles the standard library with the replaced modules, and installs the finder."""
    root = _standard_library()
    _collect(root)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    _collect(os.path.join(own, "replaced"))
    # This replaces the mounted directory: later imports come from the embedded modules.
    sys.path[:] = [PREFIX, own]
    sys.path_hooks.insert(0, _hook)
    sys.path_importer_cache.clear()
    for name in list(sys.modules):
        if name.split(".")[0] in ("multiprocessing", "concurrent"):
            del sys.modules[name]


def finish():
    """Forgets the directory of the build, so that a process searches only its own paths."""
    sys.path[:] = [PREFIX]
    sys.path_importer_cache.clear()


def _standard_library():
    for directory in sys.path:
        if os.path.isfile(os.path.join(directory, "multiprocessing", "__init__.py")):
            return directory
    raise ImportError(f"the standard library is not in sys.path: {sys.path}")


def modules_below(root, left_out=frozenset()):
    """The modules in a directory: for each the name, the path there, whether it is a package, and the
    source."""
    for directory, directories, files in os.walk(root):
        directories[:] = sorted(set(directories) - left_out)
        package = os.path.relpath(directory, root)
        parts = [] if package == "." else package.split(os.sep)
        for file in sorted(files):
            stem, ending = os.path.splitext(file)
            if ending != ".py":
                continue
            is_package = stem == "__init__" and bool(parts)
            name = ".".join(parts if is_package else [*parts, stem])
            with open(os.path.join(directory, file), "rb") as source:
                yield name, "/".join([*parts, file]), is_package, source.read()


def _collect(root):
    for name, path, is_package, source in modules_below(root, _LEFT_OUT):
        try:
            code = compile(source, f"{PREFIX}/{path}", "exec", dont_inherit=True, optimize=0)
        except SyntaxError:
            # Templates and examples, which are not modules.
            continue
        _modules[name] = (path, is_package, zlib.compress(marshal.dumps(code), _LEVEL))


class _Loader:
    """Loads one embedded module."""

    def __init__(self, name):
        self._path, self._is_package, self._code = _modules[name]

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(self.get_code(), module.__dict__)

    def get_code(self, fullname=None):
        return marshal.loads(zlib.decompress(self._code))

    def get_source(self, fullname=None):
        return None

    def is_package(self, fullname=None):
        return self._is_package

    def get_filename(self, fullname=None):
        return f"{PREFIX}/{self._path}"


class _Finder:
    """Finds embedded modules, for `sys.path` and for the `__path__` of embedded packages."""

    @staticmethod
    def find_spec(fullname, target=None):
        if fullname not in _modules:
            return None
        path, is_package, _ = _modules[fullname]
        spec = importlib.machinery.ModuleSpec(
            fullname, _Loader(fullname), origin=f"{PREFIX}/{path}", is_package=is_package
        )
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [f"{PREFIX}/{os.path.dirname(path)}"]
        return spec

    @staticmethod
    def invalidate_caches():
        pass

    @staticmethod
    def iter_modules(prefix=""):
        for name, (_, is_package, _) in sorted(_modules.items()):
            if "." not in name:
                yield prefix + name, is_package


def _hook(path):
    if path == PREFIX or path.startswith(PREFIX + "/"):
        return _Finder
    raise ImportError
