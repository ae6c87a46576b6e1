"""Pools of worker processes, which the host manages.

The host knows the job of each worker. So if a worker dies, only its job fails, with `WorkerLost`, and the
host replaces the worker; CPython's pool would wait forever. Callbacks run in this process during any wait:
for a result, a lock, `time.sleep` or the end of the pool.
"""

import itertools
import os
import warnings

from componentize_py_types import Err
from isopod import popen, transport, waiting
from isopod.errors import exception
from multiprocessing import TimeoutError, get_context
from multiprocessing._pool_inline import InlinePool
from multiprocessing._pool_jobs import (
    ExceptionWithTraceback, MaybeEncodingError, RemoteTraceback, WorkerLost, do_apply, do_map,
    do_starmap, rebuild_exc,
)
from multiprocessing._pool_results import (
    ApplyResult, AsyncResult, IMapIterator, IMapUnorderedIterator, MapResult,
)
from wit_world.imports import pool as host_pool
from wit_world.imports import types as host_types

__all__ = ["Pool", "ThreadPool"]

RUN, CLOSE, TERMINATE = "RUN", "CLOSE", "TERMINATE"


class Pool:
    """A number of worker processes that run jobs."""

    # Whether calls run in this process.
    _is_inline = False

    def __init__(
        self, processes=None, initializer=None, initargs=(), maxtasksperchild=None, context=None
    ):
        self._ctx = context or get_context()
        self._state = RUN
        self._results = set()
        if processes is None:
            processes = os.process_cpu_count() or 1
        if processes < 1:
            raise ValueError("Number of processes must be at least 1")
        if maxtasksperchild is not None:
            if not isinstance(maxtasksperchild, int) or maxtasksperchild <= 0:
                raise ValueError("maxtasksperchild must be a positive int or None")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._processes = processes
        self._host = self._start(processes, initializer, tuple(initargs), maxtasksperchild)

    def _start(self, processes, initializer, initargs, maxtasksperchild):
        options = host_pool.Options()
        options.set_workers(processes)
        if maxtasksperchild is not None:
            options.set_max_jobs_per_worker(maxtasksperchild)
        preparation = popen.preparation("SpawnPoolWorker")
        # The host names the workers: see `isopod.child`. A key may be pickled only for a `Process`.
        del preparation["name"]
        preparation["authkey"] = bytes(preparation["authkey"])
        options.set_initializer(*transport.dumps(preparation, (initializer, initargs)))
        try:
            return host_pool.Pool.create(options)
        except Err as error:
            if type(error.value) is host_types.ErrorCode_AccessDenied:
                raise AssertionError(
                    "daemonic processes are not allowed to have children"
                ) from None
            raise exception(error) from None

    def _job(self, do, function, items):
        return host_pool.Job(*transport.dumps((do, function, items)))

    def _check_running(self):
        if self._state != RUN:
            raise ValueError("Pool not running")

    def _submit(self, function, jobs, notify):
        self._check_running()
        label = str(getattr(function, "__qualname__", type(function).__name__))
        try:
            return self._host.submit(label, jobs, None, notify)
        except Err as error:
            raise exception(error) from None

    def apply(self, func, args=(), kwds={}):
        """Calls the function in a worker, and waits for its value."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(self, func, args=(), kwds={}, callback=None, error_callback=None):
        """Calls the function in a worker."""
        return self._apply_async(do_apply, func, args, kwds, callback, error_callback)

    def _apply_async(self, do, func, args, kwds, callback, error_callback):
        self._check_running()
        job = self._job(do, func, (tuple(args), dict(kwds)))
        return ApplyResult(self, func, [job], callback, error_callback)

    def map(self, func, iterable, chunksize=None):
        """The values of the function for all items, in their order."""
        return self.map_async(func, iterable, chunksize).get()

    def starmap(self, func, iterable, chunksize=None):
        """As `map`, for a function with several arguments."""
        return self.starmap_async(func, iterable, chunksize).get()

    def map_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        """As `map`, without waiting."""
        return self._map_async(do_map, func, iterable, chunksize, callback, error_callback)

    def starmap_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        """As `starmap`, without waiting."""
        return self._map_async(do_starmap, func, iterable, chunksize, callback, error_callback)

    def _map_async(self, do, func, iterable, chunksize, callback, error_callback):
        self._check_running()
        items = list(iterable)
        if chunksize is None:
            chunksize, rest = divmod(len(items), self._processes * 4)
            chunksize += bool(rest)
        chunks = itertools.batched(items, max(1, chunksize))
        jobs = [self._job(do, func, chunk) for chunk in chunks]
        return MapResult(self, func, jobs, callback, error_callback)

    def imap(self, func, iterable, chunksize=1):
        """An iterator over the values, in order."""
        return IMapIterator(self, func, iterable, chunksize)

    def imap_unordered(self, func, iterable, chunksize=1):
        """An iterator over the values, as they come."""
        return IMapUnorderedIterator(self, func, iterable, chunksize)

    def close(self):
        """Accepts no more jobs."""
        if self._state == RUN:
            self._state = CLOSE
            self._host.close()

    def terminate(self):
        """Ends the workers in any state."""
        self._state = TERMINATE
        self._host.terminate()

    def join(self):
        """Waits until the workers have ended and the callbacks have run."""
        if self._state == RUN:
            raise ValueError("Pool is still running")
        try:
            waiting.until(self._host.join, None)
        except Err as error:
            raise exception(error) from None
        for result in list(self._results):
            if result.is_done():
                waiting.forget(result)
                result.complete()

    def __reduce__(self):
        raise NotImplementedError(
            "pool objects cannot be passed between processes or pickled"
        )

    def __repr__(self):
        kind = type(self)
        return (
            f"<{kind.__module__}.{kind.__qualname__} state={self._state} "
            f"pool_size={self._processes}>"
        )

    def __del__(self):
        if getattr(self, "_state", None) == RUN and hasattr(self, "_host"):
            warnings.warn(
                f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self
            )

    def __enter__(self):
        self._check_running()
        return self

    def __exit__(self, kind, value, tb):
        self.terminate()


class ThreadPool(Pool):
    """A pool without processes: there are no threads, so calls run at their submission."""

    _is_inline = True

    def __init__(self, processes=None, initializer=None, initargs=()):
        super().__init__(processes, initializer, initargs)

    def _start(self, processes, initializer, initargs, maxtasksperchild):
        if initializer is not None:
            for _ in range(processes):
                initializer(*initargs)
        return InlinePool()

    def _job(self, do, function, items):
        return do, function, items
