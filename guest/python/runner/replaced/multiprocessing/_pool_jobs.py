"""The run of a job in a worker of a pool, and its outcome."""

import traceback

from componentize_py_types import Err
from isopod import popen, transport
from isopod.errors import exception
from multiprocessing.context import ProcessError
from wit_world.imports import pool as host_pool


class WorkerLost(ProcessError):
    """The worker ended before it had finished the job."""

    __module__ = "multiprocessing.pool"

    exitcode = None


class MaybeEncodingError(Exception):
    """A result that cannot be pickled."""

    __module__ = "multiprocessing.pool"

    def __init__(self, exc, value):
        self.exc = repr(exc)
        self.value = repr(value)
        super().__init__(self.exc, self.value)

    def __str__(self):
        return f"Error sending result: '{self.value}'. Reason: '{self.exc}'"

    def __repr__(self):
        return f"<{type(self).__name__}: {self}>"


class RemoteTraceback(Exception):
    """The traceback in the worker, as the cause of the exception that `get` raises."""

    __module__ = "multiprocessing.pool"

    def __init__(self, text):
        self.tb = text

    def __str__(self):
        return self.tb


class ExceptionWithTraceback:
    """An exception in transit, with the text of its traceback."""

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


# The ways in which a job handles its items.


def do_apply(function, call):
    arguments, keywords = call
    return function(*arguments, **keywords)


def do_map(function, items):
    return [function(item) for item in items]


def do_starmap(function, items):
    return [function(*item) for item in items]


def do_submitted(function, call):
    """A call of an executor, for which `sys.exit` is an exception like any other."""
    try:
        return do_apply(function, call)
    except Exception:
        raise
    except BaseException as error:
        raise _Escaped from error


class _Escaped(Exception):
    """Wraps, as its cause, a raised object that is not an `Exception`."""


def serve(initializer, initargs):
    """The body of a worker."""
    if initializer is not None:
        initializer(*initargs)
    from isopod import start

    job = host_pool.next_job(None, [])
    while job is not None:
        payload, handles = _outcome(job.message)
        # The pool may be terminated as soon as it has the result, so the output is flushed first. CPython
        # mostly asks its workers to end before it kills them, and they flush then.
        start.flush()
        try:
            job = host_pool.next_job(host_pool.JobReport_Value(payload), handles)
        except Err as error:
            # The report is too large for a message; a smaller one may follow.
            refused = exception(error)
            payload, handles = transport.dumps((False, refused))
            job = host_pool.next_job(host_pool.JobReport_Value(payload), handles)


def _outcome(message):
    do = None
    try:
        do, function, items = transport.loads(message)
        result = True, do(function, items)
    except _Escaped as escaped:
        result = _failed(escaped.__cause__)
    except Exception as error:
        result = _failed(error)
    try:
        return transport.dumps(result)
    except Exception as error:
        if do is do_submitted:
            return transport.dumps(_failed(error))
        return transport.dumps((False, MaybeEncodingError(error, result[1])))
    except BaseException as error:
        if do is do_submitted:
            return transport.dumps(_failed(error))
        raise


def _failed(error):
    return False, ExceptionWithTraceback(error, error.__traceback__)


class Done:
    """The outcome of a call in this process."""

    def __init__(self, success, value):
        self.success = success
        self.value = value


def value_of(outcome):
    """The outcome of the job: whether it succeeded, and its value or exception."""
    match outcome:
        case Done(success=success, value=value):
            return success, value
        case host_pool.Outcome_Value(message):
            try:
                return transport.loads(message)
            except Exception as error:
                return False, error
            except SystemExit as error:
                # The exception would end this process instead of reporting the error.
                return False, ProcessError(f"a result cannot be unpickled: {error!r}")
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
