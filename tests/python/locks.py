"""Locks and the like, and what they guard."""

import threading
from multiprocessing import (
    Array, Barrier, BoundedSemaphore, Condition, Event, Lock, Process, RLock, Semaphore, Value,
)


def hold(lock, number, total):
    for _ in range(50):
        with lock:
            total.value += number


def token(own, following, name, rounds):
    for _ in range(rounds):
        own.acquire()
        print("task", name, flush=True)
        following.release()


def meet(barrier, indices):
    indices[barrier.wait()] = 1


def wait_for(condition, flag, done):
    with condition:
        condition.wait_for(lambda: flag.value == 3)
        done.set()


def change(value, array):
    value.value = -2.5
    for index in range(len(array)):
        array[index] *= 2


def main():
    lock, total = Lock(), Value("i", 0, lock=False)
    adding = [Process(target=hold, args=(lock, number, total)) for number in range(1, 4)]
    for process in adding:
        process.start()
    for process in adding:
        process.join()
    print(total.value)
    locks = [Lock() for _ in range(3)]
    locks[1].acquire()
    locks[2].acquire()
    tasks = [
        Process(target=token, args=(locks[at], locks[(at + 1) % 3], at + 1, 3)) for at in range(3)
    ]
    for process in tasks:
        process.start()
    for process in tasks:
        process.join()
    barrier, indices = Barrier(3), Array("i", 3)
    meeting = [Process(target=meet, args=(barrier, indices)) for _ in range(3)]
    for process in meeting:
        process.start()
    for process in meeting:
        process.join()
    print(indices[:], barrier.n_waiting, barrier.broken)
    condition, flag, done = Condition(), Value("i", 0), Event()
    waiter = Process(target=wait_for, args=(condition, flag, done))
    waiter.start()
    for _ in range(3):
        with condition:
            flag.value += 1
            condition.notify_all()
    print(done.wait(30), done.is_set())
    waiter.join()
    value, array = Value("d", 1.5), Array("h", [1, 2, 3])
    changing = Process(target=change, args=(value, array))
    changing.start()
    changing.join()
    print(value.value, list(array), array[1:], len(array))
    small = Value("i", 2**31 - 1)
    small.value += 1
    text = Array("c", b"hello")
    text[0] = b"j"
    print(small.value, text.value)
    rlock = RLock()
    print(rlock.acquire(), rlock.acquire(), rlock.release(), rlock.release())
    print(lock.acquire(), lock.acquire(timeout=0.01), lock.acquire(False), lock.release())
    semaphore = BoundedSemaphore(1)
    print(semaphore.acquire(), semaphore.get_value(), Semaphore(4).get_value())
    semaphore.release()
    for wrong in (semaphore.release, lock.release, rlock.release, condition.notify):
        try:
            wrong()
        except (ValueError, AssertionError) as error:
            print(type(error).__name__, error)
    try:
        Barrier(2).wait(0.01)
    except threading.BrokenBarrierError:
        print("broken")


if __name__ == "__main__":
    main()
