"""The start and end of a process: as main, as the child of another, or as a worker of a pool."""

import atexit
import builtins
import io
import os
import random
import sys
import threading
import time
import types
from multiprocessing import process

from isopod import child, command_line, system
from wit_world.imports import process as host_process


def run():
    """Runs this process in the role that the host assigns, and ends it with its exit code."""
    entry = host_process.entry()
    arguments = sys.argv
    parent = host_process.parent_id()
    system.refresh(
        host_process.current_id(), parent if parent is not None else 1, host_process.core_count()
    )
    thaw()
    if isinstance(entry, host_process.EntryPoint_Main):
        code = _main(arguments)
    elif isinstance(entry, host_process.EntryPoint_Task):
        code = child.run(entry.value)
    else:
        code = child.run_worker(entry.value)
    flush()
    host_process.exit(code & 0xFF)


def thaw():
    """Renews the state that must differ between processes, or that belongs to this process only.

    The component's memory is a copy of one interpreter at the time of the build.
    """
    _tune_streams()
    random.seed()
    # Modules read these values from the clock at their import.
    logging = sys.modules.get("logging")
    if logging is not None:
        logging._startTime = time.time_ns()


def open_streams():
    """Opens the standard streams when the component is built: their descriptors are always the same.

    The build sets PYTHONUNBUFFERED, so with the interpreter's own streams each write would be a host call.
    """

    def text(descriptor, mode, errors, by_line):
        raw = io.FileIO(descriptor, mode, closefd=False)
        buffered = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
        stream = io.TextIOWrapper(
            buffered, encoding="utf-8", errors=errors, line_buffering=by_line
        )
        stream.mode = mode
        return stream

    sys.stdin = sys.__stdin__ = text(0, "r", "strict", False)
    sys.stdout = sys.__stdout__ = text(1, "w", "strict", False)
    sys.stderr = sys.__stderr__ = text(2, "w", "backslashreplace", True)
    builtins.open = io.open


def _tune_streams():
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(line_buffering=True, write_through=True)
        sys.stderr.reconfigure(write_through=True)
    elif os.isatty(1):
        sys.stdout.reconfigure(line_buffering=True)


def _main(arguments):
    code = 0
    # A child gets them from its parent.
    process.current_process()._config["authkey"] = process.AuthenticationString(os.urandom(32))
    try:
        command_line.run(arguments)
    except SystemExit as error:
        code = exit_code(error)
    except BaseException as error:
        report(error)
        code = 1
    for finish in (threading._shutdown, atexit._run_exitfuncs):
        try:
            finish()
        except SystemExit as error:
            code = exit_code(error)
        except BaseException as error:
            report(error)
    return code


def exit_code(error):
    """The exit code of a `SystemExit`. A value that is not a number goes to standard error."""
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    flush()
    print(code, file=sys.stderr)
    return 1


def report(error):
    """Reports an uncaught exception, without this package's own frames."""
    flush()
    traceback = error.__traceback__ = _without_own(error.__traceback__)
    try:
        sys.excepthook(type(error), error, traceback)
    except BaseException as second:
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(second), second, second.__traceback__)


def _without_own(traceback):
    frames = []
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(_OWN):
            frames.append((traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno))
        traceback = traceback.tb_next
    for frame in reversed(frames):
        traceback = types.TracebackType(traceback, *frame)
    return traceback


_OWN = os.path.dirname(os.path.abspath(__file__))


def flush():
    """Flushes the standard streams, as far as they can be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            # The script has closed or replaced the stream.
            continue
