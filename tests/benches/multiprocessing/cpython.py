"""The baseline: CPython's multiprocessing. Usage: cpython.py CORES WHAT ARGUMENT.

Reads numbers of rounds from standard input, and answers each with the nanoseconds they took."""

import multiprocessing
import os
import sys
import time

CORES = [int(core) for core in sys.argv[1].split(",")]
QUEUED_MESSAGES = 1024
QUEUED_BYTES = 1 << 20


def nothing():
    pass


def echo(connection):
    os.sched_setaffinity(0, {CORES[-1]})
    try:
        while True:
            connection.send_bytes(connection.recv_bytes())
    except EOFError:
        pass


def produce(orders, queue, payload):
    os.sched_setaffinity(0, {CORES[-1]})
    while (count := orders.recv()) > 0:
        for _ in range(count):
            queue.put(payload)


def round_trip(size):
    payload = bytes(size)
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.Process(target=echo, args=(theirs,), daemon=True)
    child.start()
    theirs.close()

    def rounds(count):
        for _ in range(count):
            ours.send_bytes(payload)
            ours.recv_bytes()

    serve(rounds)
    child.kill()


def one_way(size):
    payload = bytes(size)
    queue = multiprocessing.Queue(min(QUEUED_MESSAGES, QUEUED_BYTES // size))
    order, orders = multiprocessing.Pipe()
    child = multiprocessing.Process(target=produce, args=(orders, queue, payload), daemon=True)
    child.start()

    def rounds(count):
        order.send(count)
        for _ in range(count):
            queue.get()

    serve(rounds)
    order.send(0)
    child.join()


def start(method):
    context = multiprocessing.get_context(method)

    def rounds(count):
        for _ in range(count):
            process = context.Process(target=nothing)
            process.start()
            process.join()

    serve(rounds)


def serve(rounds):
    for line in sys.stdin:
        begin = time.perf_counter_ns()
        rounds(int(line))
        print(time.perf_counter_ns() - begin, flush=True)


if __name__ == "__main__":
    # A started process may use all the cores; of two that talk each has its own.
    what, argument = sys.argv[2:4]
    if what == "start":
        os.sched_setaffinity(0, CORES)
        start(argument)
    else:
        multiprocessing.set_start_method("fork")
        os.sched_setaffinity(0, {CORES[0]})
        {"round-trip": round_trip, "one-way": one_way}[what](int(argument))
