"""What stands between the host and the standard library's `multiprocessing`.

A plugin marks its functions with `isopod.function`, and raises `isopod.InvalidInput`.
"""


def __getattr__(name):
    # Late: what is imported before the standard library is embedded is not the embedded one.
    if name in ("InvalidInput", "function"):
        from isopod import functions

        return getattr(functions, name)
    raise AttributeError(f"module 'isopod' has no attribute {name!r}")
