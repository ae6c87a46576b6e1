"""`ProcessPoolExecutor`, over a pool of the host.

A worker that dies breaks the executor, as in CPython: its call and all that follow raise
BrokenProcessPool.
"""

import itertools
import multiprocessing
import os
from concurrent.futures import _base
from multiprocessing import pool as workers
from multiprocessing._pool_jobs import do_submitted

__all__ = ["BrokenProcessPool", "ProcessPoolExecutor"]

# The cause of the exception that `Future.result` raises.
_RemoteTraceback = workers.RemoteTraceback


class BrokenProcessPool(_base.BrokenExecutor):
    """A worker ended before it had finished its call."""


class ProcessPoolExecutor(_base.Executor):
    """Calls functions in worker processes."""

    def __init__(
        self, max_workers=None, mp_context=None, initializer=None, initargs=(), *,
        max_tasks_per_child=None,
    ):
        if max_workers is None:
            max_workers = os.process_cpu_count() or 1
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None:
            if not isinstance(max_tasks_per_child, int):
                raise TypeError("max_tasks_per_child must be an integer")
            if max_tasks_per_child <= 0:
                raise ValueError("max_tasks_per_child must be >= 1")
        self._max_workers = max_workers
        if mp_context is None:
            # As in CPython: a replacement for a worker cannot be a copy of this process.
            method = None if max_tasks_per_child is None else "spawn"
            mp_context = multiprocessing.get_context(method)
        self._mp_context = mp_context
        self._make = (max_workers, initializer, initargs, max_tasks_per_child)
        self._pool = None
        self._futures = set()
        self._is_shut_down = False
        self._broken = None

    def submit(self, fn, /, *args, **kwargs):
        """Calls the function in a worker."""
        if self._broken:
            raise BrokenProcessPool(self._broken)
        if self._is_shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if self._pool is None:
            # The first call makes the workers, as in CPython.
            self._pool = workers.Pool(*self._make, self._mp_context)
        future = _base.Future()
        self._futures.add(future)
        # The host passes the call to a worker at once, and then it cannot be taken back.
        future.set_running_or_notify_cancel()
        try:
            self._pool._apply_async(
                do_submitted, fn, args, kwargs,
                lambda value: self._finish(future, value, None),
                lambda error: self._finish(future, None, error),
            )
        except Exception as error:
            self._finish(future, None, error)
        return future

    def map(self, fn, *iterables, timeout=None, chunksize=1, buffersize=None):
        """An iterator over the values of the function, in order."""
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if chunksize == 1:
            return super().map(fn, *iterables, timeout=timeout)
        chunks = itertools.batched(zip(*iterables), chunksize)
        results = super().map(_call_each, itertools.repeat(fn), chunks, timeout=timeout)
        return itertools.chain.from_iterable(results)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Accepts no more calls."""
        self._is_shut_down = True
        if self._pool is not None:
            self._pool.close()
            if wait:
                self._pool.join()

    def terminate_workers(self):
        """Ends the workers in any state."""
        self._end("the workers were terminated")

    kill_workers = terminate_workers

    def _end(self, reason):
        self._broken = reason
        self._is_shut_down = True
        if self._pool is not None:
            self._pool.terminate()
        for future in list(self._futures):
            self._finish(future, None, BrokenProcessPool(reason))

    def _finish(self, future, value, error):
        if future not in self._futures:
            return
        self._futures.discard(future)
        if isinstance(error, (workers.WorkerLost, multiprocessing.ProcessError)):
            reason = f"A process in the process pool was terminated abruptly: {error}"
            future.set_exception(BrokenProcessPool(reason))
            self._end(reason)
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)


def _check_system_limits():
    """Does nothing: the host has the semaphores, and there are enough."""


class _ThreadWakeup:
    """A name that CPython's own tests import: there is no thread to wake."""


def _call_each(function, calls):
    return [function(*call) for call in calls]
