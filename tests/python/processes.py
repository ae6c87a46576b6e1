"""Processes: arguments, subclasses, names, exit codes, daemons, what is not shared."""

import os
import sys
import time
from multiprocessing import Process, active_children, current_process, parent_process

number = 100


def arguments(a, b, c=0):
    print(a, b, c, flush=True)


def change():
    global number
    number += 1
    print("number in the child", number, flush=True)


def relations(parent):
    print(os.getppid() == parent, parent_process().pid == parent, parent_process().name, flush=True)
    print(current_process().pid == os.getpid(), flush=True)


def leave(code):
    sys.exit(code)


def leave_at_once(code):
    os._exit(code)


def fail():
    raise ValueError("on purpose")


class Counting(Process):
    def __init__(self, start):
        super().__init__()
        self.first = start

    def run(self):
        for offset in range(3):
            print("counting", self.first + offset, flush=True)


def ended(process):
    process.start()
    process.join()
    return process.exitcode


def main():
    assert parent_process() is None
    ended(Process(target=arguments, args=(1, 2), kwargs={"c": 3}))
    ended(Process(target=change))
    print("number here", number, flush=True)
    ended(Process(target=relations, args=(os.getpid(),)))
    ended(Counting(5))
    codes = [0, 3, None, True, -1, 256]
    print([ended(Process(target=leave, args=(code,))) for code in codes])
    print(ended(Process(target=leave_at_once, args=(7,))), ended(Process(target=fail)))
    sleeper = Process(target=time.sleep, args=(600,), name="sleeper", daemon=True)
    print(sleeper.is_alive(), sleeper.pid, sleeper.exitcode)
    sleeper.start()
    print(sleeper.is_alive(), active_children() == [sleeper], sleeper.join(0), sleeper.exitcode)
    sleeper.terminate()
    sleeper.join()
    print(sleeper.is_alive(), sleeper.exitcode, sleeper.name, sleeper.daemon)
    killed = Process(target=time.sleep, args=(600,))
    killed.start()
    killed.kill()
    killed.join()
    print(killed.exitcode)
    killed.close()
    for wrong in (killed.is_alive, sleeper.start, lambda: Process(group=1)):
        try:
            wrong()
        except (AssertionError, ValueError) as error:
            print(type(error).__name__, error)
    late = Process(target=arguments, args=("the main process", "waits for"))
    late.start()


if __name__ == "__main__":
    main()
