"""The results of a pool: of one call, of a `map`, and one by one."""

import itertools
import traceback

from componentize_py_types import Err
from isopod import waiting
from isopod.errors import TIMED_OUT, exception
from multiprocessing._pool_jobs import do_map, value_of
from multiprocessing.context import TimeoutError

# The number of jobs of an `imap` that are submitted before the first result is taken.
_AHEAD = 64


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
            if pool._is_inline:
                # Nothing will report this batch, because it is done already.
                waiting.forget(self)
                self.complete()

    def is_done(self):
        """For `isopod.waiting`: whether `complete` would return at once."""
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
            # An error of a callback is reported; in CPython it would end the pool's results.
            traceback.print_exc()

    def _taken(self):
        if self._result is None:
            self._result = self._combined([value_of(one) for one in self._batch.take_all(None)])
            self._batch = None
        return self._result

    def _combined(self, values):
        return values[0]

    def ready(self):
        """Whether the result has arrived."""
        if self._result is None and not self._batch.is_done():
            return False
        if self._callback is not None or self._error_callback is not None:
            # The callback runs before the caller can see the result, as in CPython.
            waiting.forget(self)
            self.complete()
        return True

    def successful(self):
        """Whether the call raised nothing."""
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return self._taken()[0]

    def wait(self, timeout=None):
        """Waits until the result has arrived."""
        if self._result is not None:
            return
        try:
            # A callback that runs meanwhile may take the same result.
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
        # Without callbacks that could be due, one call waits for the result and takes it.
        if timeout is not None or waiting.is_used:
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
    """Values in the order of the items. It takes items as the caller takes values."""

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
        """The items up to an exception, which is raised at its position."""
        try:
            yield from iterable
        except Exception as error:
            self._error = error

    def _top_up(self):
        wanted = self._ahead - self._open
        # It does not submit jobs one by one, because each submission is a host call.
        if wanted * 2 < self._ahead or self._pool._state == "TERMINATE":
            return
        jobs = [
            self._pool._job(do_map, self._function, chunk)
            for chunk in itertools.islice(self._chunks, wanted)
            # Values before an exception in the same chunk are lost with it, as in CPython.
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
        success, value = value_of(outcome)
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
