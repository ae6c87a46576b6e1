"""Hostile programs in Python: the first argument names one. A program that waits or goes on for ever reports
on the embedder's queue `ready`, or on standard output where there is none, that it has come to its point. It
may write `/data`, or `/tmp`."""

import multiprocessing
import multiprocessing.connection
import multiprocessing.managers
import multiprocessing.shared_memory
import os
import re
import sys
import threading
import time

from wit_world.imports import process as host_process
from wit_world.imports import queue as host_queue

MIB = 1 << 20
MOST = 10**9


def ready():
    queue = host_process.inherited("ready")
    if queue is None:
        print("ready", flush=True)
    else:
        host_queue.Queue.open(queue).put(b"\0", [], None)


def rest():
    while True:
        time.sleep(3600)


def hold(take, most=MOST):
    """Takes until a take is refused, or until `most` takes; holds all that it took."""
    held, why = [], None
    try:
        while len(held) < most:
            held.append(take(len(held)))
    except Exception as error:
        why = f"{type(error).__name__}: {error}"[:200]
    count = len(held)
    if isinstance(why, str) and "MemoryError" in why:
        # Makes room for the report.
        del held[count // 2 :]
    print(f"refused after {count}: {why}", flush=True)
    ready()
    rest()


def start(target, *args, **options):
    process = multiprocessing.Process(target=target, args=args, daemon=True, **options)
    process.start()
    return process


def ended(target, *args, **options):
    process = start(target, *args, **options)
    process.join()
    return process


# ---- Names and reports ----


class Long(Exception):
    """Its text has 5 MiB."""

    def __str__(self):
        return "long\n" * MIB


def raise_long():
    raise Long


def raise_chain(count):
    error = ValueError("x" * 500)
    for _ in range(count):
        following = ValueError("x" * 500)
        following.__cause__ = error
        error = following
    raise error


def raise_groups(depth):
    error = ValueError("x" * 500)
    for _ in range(depth):
        error = ExceptionGroup("x" * 500, [error, ValueError("y")])
    raise error


def recurse(depth=0):
    return recurse(depth + 1) + 1


def long_exception():
    raise_long()


def chained_exceptions():
    raise_chain(900)


def nested_groups():
    raise_groups(100)


def exceptions_of_children():
    def take(number):
        return ended([raise_long, raise_groups, raise_chain][number % 3], *[[], [50], [200]][number % 3])

    hold(take, 12)


def exceptions_of_jobs():
    with multiprocessing.Pool(1) as pool:
        hold(lambda number: pool.apply_async(raise_chain, (200,)).wait(), 20)


def names_of_processes():
    hold(lambda number: start(time.sleep, 3600, name="a\nforged \u202e" + "n" * MIB), 30)


class Labelled:
    """A target whose label has a mebibyte."""

    def __getattr__(self, name):
        if name == "__qualname__":
            return "q\n" * (MIB // 2)
        raise AttributeError(name)

    def __call__(self):
        time.sleep(3600)


def labels():
    hold(lambda number: start(Labelled()), 6)


# ---- Objects of the host ----


def objects():
    kinds = [multiprocessing.Lock, multiprocessing.Condition, multiprocessing.Event, multiprocessing.Queue]
    hold(lambda number: kinds[number % 4]())


def barriers():
    hold(lambda number: multiprocessing.Barrier(2**31 - 1))


def queues_in_a_queue():
    outer = multiprocessing.Queue()
    hold(lambda number: outer.put(multiprocessing.Queue()))


def chain_of_queues():
    last = [multiprocessing.Queue()]

    def take(number):
        following = multiprocessing.Queue()
        following.put(last[0])
        last[0] = following

    hold(take)


def full_pipes():
    def take(number):
        ends = multiprocessing.Pipe()
        for end in ends:
            end.send_bytes(bytes(60 << 10))
        return ends

    hold(take)


def shared_memories():
    hold(lambda number: multiprocessing.shared_memory.SharedMemory(create=True, size=64 << 10))


def arrays():
    hold(lambda number: multiprocessing.Array("d", 100_000))


def arguments_that_wait():
    hold(lambda number: start(sleep_beside, bytes(8 * MIB)), 20)


def sleep_beside(argument):
    time.sleep(3600)


def initialisers():
    hold(lambda number: multiprocessing.Pool(2, sleep_beside, (bytes(8 * MIB),)), 8)


def unwanted_results():
    with multiprocessing.Pool(2) as pool:
        hold(lambda number: pool.apply_async(bytes, (MIB,)).wait(), 200)


def managers():
    hold(lambda number: multiprocessing.Manager())


def dicts_of_a_manager():
    manager = multiprocessing.Manager()
    outer = manager.dict()

    def take(number):
        inner = manager.dict()
        inner["itself"] = outer
        outer[number] = inner

    hold(take, 20_000)


def values_of_a_manager():
    shared = multiprocessing.Manager().dict()
    hold(lambda number: shared.__setitem__(str(number) * 100, bytes(100_000)))


def listeners():
    def take(number):
        listener = multiprocessing.connection.Listener()
        return listener, multiprocessing.connection.Client(listener.address)

    hold(take)


# ---- Messages and pickles ----


class Bomb:
    """Takes the memory of its reader."""

    def __reduce__(self):
        return bytes, (1 << 30,)


class Endless:
    """Never read to its end."""

    def __reduce__(self):
        return max, (Ones(),)


class Ones:
    def __iter__(self):
        return self

    def __next__(self):
        return 1


def laughs():
    """2**30 elements, of which the message has 30."""
    value = ["ha"]
    for _ in range(30):
        value = [value, value]
    return value


def flatten(queue):
    value = queue.get()
    ready()
    while True:
        value = [part for part in value for part in (part, part)]


def pickles_that_expand():
    queue = multiprocessing.Queue()

    def take(number):
        queue.put([Bomb(), laughs()][number % 2])
        return ended(flatten if number % 2 == 0 else queue_get, queue)

    hold(take, 4)


def queue_get(queue):
    len(str(queue.get())[: 1 << 10])


def pickles_without_end():
    queue = multiprocessing.Queue()
    queue.put(Endless())
    ready()
    queue.get()


def nested_messages():
    queue = multiprocessing.Queue()
    value = []
    for _ in range(100_000):
        value = [value]
    try:
        queue.put(value)
    except RecursionError as error:
        print("refused:", error, flush=True)
    # Freeing all of it at once takes long.
    hold(lambda number: nested(1_000), 1_000)


def nested(depth):
    value = ()
    for _ in range(depth):
        value = (value,)
    return value


def messages_that_wait():
    queue = multiprocessing.Queue()
    hold(lambda number: queue.put(bytes(MIB)))


# ---- Files, output, descriptors ----


def own_directory():
    above = "/data" if os.path.isdir("/data") else "/tmp"
    path = f"{above}/{os.getpid()}-{time.time_ns()}"
    os.mkdir(path)
    return path


def nested_directories():
    path = [own_directory()]

    def take(number):
        path[0] += "/d"
        os.mkdir(path[0])

    hold(take)


def small_files():
    directory = own_directory()
    hold(lambda number: open(f"{directory}/{number}", "w").close())


def large_file():
    file = open(f"{own_directory()}/file", "wb", buffering=0)
    hold(lambda number: file.write(bytes(MIB)) - MIB)


def gaps():
    directory = own_directory()

    def take(number):
        with open(f"{directory}/{number}", "wb") as file:
            file.truncate(1 << 40)

    hold(take)


def links():
    directory = own_directory()
    for out in ("/", "..", "../../etc", "./../.."):
        try:
            os.symlink(out, f"{directory}/out")
        except OSError:
            continue
        sys.exit(f"made: a link to {out}")
    hold(lambda number: os.symlink(f"{number}", f"{directory}/{number}-link"))


def refusals():
    """Makes many calls that are refused, in two ways."""
    directory = own_directory()
    for _ in range(20_000):
        for forbidden in (lambda: os.symlink("..", f"{directory}/out"), lambda: os.stat(f"{directory}/../../../x")):
            try:
                forbidden()
            except OSError:
                continue
            sys.exit("it was not refused")


def open_files():
    path = f"{own_directory()}/file"
    open(path, "w").close()

    for _ in range(3):
        start(hoard, path)
    hold(lambda number: open(path))


def hoard(path):
    hold(lambda number: open(path))


def output():
    ready()
    while True:
        print("more of it\n" * 1000, end="", file=sys.stderr)


def endless_line_of_children():
    for _ in range(4):
        start(write_for_ever)
    hold(lambda number: None, 1)


def write_for_ever():
    while True:
        sys.stderr.write("x" * 10_000)


# ---- Endless computation and waits ----


def large_number():
    ready()
    print(len(str(7 ** (10**8))))


def hopeless_pattern():
    ready()
    re.match("(a+)+$", "a" * 60 + "b")


def long_copies():
    held = bytearray(20 * MIB)
    ready()
    while True:
        held[1:] = held[:-1]
        held.find(b"1" * 100)


def long_sort():
    held = list(range(100_000)) * 2
    ready()
    while True:
        held.sort(key=lambda number: -number)


def deep_recursion():
    recurse()


def deep_recursion_below():
    sys.setrecursionlimit(10**9)
    recurse()


def threads_that_sleep():
    for _ in range(5_000):
        threading.Thread(target=time.sleep, args=(3600,)).start()
    ready()
    rest()


def sleeps_once():
    ready()
    rest()


def sleepers():
    hold(lambda number: start(time.sleep, 3600))


def children_without_end():
    hold(lambda number: ended(len, ()), 150)


def circle_of_locks():
    locks = [multiprocessing.Lock() for _ in range(12)]
    for first, second in zip(locks, locks[1:] + locks[:1]):
        start(take_both, first, second, name="waits" * 50)
    rest()


def take_both(first, second):
    with first:
        ready()
        with second:
            pass


def wait_for_many():
    receivers = [multiprocessing.Pipe(False) for _ in range(1_000)]
    ready()
    multiprocessing.connection.wait([receiver for receiver, _ in receivers])


SCENARIOS = {
    name.replace("_", "-"): function for name, function in dict(globals()).items() if callable(function)
}

if __name__ == "__main__":
    if sys.argv[1] != "nothing":
        SCENARIOS[sys.argv[1]]()
