"""Processes, one by one.

S9  the arguments of Process; `group` must stay none
S10 args and kwargs, mixed
S11 start() and run()
S12 a subclass with a run() of its own
S13 is_alive()
S14 join(), with and without a time-out, and again
S15 terminate()
S16 daemon, before the start and inherited
S17 names
S18 process ids
S19 only the creator joins
S20 current_process() in a child
S21 globals are not shared
S24 a daemon may not have children
S25 join() blocks the caller only
S26 a child between two lines of its parent
S27 a target with one argument
S28 five children, each with its title
"""

import multiprocessing
import os
import time
from multiprocessing import Event, Pipe, Process, Queue, current_process

number = 100


def failure(call, *arguments, **keywords):
    try:
        return call(*arguments, **keywords)
    except (AssertionError, ValueError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"


def show(a, b, c):
    print(a, b, c, flush=True)


def nothing():
    pass


def wait_for(event):
    event.wait()


class Clock(Process):
    def __init__(self, interval):
        Process.__init__(self)
        self.interval = interval

    def run(self):
        begin = time.monotonic()
        time.sleep(self.interval)
        print("in run:", time.monotonic() - begin >= self.interval, flush=True)
        print(os.getppid() == multiprocessing.parent_process().pid, flush=True)


def run_together(*processes):
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def tell_name(queue):
    queue.put((current_process().name, current_process().daemon))


def name_of_child(queue):
    child = Process(target=tell_name, args=(queue,))
    child.start()
    child.join()


def try_to_have_a_child(queue):
    queue.put(failure(Process(target=nothing).start))


def tell_pids(queue):
    queue.put((os.getpid(), current_process().pid, os.getppid()))


def tell_self(i):
    shown = repr(current_process())
    print(i, shown.replace(f"parent={os.getppid()}", "parent=PARENT"), flush=True)


def change():
    global number
    number += 1
    print("now num: ", number, flush=True)


def introduce(title, queue):
    queue.put((title, __name__, os.getppid(), os.getpid() != os.getppid(), f"hello the {title}"))


def add_one(x):
    print(x + 1, flush=True)


def named():
    print("子进程运行中, name=" + current_process().name, flush=True)


def alive_and_dead():
    go = Event()
    process = Process(target=wait_for, args=(go,))
    print(process.is_alive(), process.pid, process.exitcode, failure(process.join))
    process.start()
    print(process.is_alive(), process.join(0.05), process.exitcode)
    go.set()
    print(process.join(), process.join(), process.is_alive(), process.exitcode)
    stuck = Process(target=wait_for, args=(Event(),))
    stuck.start()
    stuck.terminate()
    stuck.join()
    print(stuck.is_alive(), stuck.exitcode)


def daemons_and_names():
    queue = Queue()
    process = Process(target=tell_name, args=(queue,), daemon=True)
    process.start()
    print(failure(setattr, process, "daemon", False), failure(process.start))
    process.join()
    print(process.daemon, queue.get()[1])
    first, named, third = Process(), Process(name="other"), Process()
    numbers = [int(one.name.rpartition("-")[2]) for one in (first, third)]
    print(numbers[1] - numbers[0], named.name)
    named.name = "renamed"
    print(named.name)
    parent = Process(target=name_of_child, args=(queue,), name="Process-4")
    run_together(parent)
    print(queue.get())
    run_together(Process(target=try_to_have_a_child, args=(queue,), daemon=True))
    print(queue.get())
    run_together(Process(target=tell_pids, args=(queue,)))
    pid, same, parent = queue.get()
    print(pid == same, parent == os.getpid(), current_process().name)


def only_the_creator():
    process = Process(target=nothing)
    process.start()
    process._parent_pid += 1
    print(failure(process.join), "|", failure(process.is_alive))
    process._parent_pid -= 1
    process.join()


def join_blocks_the_caller_only():
    ours, theirs = Pipe()
    first_go, second_go = Event(), Event()
    first = Process(target=wait_for, args=(first_go,), daemon=True)
    second = Process(target=signal_and_wait, args=(theirs, first_go, second_go))
    first.start()
    second.start()
    # The second lets the first go, so it runs while this waits for the first.
    first.join()
    print(ours.recv(), second.is_alive())
    second_go.set()
    second.join()


def signal_and_wait(connection, first, second):
    connection.send("running")
    first.set()
    second.wait()


def main():
    multiprocessing.set_start_method("spawn")
    print(failure(Process, group=1))
    run_together(Process(target=show, args=(1, 2), kwargs={"c": 3}))
    run_together(Process(None, show, None, (4,), {"b": 5, "c": 6}))
    begin = time.monotonic()
    run_together(Clock(0.2))
    print("in main:", time.monotonic() - begin >= 0.2)
    print(failure(Process().run))
    alive_and_dead()
    daemons_and_names()
    only_the_creator()
    for i in range(3):
        run_together(Process(target=tell_self, args=(i,), name=f"child {i}"))
    run_together(Process(target=change))
    print("now num", number)
    join_blocks_the_caller_only()
    print("子进程将要执行", flush=True)
    run_together(Process(target=named, name="test"))
    print("子进程已经结束")
    run_together(Process(target=add_one, args=(1,)))
    queue = Queue()
    run_together(*(Process(target=introduce, args=(f"{i}-th bob", queue)) for i in range(5)))
    for title, module, parent, is_other, text in sorted(queue.get() for _ in range(5)):
        print(title, module, parent == os.getpid(), is_other, text)


if __name__ == "__main__":
    main()
