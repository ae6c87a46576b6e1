"""Threads: run one after the other when something waits; results are those of real ones."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

total = 0
lock = threading.Lock()
local = threading.local()


def add(count):
    global total
    for _ in range(count):
        with lock:
            total += 1


def consume(tasks, results):
    while (task := tasks.get()) is not None:
        results.append(task * 2)


def greet(name, said):
    local.name = name
    said.append(f"hello {local.name} in {threading.current_thread().name}")


def main():
    adding = [threading.Thread(target=add, args=(1000,)) for _ in range(4)]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join()
    print(total, [thread.is_alive() for thread in adding])
    tasks, results = queue.Queue(), []
    consumer = threading.Thread(target=consume, args=(tasks, results), daemon=True)
    consumer.start()
    for task in [1, 2, 3, None]:
        tasks.put(task)
    consumer.join()
    print(results)
    said = []
    greeting = threading.Thread(target=greet, args=("Anna", said), name="A")
    greeting.start()
    greeting.join(10)
    print(said, hasattr(local, "name"))
    with ThreadPool(2) as pool:
        print(pool.map(str, range(3)), pool.apply(len, ("abc",)))
    with ThreadPoolExecutor(2) as executor:
        print(list(executor.map(abs, [-1, -2])), executor.submit(pow, 2, 3).result())
    print(threading.Event().wait(0.01), lock.acquire(timeout=0.01), lock.acquire(timeout=0.01))


if __name__ == "__main__":
    main()
