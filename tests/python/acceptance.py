"""Small scripts as tutorials have them, one after the other; each a function."""

import time
from multiprocessing import Lock, Manager, Pipe, Pool, Process, Queue


def add_one(x):
    print(x + 1, flush=True)


def writer(queue):
    for value in "ABC":
        print(f"Put {value}", flush=True)
        queue.put(value)


def reader(queue):
    while not queue.empty():
        print(f"Get {queue.get(True)}", flush=True)


def part(queue, number):
    queue.put(number)


def talk(connection):
    connection.send([42, None, "hello"])
    print(connection.recv(), flush=True)
    connection.close()


def hello(lock, i):
    lock.acquire()
    try:
        print("hello world", i, flush=True)
    finally:
        lock.release()


def manager_writer(queue):
    for letter in "dongGe":
        queue.put(letter)


def manager_reader(queue):
    return [queue.get(True) for _ in range(queue.qsize())]


def slow_square(x):
    time.sleep(0.01)
    return x * x


class Clock(Process):
    def __init__(self, interval):
        super().__init__()
        self.interval = interval

    def run(self):
        time.sleep(self.interval)
        print("ticked after", self.interval, flush=True)


def forever():
    time.sleep(600)


if __name__ == "__main__":
    process = Process(target=add_one, args=(1,))
    process.start()
    process.join()

    clock = Clock(0.01)
    clock.start()
    clock.join()
    print(clock.is_alive(), clock.exitcode)

    queue = Queue()
    for target in (writer, reader):
        process = Process(target=target, args=(queue,))
        process.start()
        process.join()
    processes = [Process(target=part, args=(queue, number)) for number in (2, 11)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print("sum", queue.get() + queue.get())

    ours, theirs = Pipe()
    process = Process(target=talk, args=(theirs,))
    process.start()
    print(ours.recv(), flush=True)
    ours.send("answer")
    process.join()

    lock = Lock()
    processes = [Process(target=hello, args=(lock, number)) for number in range(4)]
    for process in processes:
        process.start()
        process.join()

    with Manager() as manager:
        messages = manager.Queue()
        pool = Pool(2)
        pool.apply(manager_writer, (messages,))
        print(pool.apply(manager_reader, (messages,)))
        pool.close()
        pool.join()

    called = []
    pool = Pool(3)
    for number in range(5):
        pool.apply_async(slow_square, (number,), callback=called.append)
    pool.close()
    pool.join()
    print(sorted(called))

    with Pool() as pool:
        print(pool.map(slow_square, range(10)))

    daemon = Process(target=forever, daemon=True)
    daemon.start()
    while not daemon.is_alive():
        pass
    print("main ends, and its daemon with it")
