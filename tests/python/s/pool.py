"""Pools.

S30 the arguments of Pool; the workers are there at once
S31 a number of tasks at a time, and those that wait are served in order
S32 the initializer runs once in each worker
S33 maxtasksperchild
S34 the context of the workers
S35 apply() is one task after the other
S36 apply_async() returns at once; results in the order of submission
S37 get() after each apply_async() is apply()
S38 callback runs in the parent
S39 error_callback runs in the parent; get() raises the worker's exception
S40 map()
S41 map_async() with one callback for all
S42 close() lets queued tasks finish
S43 no task after close()
S44 terminate() stops at once
S45 join() before close() is an error
S47 who has ended is no longer among the children
S48 ten empty tasks on five workers
S49 ten tasks on three workers
S50 results are there after join()
"""

import multiprocessing
import os
import time
from multiprocessing import Barrier, Manager, Pool, Process, active_children, get_context

started = 0
barrier = None


def failure(call, *arguments):
    try:
        return call(*arguments)
    except (ArithmeticError, ValueError, multiprocessing.TimeoutError) as error:
        return f"{type(error).__name__}: {error}"


def start(amount):
    global started
    started += amount


def keep(given):
    global barrier
    barrier = given


def meet(_):
    return barrier.wait(60) >= 0


def times_started(_):
    time.sleep(0.01)
    return started


def square(x):
    return x * x


def pid_of(_):
    return os.getpid()


def short(x):
    time.sleep(0.2)
    return x, os.getpid()


def divide(x):
    return 1 // x


def record(i, log):
    log.append(("started", i))
    log.append(("ended", i))


def endless(_):
    time.sleep(600)


def nothing():
    pass


def elapsed_less_than(bound, call):
    begin = time.monotonic()
    value = call()
    return value, time.monotonic() - begin < bound


def workers():
    print(failure(Pool, 0))
    with Pool(3, keep, (Barrier(3),)) as pool:
        # Each waits for the two others.
        print(pool.map(meet, range(3), 1))
    with Pool(3, initializer=start, initargs=(2,)) as pool:
        print(set(pool.map(times_started, range(12), 1)))
    with Pool(1, start, (1,), maxtasksperchild=3) as pool:
        pids = [pool.apply(pid_of, (i,)) for i in range(9)]
        print([pids.count(pid) for pid in dict.fromkeys(pids)])
    with get_context("spawn").Pool(1) as pool:
        print(pool.apply(square, (3,)))
    with Pool() as pool:
        print(f"pool_size={os.cpu_count()}" in repr(pool))


def one_and_many():
    with Pool(4) as pool:
        pool.map(short, range(4), 1)
        results, was_fast = elapsed_less_than(
            0.8, lambda: [pool.apply(short, (i,))[0] for i in range(4)]
        )
        print(results, was_fast)
        waiting, was_fast = elapsed_less_than(
            0.2, lambda: [pool.apply_async(short, (i,)) for i in range(8)]
        )
        print(was_fast, [one.get()[0] for one in waiting])
        results, was_fast = elapsed_less_than(
            0.8, lambda: [pool.apply_async(short, (i,)).get()[0] for i in range(4)]
        )
        print(results, was_fast)
        results, was_fast = elapsed_less_than(1.4, lambda: pool.map(short, range(8), 1))
        print([x for x, _ in results], was_fast, len({pid for _, pid in results}) <= 4)


def callbacks():
    told = []
    with Pool(2) as pool:

        def note(value):
            told.append((value, os.getpid() == main_pid))

        main_pid = os.getpid()
        results = [pool.apply_async(square, (i,), callback=note) for i in range(5)]
        bad = pool.apply_async(divide, (0,), callback=note, error_callback=note)
        every = pool.map_async(square, range(4), callback=note)
        for result in [*results, every]:
            result.get()
        print(failure(bad.get).partition(":")[0], bad.successful())
        try:
            bad.get()
        except ZeroDivisionError as error:
            print(type(error.__cause__).__name__, "divide" in str(error.__cause__))
        pool.close()
        pool.join()
    print(sorted(repr(one) for one in told if not isinstance(one[0], ZeroDivisionError)))
    print([is_parent for value, is_parent in told if isinstance(value, ZeroDivisionError)])


def ends():
    pool = Pool(2)
    print(pool.map(square, range(10)), failure(pool.join))
    late = [pool.apply_async(short, (i,)) for i in range(4)]
    pool.close()
    print(failure(pool.apply_async, square, (1,)))
    pool.join()
    print([one.get()[0] for one in late], active_children())
    pool = Pool(2)
    stuck = pool.map_async(endless, range(10))
    print(failure(stuck.get, 0.05).partition(":")[0], stuck.ready())
    pool.terminate()
    pool.join()
    print(active_children())
    process = Process(target=nothing)
    process.start()
    process.join()
    print(active_children())
    with Pool(5) as pool:
        empty = [pool.apply_async(nothing) for _ in range(10)]
        pool.close()
        pool.join()
    print({one.get() for one in empty})


def started_and_ended():
    with Manager() as manager, Pool(3) as pool:
        log = manager.list()
        print("----start----")
        for i in range(10):
            pool.apply_async(record, (i, log))
        pool.close()
        pool.join()
        print(sorted(log) == sorted((what, i) for what in ("started", "ended") for i in range(10)))
        print("-----end-----")


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    workers()
    one_and_many()
    callbacks()
    ends()
    started_and_ended()
