"""The modules that are imported when the component is built, so that no process imports them."""

import atexit
import importlib
import threading
import weakref

# `multiprocessing` whole, and what scripts import most. What is here costs memory that all processes
# share; what is missing costs a process some milliseconds when it imports it.
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
    """Imports them, and puts right what they take from the machine that builds."""
    from isopod import threads

    # What is registered first runs last: objects of the host are dropped by finalizers, and
    # `multiprocessing` needs them when it ends what is left of a process's children.
    weakref.finalize._registered_with_atexit = True
    atexit.unregister(weakref.finalize._exitfunc)
    atexit.register(weakref.finalize._exitfunc)
    # First: modules keep `threading.Lock` under names of their own.
    threads.install()
    import _threading_local
    import multiprocessing.reduction

    for name in _MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            # What this Python does not have gives its error in the script that asks for it.
            continue
    from isopod import loop, managers, transport

    managers.install()
    transport.install()
    loop.install()
    # Whether `forkserver` is offered. It was not looked at before: the default is to be `spawn`.
    multiprocessing.reduction.HAVE_SEND_HANDLE = True
    # One for each `threading.Thread` object; the other is one for each thread of the system. Not
    # before: `multiprocessing` itself is better off with the faster one.
    threading.local = _threading_local.local
