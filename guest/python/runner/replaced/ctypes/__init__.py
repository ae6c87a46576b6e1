"""`ctypes` calls native code, which a sandbox has not."""

raise ImportError(
    "ctypes is not available: a WebAssembly process cannot load native code; "
    "shared values take typecodes, as multiprocessing.Value('i', 0)",
    name="ctypes",
)
