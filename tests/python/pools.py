"""Pools of processes, and executors."""

import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import Pool, TimeoutError

state = None


def set_state(value):
    global state
    state = value


def square(x):
    return x * x


def with_state(x):
    return state, x


def reciprocal(x):
    return 1 / x


def own_id(_):
    return os.getpid()


def main():
    results = []
    with Pool(2, initializer=set_state, initargs=("set",)) as pool:
        print(pool.map(square, range(10)), pool.map(square, []))
        print(pool.apply(with_state, (1,)), pool.starmap(pow, [(2, 3), (3, 2)]))
        print(list(pool.imap(square, range(5), chunksize=2)))
        print(sorted(pool.imap_unordered(square, range(5))))
        handed = pool.apply_async(square, (6,), callback=results.append)
        print(handed.get(), results, handed.ready(), handed.successful())
        mapped = pool.map_async(square, range(3), callback=results.append)
        mapped.wait()
        print(results)
        failed = pool.apply_async(reciprocal, (0,), error_callback=results.append)
        try:
            failed.get()
        except ZeroDivisionError as error:
            print(error, type(error.__cause__).__name__, repr(results[-1]))
        try:
            pool.apply_async(time.sleep, (600,)).get(timeout=0.05)
        except TimeoutError:
            print("too late")
    pool = Pool(2)
    pool.close()
    try:
        pool.apply(square, (1,))
    except ValueError as error:
        print(error)
    pool.join()
    with Pool(1, maxtasksperchild=2) as pool:
        identities = [pool.apply(own_id, (0,)) for _ in range(4)]
        print([identities.count(one) for one in sorted(set(identities))])
    with ProcessPoolExecutor(2) as executor:
        print(list(executor.map(square, range(4))), executor.submit(pow, 2, 5).result())
        futures = [executor.submit(square, x) for x in range(3)]
        print(sorted(future.result() for future in as_completed(futures)))
        print(repr(executor.submit(reciprocal, 0).exception()))


if __name__ == "__main__":
    main()
