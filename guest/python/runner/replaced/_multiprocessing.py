"""What modules look for in CPython's own; the locks are in `multiprocessing.synchronize`."""


class SemLock:
    """Only its constant is of use here."""

    SEM_VALUE_MAX = 2**31 - 1


flags = {}
