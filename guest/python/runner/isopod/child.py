"""The work of a child: a `Process` that its parent started, or a worker of a pool."""

import atexit
import io
import sys
from multiprocessing import _pool_jobs, context, process, util

from isopod import main_module, sentinels, transport
from wit_world.imports import process as host_process


def run(message):
    """Runs the process object in the message. Returns the exit code."""
    return _run(message, lambda reader: reader.next())


def run_worker(begun):
    """Serves a pool until it has no more jobs. Returns the exit code."""

    def make_process(reader):
        initializer, initargs = reader.next()
        # The host calls them `PoolWorker-N`.
        number = host_process.current_name().rpartition("-")[2]
        worker = context.SpawnProcess(
            target=_pool_jobs.serve, args=(initializer, initargs), daemon=True,
            name=f"SpawnPoolWorker-{number}",
        )
        worker._identity = (int(number) if number.isdigit() else 1,)
        return worker

    return _run(begun.message, make_process)


def _run(message, make_process):
    parent = host_process.parent()
    sentinel = sentinels.of_parent(parent)
    reader = transport.Reader(message)
    # This flag makes a child whose main module starts processes raise an error: see `spawn`.
    process.current_process()._inheriting = True
    try:
        preparation = reader.next()
        main_module.prepare(preparation)
        one = make_process(reader)
    except SystemExit as error:
        from isopod import start

        return start.exit_code(error)
    except BaseException as error:
        from isopod import start

        start.report(error)
        return 1
    finally:
        del process.current_process()._inheriting
    # There is no null device to open in place of standard input.
    util._close_stdin = lambda: setattr(sys, "stdin", io.StringIO())
    one._parent_pid = parent.id() if parent is not None else None
    one._parent_name = preparation.get("parent_name", one._parent_name)
    code = one._bootstrap(parent_sentinel=sentinel)
    atexit._run_exitfuncs()
    return code
