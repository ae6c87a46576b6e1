"""How processes talk, and what they share.

S52 a writer and a reader of a queue
S53 get() waits; empty() is a look
S54 values come back through a queue
S56 a manager's queue in the tasks of a pool
S57 what a manager has is shared
S58 what a manager makes
S59 a dict and a list, changed by a child
S61 a lock is released by another process
S65 three locks hand a turn around
"""

import multiprocessing
from multiprocessing import Lock, Manager, Pool, Process, Queue


def run_together(*processes):
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def write(queue):
    for value in "ABC":
        print(f"Put {value}", flush=True)
        queue.put(value)


def read(queue):
    for _ in range(3):
        print(f"Get {queue.get(True)}", flush=True)
    print("", queue.empty(), sep="\n", flush=True)


def put_after(go, queue):
    go.get()
    queue.put("late")


def add(queue, a, b):
    queue.put(a + b)


def write_letters(queue):
    for letter in "dongGe":
        queue.put(letter)


def read_letters(queue):
    return [queue.get(True) for _ in range(queue.qsize())]


def change(shared, listed):
    shared[1] = "1"
    shared["2"] = 2
    shared[0.25] = None
    listed.reverse()


def raise_it(namespace, number):
    namespace.x += 1
    number.value += 1


def release(lock):
    lock.release()


def take_turns(name, mine, next_one, rounds):
    for _ in range(rounds):
        mine.acquire()
        print(name, flush=True)
        next_one.release()


def queues():
    queue = Queue()
    run_together(Process(target=write, args=(queue,)))
    run_together(Process(target=read, args=(queue,)))
    go = Queue()
    process = Process(target=put_after, args=(go, queue))
    process.start()
    print(queue.empty())
    go.put(None)
    print(queue.get(True))
    process.join()
    run_together(Process(target=add, args=(queue, 1, 1)), Process(target=add, args=(queue, 5, 6)))
    print(queue.get() + queue.get())


def managers():
    with Manager() as manager:
        with Pool(2) as pool:
            queue = manager.Queue()
            pool.apply(write_letters, (queue,))
            print(queue.qsize(), pool.apply(read_letters, (queue,)))
        shared, listed = manager.dict(), manager.list(range(10))
        run_together(Process(target=change, args=(shared, listed)))
        print(shared)
        print(listed)
        namespace, number = manager.Namespace(), manager.Value("i", 5)
        namespace.x = 1
        run_together(*(Process(target=raise_it, args=(namespace, number)) for _ in range(1)))
        print(namespace.x, number.value, manager.Array("i", [1, 2])[1])
        names = "list dict Namespace Lock RLock Semaphore BoundedSemaphore Condition Event Barrier"
        print([name for name in (names + " Queue Value Array").split() if not hasattr(manager, name)])


def locks():
    lock = Lock()
    lock.acquire()
    run_together(Process(target=release, args=(lock,)))
    print(lock.acquire(False))
    turns = [Lock() for _ in range(3)]
    for turn in turns[1:]:
        turn.acquire()
    run_together(
        *(
            Process(target=take_turns, args=(f"Task {i + 1}", turns[i], turns[(i + 1) % 3], 3))
            for i in range(3)
        )
    )


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    queues()
    managers()
    locks()
