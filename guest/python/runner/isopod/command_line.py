"""The command line of python: a script, `-m`, `-c`, or the script in standard input.

The first argument is what isopod's own command line has made of it, as JSON: `run` (`script`,
`module`, `code` or `stdin`), `value`, `shown` (the script as it was given) and `cwd`. The others are
the script's.
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
    """Runs it as `__main__`. Exceptions of the script pass through."""
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
        # It is not granted: the current directory is the root, which need not exist.
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
    # Under the other name children know it, and pickle what is in it.
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
