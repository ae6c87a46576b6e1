"""The layer between the host and the standard library's `multiprocessing`.

A plugin marks its functions with `isopod.function`, and raises `isopod.InvalidInput`.
"""


def __getattr__(name):
    # This import is late: a module that is imported before the standard library is embedded does not come
    # from the embedded one.
    if name in ("InvalidInput", "function"):
        from isopod import functions

        return getattr(functions, name)
    raise AttributeError(f"module 'isopod' has no attribute {name!r}")
