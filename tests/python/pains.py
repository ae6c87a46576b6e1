"""What makes CPython's multiprocessing hang, and here does not. No native run is compared.

1  a pool whose worker dies
2  a process is joined before its queue was read
3  a lock is held, or a queue read, by a process that is ended
7  what cannot be pickled: in a message, as a result, as an exception

`more_pains.py` and `unguarded.py` have others. Of the rest, 5 (the time of a start) and 13 (the time of
messages) are measured by the benchmarks, and 14 (Ctrl-C) is tried from the command line.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import Event, Lock, Pipe, Pool, Process, Queue, active_children
from multiprocessing.pool import MaybeEncodingError, WorkerLost


class Awkward(Exception):
    """It cannot be unpickled."""

    def __init__(self, first, second):
        super().__init__(first)


def die(code):
    os._exit(code)


def leave(code):
    sys.exit(code)


def square(x):
    return x * x


def awkward():
    raise Awkward(1, 2)


def unpicklable():
    return lambda: None


def hold(lock, held):
    lock.acquire()
    held.set()
    time.sleep(600)


def fill(queue):
    queue.put("x" * 1_000_000)


def fail_twice(value):
    raise RuntimeError("a callback that fails")


def main():
    with Pool(2) as pool:
        for task in (die, leave):
            try:
                pool.apply(task, (3,))
            except WorkerLost as error:
                print("worker lost with", error.exitcode)
        print(pool.map(square, range(4)))
        try:
            pool.apply(awkward)
        except TypeError:
            print("an exception that cannot be unpickled")
        try:
            pool.apply(unpicklable)
        except MaybeEncodingError:
            print("a result that cannot be pickled")
        pool.apply_async(square, (1,), callback=fail_twice).wait()
        print(pool.apply(square, (5,)))
    with ProcessPoolExecutor(1) as executor:
        try:
            executor.submit(die, 1).result()
        except BrokenProcessPool:
            print("broken")
    lock, held = Lock(), Event()
    holder = Process(target=hold, args=(lock, held))
    holder.start()
    held.wait()
    holder.kill()
    holder.join()
    print("the lock of a killed process:", lock.acquire(timeout=30), lock.abandoned)
    queue = Queue()
    process = Process(target=fill, args=(queue,))
    process.start()
    process.join()
    print("joined before the queue was read", len(queue.get()))
    reader = Process(target=queue.get)
    reader.start()
    reader.terminate()
    reader.join()
    queue.put(1)
    print("a queue after its reader was terminated", queue.get(timeout=30))
    try:
        queue.put(lambda: None)
    except Exception as error:
        print("told at once:", type(error).__name__, queue.qsize())
    ours, theirs = Pipe()
    theirs.close()
    try:
        ours.send(1)
    except BrokenPipeError:
        print("broken pipe")
    print(active_children())


if __name__ == "__main__":
    main()
