"""The host's errors, as the exceptions of Python."""

import errno

from componentize_py_types import Err
from wit_world.imports import types as host_types

# `Err` is a frozen dataclass, but code that handles exceptions may set their `__traceback__`.
Err.__setattr__ = BaseException.__setattr__
Err.__delattr__ = BaseException.__delattr__

TIMED_OUT = host_types.ErrorCode_TimedOut
EMPTY = host_types.ErrorCode_Empty
FULL = host_types.ErrorCode_Full
# The errors of a wait whose timeout has passed.
PASSED = (TIMED_OUT, EMPTY, FULL)

_WITHOUT_TEXT = {
    host_types.ErrorCode_TimedOut: lambda: TimeoutError("timed out"),
    host_types.ErrorCode_Closed: lambda: ValueError("closed"),
    host_types.ErrorCode_EndOfFile: lambda: EOFError(),
    host_types.ErrorCode_BrokenPipe: lambda: BrokenPipeError(errno.EPIPE, "Broken pipe"),
    host_types.ErrorCode_ReadOnly: lambda: OSError("connection is read-only"),
    host_types.ErrorCode_WriteOnly: lambda: OSError("connection is write-only"),
    host_types.ErrorCode_NotHeld: lambda: ValueError(
        "semaphore or lock released too many times"
    ),
    host_types.ErrorCode_NotOwner: lambda: AssertionError("lock is not owned"),
    host_types.ErrorCode_NotAChild: lambda: AssertionError("can only join a child process"),
    host_types.ErrorCode_WrongKind: lambda: TypeError("the handle is of another kind"),
    host_types.ErrorCode_PoolNotRunning: lambda: ValueError("Pool not running"),
    host_types.ErrorCode_PoolStillRunning: lambda: ValueError("Pool is still running"),
}
_WITH_TEXT = {
    host_types.ErrorCode_InvalidArgument: ValueError,
    host_types.ErrorCode_MessageTooLarge: ValueError,
    host_types.ErrorCode_LimitExceeded: lambda text: OSError(errno.ENOMEM, text),
    host_types.ErrorCode_AccessDenied: lambda text: PermissionError(errno.EACCES, text),
    host_types.ErrorCode_NotFound: lambda text: FileNotFoundError(errno.ENOENT, text),
    host_types.ErrorCode_AlreadyExists: lambda text: FileExistsError(errno.EEXIST, text),
}


def exception(error: Err) -> Exception:
    """The exception for an error of the host. Raise it `from None`."""
    code = error.value
    if type(code) in _WITHOUT_TEXT:
        return _WITHOUT_TEXT[type(code)]()
    text = getattr(code, "value", type(code).__name__)
    return _WITH_TEXT.get(type(code), RuntimeError)(text)
