"""The modules that are imported when the component is built, so that no process imports them."""

import atexit
import importlib
import threading
import weakref

# The whole of `multiprocessing`, and the modules that scripts import most. A listed module takes memory that
# all processes share. A missing one costs a process some milliseconds at its import.
_MODULES = """
abc argparse array ast asyncio atexit base64 bisect builtins calendar cmath codecs collections
collections.abc concurrent.futures concurrent.futures.process concurrent.futures.thread configparser
contextlib copy csv ctypes dataclasses datetime decimal dis doctest email.message enum errno fnmatch
fractions functools gc getpass glob gzip hashlib heapq hmac html importlib importlib.metadata
importlib.util inspect io itertools json keyword linecache locale logging logging.handlers math
multiprocessing multiprocessing.connection multiprocessing.dummy multiprocessing.managers
multiprocessing.pool multiprocessing.popen_fork multiprocessing.popen_forkserver
multiprocessing.popen_spawn_posix multiprocessing.process multiprocessing.queues
multiprocessing.reduction multiprocessing.resource_tracker multiprocessing.shared_memory
multiprocessing.sharedctypes multiprocessing.spawn multiprocessing.synchronize multiprocessing.util
numbers operator os os.path pathlib pickle pkgutil platform pprint queue random re runpy sched select
secrets selectors shlex shutil signal socket sqlite3 stat statistics string struct subprocess sys
tempfile textwrap threading time timeit tokenize traceback types typing unittest urllib.parse uuid
warnings weakref zipfile zlib zoneinfo
""".split()


def import_all():
    """Imports them, and corrects the values that they take from the building machine."""
    from isopod import threads

    # The function that is registered first runs last. Finalizers drop objects of the host, and
    # `multiprocessing` still needs these when it ends the remaining children of a process.
    weakref.finalize._registered_with_atexit = True
    atexit.unregister(weakref.finalize._exitfunc)
    atexit.register(weakref.finalize._exitfunc)
    # This comes first, because modules keep `threading.Lock` under names of their own.
    threads.install()
    import _threading_local
    import multiprocessing.reduction

    for name in _MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            # For a module that this Python lacks, the error comes in the script that imports it.
            continue
    from isopod import loop, managers, transport

    managers.install()
    transport.install()
    loop.install()
    # This decides whether `forkserver` is offered. It is set only now, because the default must be `spawn`.
    multiprocessing.reduction.HAVE_SEND_HANDLE = True
    # This class has one value for each `threading.Thread` object, the other one for each thread of the
    # system. It is replaced only now, so that `multiprocessing` itself has the faster one.
    threading.local = _threading_local.local
