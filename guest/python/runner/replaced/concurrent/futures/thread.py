"""`ThreadPoolExecutor` without threads: a call runs at its submission."""

import os
from concurrent.futures import _base

__all__ = ["BrokenThreadPool", "ThreadPoolExecutor"]


class BrokenThreadPool(_base.BrokenExecutor):
    """The initializer failed."""


class ThreadPoolExecutor(_base.Executor):
    """Calls functions, one after the other."""

    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=()):
        if max_workers is None:
            max_workers = min(32, (os.process_cpu_count() or 1) + 4)
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._max_workers = max_workers
        self._initializer, self._initargs = initializer, initargs
        self._is_shut_down = False
        self._is_broken = False

    def submit(self, fn, /, *args, **kwargs):
        """Calls the function."""
        if self._is_broken:
            raise BrokenThreadPool("the initializer has failed, the pool is not usable anymore")
        if self._is_shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = _base.Future()
        initializer, self._initializer = self._initializer, None
        if initializer is not None:
            try:
                initializer(*self._initargs)
            except BaseException as error:
                self._is_broken = True
                raise BrokenThreadPool("the initializer has failed") from error
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Accepts no more calls."""
        self._is_shut_down = True
