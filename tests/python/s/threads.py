"""Threads, as a comparison.

S63 a subclass of Thread, five of them
S64 a lock of threads
S66 values of one thread each
S67 threads share globals
S62 main waits for its threads
"""

import threading

total = 0
lock = threading.Lock()
local = threading.local()
told = []


class Counter(threading.Thread):
    def run(self):
        for i in range(3):
            told.append(f"I'm {self.name} @ {i}")


def add(times):
    global total
    for _ in range(times):
        lock.acquire(True)
        total += 1
        lock.release()


def greet(name):
    local.name = name
    print(f"Hello, {local.name} (in {threading.current_thread().name})", flush=True)


def run_together(*threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def last():
    go.acquire()
    print("the thread ends", flush=True)


counters = [Counter(name=f"Thread-{i + 1}") for i in range(5)]
run_together(*counters)
print(*sorted(told), sep="\n")
run_together(*(threading.Thread(target=add, args=(100_000,)) for _ in range(2)))
print(total, lock.acquire(False), lock.acquire(False))
run_together(threading.Thread(target=greet, args=("dongdong",), name="Thread-A"))
run_together(threading.Thread(target=greet, args=("王二",), name="Thread-B"))
print(hasattr(local, "name"))
go = threading.Lock()
go.acquire()
threading.Thread(target=last).start()
print("---结束---", flush=True)
go.release()
