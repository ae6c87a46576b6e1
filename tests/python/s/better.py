"""Where a script gets more than from CPython, which is not compared.

(S44) a result that terminate() has made impossible: CPython's get() waits for ever
S55 a queue as the argument of a pool's task: CPython raises RuntimeError
S60 ten processes and a lock that main does not wait for: CPython's find no lock any more
"""

import multiprocessing
import time
from multiprocessing import Lock, Pool, Process, Queue


def endless(_):
    time.sleep(600)


def put(queue, value):
    queue.put(value)


def hello(lock, i):
    lock.acquire()
    try:
        print("hello world", i, flush=True)
    finally:
        lock.release()


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    queue = Queue()
    with Pool(1) as pool:
        pool.apply(put, (queue, "from a task"))
    print(queue.get(), flush=True)
    pool = Pool(1)
    stuck = pool.apply_async(endless, (1,))
    pool.terminate()
    try:
        stuck.get()
    except Exception as error:
        print(type(error).__name__, flush=True)
    lock = Lock()
    for i in range(10):
        Process(target=hello, args=(lock, i)).start()
