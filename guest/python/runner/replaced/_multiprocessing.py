"""The names that modules expect in CPython's own; the locks are in `multiprocessing.synchronize`."""


class SemLock:
    """Only its constant is useful here."""

    SEM_VALUE_MAX = 2**31 - 1


flags = {}
