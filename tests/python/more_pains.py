"""What hurts users of CPython's multiprocessing, continued from `pains.py`. No native run is compared.

4  a thread holds a lock when a process is started: CPython's fork copies the lock, held for ever
6  main drops a lock before the child has begun
8  a process takes more memory than it may
9  a process is killed, and its daemon stays
10 shared memory ends with a process that only attached to it
11 a process ends abnormally: which one, and how
12 cpu_count() is more than what may be used
16 a map goes on after the first error; a callback that fails ends the pool
"""

import os
import threading
from multiprocessing import Lock, Pipe, Pool, Process, Queue, cpu_count
from multiprocessing.shared_memory import SharedMemory

held = threading.Lock()


def take_the_lock(queue):
    queue.put(held.acquire(timeout=30))


def greet(lock, queue):
    with lock:
        queue.put("hello")


def take_memory(queue):
    kept = []
    try:
        while True:
            kept.append(bytes(10**7))
    except MemoryError:
        count = len(kept)
        kept.clear()
        queue.put(count > 0)


def hold_and_wait(connection):
    connection.send("up")
    connection.recv()


def start_daemon(connection, done):
    Process(target=hold_and_wait, args=(connection,), daemon=True).start()
    connection.close()
    done.get()


def read_first(name, queue):
    memory = SharedMemory(name)
    queue.put(memory.buf[0])
    memory.close()


def crash():
    os.abort()


def fail_at_once(number):
    if number == 0:
        raise KeyError(number)
    return number


def callback_that_fails(value):
    raise RuntimeError("in a callback")


def run(target, *arguments):
    process = Process(target=target, args=arguments)
    process.start()
    return process


def main():
    queue = Queue()
    with held:
        process = run(take_the_lock, queue)
        print("4  the child's lock is free:", queue.get())
    process.join()
    process = run(greet, Lock(), queue)
    print("6 ", queue.get())
    process.join()
    process = run(take_memory, queue)
    process.join()
    print("8  MemoryError in the child:", queue.get(), process.exitcode)
    ours, theirs = Pipe()
    parent = run(start_daemon, theirs, queue)
    theirs.close()
    print("9 ", ours.recv(), end=" ")
    parent.kill()
    try:
        ours.recv()
    except EOFError:
        print("and gone with its parent")
    parent.join()
    memory = SharedMemory(create=True, size=4)
    memory.buf[0] = 7
    run(read_first, memory.name, queue).join()
    print("10", queue.get(), memory.buf[0])
    memory.unlink()
    memory.close()
    process = run(crash)
    process.join()
    print("11", process.exitcode)
    print("12", cpu_count() == len(os.sched_getaffinity(0)))
    with Pool(2) as pool:
        try:
            pool.map(fail_at_once, range(4), 1)
        except KeyError as error:
            print("16", repr(error), end=" ")
        pool.map_async(fail_at_once, range(1, 4), callback=callback_that_fails).wait()
        print(pool.map(fail_at_once, range(1, 4)))


if __name__ == "__main__":
    main()
