"""Pools of worker processes, which the host keeps.

The host knows which job each worker has. So a worker that dies fails that one job, with
`WorkerLost`, and is replaced; CPython's pool would wait for ever. Callbacks run in this process
while it waits for something: for a result, a lock, `time.sleep` or the end of the pool.
"""

import itertools
import os
import traceback
import warnings

from componentize_py_types import Err
from isopod import popen, transport, waiting
from isopod.errors import TIMED_OUT, exception
from multiprocessing import TimeoutError, get_context
from multiprocessing.context import ProcessError
from wit_world.imports import pool as host_pool
from wit_world.imports import types as host_types

__all__ = ["Pool", "ThreadPool"]

RUN, CLOSE, TERMINATE = "RUN", "CLOSE", "TERMINATE"
# How many jobs of an `imap` are submitted before the first result is taken.
_AHEAD = 64


class WorkerLost(ProcessError):
    """The worker ended before it had done the job."""

    exitcode = None


class MaybeEncodingError(Exception):
    """A result that cannot be pickled."""

    def __init__(self, exc, value):
        self.exc = repr(exc)
        self.value = repr(value)
        super().__init__(self.exc, self.value)

    def __str__(self):
        return f"Error sending result: '{self.value}'. Reason: '{self.exc}'"

    def __repr__(self):
        return f"<{type(self).__name__}: {self}>"


class RemoteTraceback(Exception):
    """The traceback in the worker, as the cause of what `get` raises."""

    def __init__(self, text):
        self.tb = text

    def __str__(self):
        return self.tb


class ExceptionWithTraceback:
    """An exception on its way, with the text of its traceback."""

    def __init__(self, error, tb):
        lines = traceback.format_exception(type(error), error, tb)
        self.exc = error
        self.exc.__traceback__ = None
        self.tb = f'\n"""\n{"".join(lines)}"""'

    def __reduce__(self):
        return rebuild_exc, (self.exc, self.tb)


def rebuild_exc(error, text):
    """The exception, with its remote traceback as its cause."""
    error.__cause__ = RemoteTraceback(text)
    return error


# What a job does with its items.


def _apply(function, call):
    arguments, keywords = call
    return function(*arguments, **keywords)


def _map(function, items):
    return [function(item) for item in items]


def _starmap(function, items):
    return [function(*item) for item in items]


def _serve(initializer, initargs):
    """The body of a worker."""
    if initializer is not None:
        initializer(*initargs)
    job = host_pool.next_job(None, [])
    while job is not None:
        payload, handles = _outcome(job.message)
        try:
            job = host_pool.next_job(host_pool.JobReport_Value(payload), handles)
        except Err as error:
            # Too large for a message; a smaller report may follow.
            refused = exception(error)
            payload, handles = transport.dumps((False, refused))
            job = host_pool.next_job(host_pool.JobReport_Value(payload), handles)


def _outcome(message):
    try:
        do, function, items = transport.loads(message)
        result = True, do(function, items)
    except Exception as error:
        result = False, ExceptionWithTraceback(error, error.__traceback__)
    try:
        return transport.dumps(result)
    except Exception as error:
        wrapped = MaybeEncodingError(error, result[1])
        return transport.dumps((False, wrapped))


class _Done:
    """The outcome of a call in this process."""

    def __init__(self, success, value):
        self.success = success
        self.value = value


def _value(outcome):
    """What the job gave: whether it succeeded, and its value or exception."""
    match outcome:
        case _Done(success=success, value=value):
            return success, value
        case host_pool.Outcome_Value(message):
            try:
                return transport.loads(message)
            except Exception as error:
                return False, error
        case host_pool.Outcome_WorkerLost(status):
            text = getattr(status, "value", None)
            error = WorkerLost(
                f"the worker ended with exit code {popen.exit_code(status)} before the job did"
                + (f": {text}" if isinstance(text, str) and text else "")
            )
            error.exitcode = popen.exit_code(status)
            return False, error
        case host_pool.Outcome_PoolBroken(text):
            return False, ProcessError(f"the pool cannot start workers: {text}")
        case _:
            return False, ProcessError(str(getattr(outcome, "value", outcome)))


class Pool:
    """A number of worker processes, and the jobs that they are given."""

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
        # The host names them: see `isopod.child`. A key may be pickled for a `Process` only.
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
        self._check_running()
        job = self._job(_apply, func, (tuple(args), dict(kwds)))
        return ApplyResult(self, func, [job], callback, error_callback)

    def map(self, func, iterable, chunksize=None):
        """The values of the function for all items, in their order."""
        return self.map_async(func, iterable, chunksize).get()

    def starmap(self, func, iterable, chunksize=None):
        """As `map`, of a function with several arguments."""
        return self.starmap_async(func, iterable, chunksize).get()

    def map_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        """As `map`, without waiting."""
        return self._map_async(_map, func, iterable, chunksize, callback, error_callback)

    def starmap_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        """As `starmap`, without waiting."""
        return self._map_async(_starmap, func, iterable, chunksize, callback, error_callback)

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
        """Takes no more jobs."""
        if self._state == RUN:
            self._state = CLOSE
            self._host.close()

    def terminate(self):
        """Ends the workers, whatever they do."""
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


class ApplyResult:
    """The result of one call, or of all of a `map`."""

    def __init__(self, pool, function, jobs, callback, error_callback):
        self._pool = pool
        self._callback = callback
        self._error_callback = error_callback
        self._result = None
        has_callback = callback is not None or error_callback is not None
        self._batch = pool._submit(function, jobs, has_callback)
        if has_callback:
            pool._results.add(self)
            waiting.expect(self)
            if isinstance(pool, ThreadPool):
                # Nobody tells of what is done already.
                waiting.forget(self)
                self.complete()

    def is_done(self):
        """For `isopod.waiting`: whether `complete` would not wait."""
        return self._result is not None or self._batch.is_done()

    def complete(self):
        """Takes the result and calls the callback, once."""
        self._pool._results.discard(self)
        callback, self._callback = self._callback, None
        error_callback, self._error_callback = self._error_callback, None
        success, value = self._taken()
        called = callback if success else error_callback
        if called is None:
            return
        try:
            called(value)
        except Exception:
            # An error of a callback is told; in CPython it would end the pool's results.
            traceback.print_exc()

    def _taken(self):
        if self._result is None:
            self._result = self._combined([_value(one) for one in self._batch.take_all(None)])
            self._batch = None
        return self._result

    def _combined(self, values):
        return values[0]

    def ready(self):
        """Whether the result is there."""
        if self._result is None and not self._batch.is_done():
            return False
        if self._callback is not None or self._error_callback is not None:
            # Before anybody sees the result, as in CPython.
            waiting.forget(self)
            self.complete()
        return True

    def successful(self):
        """Whether the call raised nothing."""
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return self._taken()[0]

    def wait(self, timeout=None):
        """Waits until the result is there."""
        if self._result is not None:
            return
        try:
            # A callback that runs meanwhile may take this very result.
            waiting.until(self._wait_once, waiting.nanoseconds(timeout))
        except Err as error:
            if type(error.value) is not TIMED_OUT:
                raise exception(error) from None
        self.ready()

    def _wait_once(self, nanos):
        if self._result is None:
            self._batch.wait(nanos)

    def get(self, timeout=None):
        """The value, or raises what the call raised."""
        self.wait(timeout)
        if not self.ready():
            raise TimeoutError
        success, value = self._taken()
        if success:
            return value
        raise value


AsyncResult = ApplyResult


class MapResult(ApplyResult):
    """The result of a `map`."""

    def _combined(self, values):
        for success, value in values:
            if not success:
                return False, value
        return True, list(itertools.chain.from_iterable(value for _, value in values))


class IMapIterator:
    """Values in the order of the items. Items are taken as values are."""

    def __init__(self, pool, function, iterable, chunksize):
        if chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")
        self._pool = pool
        self._function = function
        self._chunksize = chunksize
        self._chunks = itertools.batched(self._guarded(iterable), chunksize)
        self._unread = iter(())
        self._error = None
        self._open = 0
        pool._check_running()
        self._batch = pool._submit(function, [], False)
        self._ahead = max(_AHEAD, 4 * pool._processes)
        self._top_up()

    def _guarded(self, iterable):
        """The items up to an exception, which is raised in its place."""
        try:
            yield from iterable
        except Exception as error:
            self._error = error

    def _top_up(self):
        wanted = self._ahead - self._open
        # Not one by one: each is a call of the host.
        if wanted * 2 < self._ahead or self._pool._state == TERMINATE:
            return
        jobs = [
            self._pool._job(_map, self._function, chunk)
            for chunk in itertools.islice(self._chunks, wanted)
            # What comes before an exception in the same chunk is lost with it, as in CPython.
            if self._error is None or len(chunk) == self._chunksize
        ]
        if jobs:
            self._open += len(jobs)
            try:
                self._batch.add(jobs)
            except Err as error:
                raise exception(error) from None

    def _next_outcome(self, nanos):
        return self._batch.next(nanos)

    def next(self, timeout=None):
        """The next value; raises TimeoutError if it does not come in time."""
        for value in self._unread:
            return value
        if not self._open:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            raise StopIteration
        try:
            outcome = waiting.until(self._next_outcome, waiting.nanoseconds(timeout))
        except Err as error:
            if type(error.value) is TIMED_OUT:
                raise TimeoutError from None
            raise exception(error) from None
        self._open -= 1
        self._top_up()
        success, value = _value(outcome)
        if not success:
            raise value
        self._unread = iter(value)
        return self.next(timeout)

    __next__ = next

    def __iter__(self):
        return self


class IMapUnorderedIterator(IMapIterator):
    """Values as they come."""

    def _next_outcome(self, nanos):
        return self._batch.next_ended(nanos)[1]


class ThreadPool(Pool):
    """A pool without processes: there are no threads, so calls run when they are submitted."""

    def __init__(self, processes=None, initializer=None, initargs=()):
        super().__init__(processes, initializer, initargs)

    def _start(self, processes, initializer, initargs, maxtasksperchild):
        if initializer is not None:
            for _ in range(processes):
                initializer(*initargs)
        return _Inline()

    def _job(self, do, function, items):
        return do, function, items


class _Inline:
    """What stands for the host's pool in a `ThreadPool`."""

    def submit(self, label, jobs, timeout, notify):
        batch = _InlineBatch()
        batch.add(jobs)
        return batch

    def close(self):
        pass

    terminate = close

    def join(self, timeout):
        pass


class _InlineBatch:
    """What stands for a batch of the host's pool in a `ThreadPool`."""

    def __init__(self):
        self._values = []

    def add(self, jobs):
        for do, function, items in jobs:
            try:
                self._values.append(_Done(True, do(function, items)))
            except Exception as error:
                self._values.append(_Done(False, error))

    def is_done(self):
        return True

    def wait(self, timeout):
        pass

    def take_all(self, timeout):
        return self._values

    def next(self, timeout):
        return self._values.pop(0)

    def next_ended(self, timeout):
        return 0, self._values.pop(0)
