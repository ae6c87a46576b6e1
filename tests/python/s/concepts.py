"""What processes are for.

S1  the sum is the same by threads, which take turns, and by processes, which do not
S2  the sum of 4,000,000 numbers, by one and by four threads
S3  a sum beyond 64 bits, alone, by two processes and by two threads
S5  memory is not shared
S6  the parts of the module
S7  a pool of four for 1,000 tasks
S51 the builtin `map`
"""

import multiprocessing
import multiprocessing.managers
import os
import threading
from multiprocessing import Pool, Process, Queue

STEPS = 10**7
kept = [11, 22]


def add(first, end, sums):
    sums.append(sum(range(first, end)))


def squares(start):
    # Each tenth of the numbers below 10,000,000.
    total = 0
    for i in range(start, STEPS, 20):
        total += i**2
    return total


def put_squares(start, queue):
    queue.put(squares(start))


def by_threads(function, arguments):
    threads = [threading.Thread(target=function, args=one) for one in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def change():
    kept.append(33)
    print("in the child:", kept, flush=True)


def pid_of(_):
    return os.getpid()


def main():
    multiprocessing.set_start_method("spawn")
    alone, sums = [], []
    add(0, 4_000_000, alone)
    by_threads(add, [(i * 1_000_000, (i + 1) * 1_000_000, sums) for i in range(4)])
    print(alone[0], sum(sums))

    queue, by_thread = Queue(), []
    processes = [Process(target=put_squares, args=(start, queue)) for start in (0, 10)]
    for process in processes:
        process.start()
    by_process = queue.get() + queue.get()
    for process in processes:
        process.join()
    by_threads(lambda start: by_thread.append(squares(start)), [(0,), (10,)])
    print(squares(0) + squares(10), by_process, sum(by_thread), by_process > 2**64)

    process = Process(target=change)
    process.start()
    process.join()
    print("in main:", kept)

    names = """Process Pool Queue Value Array Pipe Manager Condition Event Lock RLock Semaphore
        BoundedSemaphore Barrier JoinableQueue SimpleQueue"""
    print([name for name in names.split() if not hasattr(multiprocessing, name)])
    print(hasattr(multiprocessing.managers, "Namespace"))

    with Pool(4) as pool:
        pids = pool.map(pid_of, range(1000))
    print(len(pids), 1 <= len(set(pids)) <= 4, os.getpid() in pids)

    lazy = map(str, [1, 2, 3, 4, 5])
    print(type(lazy).__name__, list(lazy), list(lazy))
    print(list(map(lambda x, y: (x, y), [1, 2, 3], [6, 7])))


if __name__ == "__main__":
    main()
