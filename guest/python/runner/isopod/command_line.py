"""The command line of python: a script, `-m`, `-c`, or a script on standard input.

The first argument is JSON from isopod's own command line: `run` (`script`, `module`, `code` or `stdin`),
`value`, `shown` (the script as the user wrote it) and `cwd`. The other arguments belong to the script.
"""

import json
import os
import runpy
import sys
import types
from importlib.machinery import SourceFileLoader
from multiprocessing import process

from isopod import main_module, stdlib


def run(arguments):
    """Runs the script as `__main__`. Exceptions of the script pass through."""
    what = json.loads(arguments[1])
    _enter(what["cwd"])
    given = arguments[2:]
    value = what["value"]
    match what["run"]:
        case "script":
            sys.argv = [what["shown"], *given]
            _set_path(os.path.dirname(value))
            _run_script(value)
        case "module":
            sys.argv = ["-m", *given]
            _set_path(os.getcwd())
            _new_main(None)
            runpy._run_module_as_main(value)
        case "code":
            sys.argv = ["-c", *given]
            _set_path("")
            _run_code(value, "<string>")
        case "stdin":
            sys.argv = ["-", *given]
            _set_path("")
            _run_code(sys.stdin.buffer.read(), "<stdin>")


def _enter(directory):
    try:
        os.chdir(directory)
    except OSError:
        # The directory is not granted. Then the current directory is the root, which may not exist.
        pass
    process.ORIGINAL_DIR = os.getcwd()


def _set_path(first):
    extra = [part for part in os.environ.get("PYTHONPATH", "").split(":") if part]
    sys.path[:] = [first, *extra, stdlib.PREFIX]


def _new_main(file):
    main = types.ModuleType("__main__")
    main.__builtins__ = sys.modules["builtins"]
    if file is not None:
        main.__file__ = file
        main.__cached__ = None
        main.__loader__ = SourceFileLoader("__main__", file)
    main.__annotations__ = {}
    # Children know the module under the other name, and pickle its contents under it.
    sys.modules["__main__"] = sys.modules["__mp_main__"] = main
    return main


def _run_script(path):
    with open(path, "rb") as file:
        text = file.read()
    main = _new_main(path)
    code = compile(text, path, "exec", dont_inherit=True)
    main_module.keep(path, code)
    exec(code, main.__dict__)


def _run_code(text, name):
    main = _new_main(None)
    exec(compile(text, name, "exec", dont_inherit=True), main.__dict__)
