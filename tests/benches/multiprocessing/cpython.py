"""The measurements of Python: run by CPython, which is the baseline, and by isopod.
Usage: cpython.py CORES WHAT ARGUMENT.

Takes numbers of rounds, and answers each with their time in nanoseconds. The numbers reach CPython through
standard input, and isopod through a queue."""

import multiprocessing
import multiprocessing.managers
import os
import sys
import threading
import time

CORES = [int(core) for core in sys.argv[1].split(",") if core != "any"]
QUEUED_MESSAGES = 1024
QUEUED_BYTES = (4 << 20) + 4096


def pin(*cores):
    """Isopod pins processes itself."""
    if cores and sys.platform != "wasi":
        os.sched_setaffinity(0, cores)


def nothing():
    pass


def echo(connection):
    pin(*CORES[-1:])
    try:
        while True:
            connection.send_bytes(connection.recv_bytes())
    except EOFError:
        pass


def produce(orders, queue, payload):
    pin(*CORES[-1:])
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


def take_turns(lock, orders, done):
    pin(*CORES)
    while (count := orders.recv()) > 0:
        for _ in range(count):
            with lock:
                pass
        done.put(None)


def contended(lock, parties):
    order_all(parties, lambda number, orders, done: (take_turns, lock, orders, done), parties)


def put_many(queue, orders, done):
    pin(*CORES)
    while (count := orders.recv()) > 0:
        for _ in range(count):
            queue.put(bytes(16))
        done.put(None)


def get_many(queue, orders, done):
    pin(*CORES)
    while (count := orders.recv()) > 0:
        for _ in range(count):
            queue.get()
        done.put(None)


def many(pairs):
    queue = multiprocessing.Queue(QUEUED_MESSAGES)
    order_all(
        2 * pairs,
        lambda number, orders, done: ([put_many, get_many][number % 2], queue, orders, done),
        pairs,
    )


def order_all(parties, child, shares):
    """Children that each do a share of the rounds; the number of a child decides its share."""
    done, orders = multiprocessing.SimpleQueue(), []
    for number in range(parties):
        ours, theirs = multiprocessing.Pipe()
        daemon(*child(number, theirs, done))
        orders.append(ours)
    group = parties // shares

    def rounds(count):
        # At least one each: a child without an order would never answer.
        for number, order in enumerate(orders):
            order.send(max(1, count // shares + (number // group < count % shares)))
        for _ in orders:
            done.get()

    serve(rounds)


def alternate_events(ping, pong):
    pin(*CORES[-1:])
    while True:
        ping.wait()
        ping.clear()
        pong.set()


def event(_):
    ping, pong = multiprocessing.Event(), multiprocessing.Event()
    daemon(alternate_events, ping, pong)

    def rounds(count):
        for _ in range(count):
            ping.set()
            pong.wait()
            pong.clear()

    serve(rounds)


def alternate_turns(condition, turn):
    pin(*CORES[-1:])
    with condition:
        while True:
            while turn.value == 0:
                condition.wait()
            turn.value = 0
            condition.notify()


def condition(_):
    condition, turn = multiprocessing.Condition(), multiprocessing.RawValue("I", 0)
    daemon(alternate_turns, condition, turn)

    def rounds(count):
        with condition:
            for _ in range(count):
                turn.value = 1
                condition.notify()
                while turn.value == 1:
                    condition.wait()

    serve(rounds)


def pass_barrier(barrier):
    pin(*CORES[-1:])
    try:
        while True:
            barrier.wait()
    except threading.BrokenBarrierError:
        pass


def barrier(_):
    barrier = multiprocessing.Barrier(2)
    daemon(pass_barrier, barrier)

    def rounds(count):
        for _ in range(count):
            barrier.wait()

    serve(rounds)


def lock(_):
    lock = multiprocessing.Lock()

    def rounds(count):
        for _ in range(count):
            lock.acquire()
            lock.release()

    serve(rounds)


def value(_):
    value = multiprocessing.Value("q", 0)

    def rounds(count):
        for _ in range(count):
            with value.get_lock():
                value.value += 1

    serve(rounds)


def manager(what):
    # The server on a core of its own.
    server = multiprocessing.managers.SyncManager()
    server.start(initializer=pin, initargs=CORES[-1:])
    numbers = server.dict({7: 0})

    def set_rounds(count):
        for number in range(count):
            numbers[7] = number

    def get_rounds(count):
        for _ in range(count):
            numbers[7]

    serve({"set": set_rounds, "get": get_rounds}[what])
    server.shutdown()


def square(number):
    return number * number


def pool(what):
    # As many workers as cores, on all of them; the main process is on the first.
    workers = 4 if what == "map-4" else len(CORES)
    with multiprocessing.Pool(workers, pin, CORES) as pool:

        def map_rounds(count):
            pool.map(square, range(count), 1)

        def map_default_rounds(count):
            pool.map(square, range(count))

        blocks = [bytes(64 << 10)] * 64

        def map_64_kib_rounds(count):
            while count > 0:
                count -= len(pool.map(len, blocks[:count], 1))

        def imap_rounds(count):
            for _ in pool.imap(square, range(count)):
                pass

        def apply_rounds(count):
            for number in range(count):
                pool.apply(square, (number,))

        measured = {
            "map": map_rounds,
            "map-default": map_default_rounds,
            "map-64-kib": map_64_kib_rounds,
            "imap": imap_rounds,
            "apply": apply_rounds,
        }
        serve(measured.get(what, map_default_rounds))


def daemon(target, *args):
    multiprocessing.Process(target=target, args=args, daemon=True).start()


def sum_of_squares(first, end, sums):
    total = 0
    for number in range(first, end):
        total += number * number
    sums.put(total)


def split(processes):
    # This many processes compute the same sum at once.
    last, sums = 10**7, multiprocessing.SimpleQueue()

    def rounds(count):
        for _ in range(count):
            bounds = [last * number // processes for number in range(processes + 1)]
            started = [
                multiprocessing.Process(target=sum_of_squares, args=(first, end, sums))
                for first, end in zip(bounds, bounds[1:])
            ]
            for process in started:
                process.start()
            total = sum(sums.get() for _ in started)
            for process in started:
                process.join()
            assert total == (last - 1) * last * (2 * last - 1) // 6

    serve(rounds)


def wait_for_ever(ready, end):
    ready.put(None)
    end.wait()


def idle(_):
    # Each round adds one more process that waits.
    ready, end = multiprocessing.SimpleQueue(), multiprocessing.Event()

    def rounds(count):
        for _ in range(count):
            daemon(wait_for_ever, ready, end)
        for _ in range(count):
            ready.get()

    serve(rounds)


def start(method):
    context = multiprocessing.get_context(method)

    def rounds(count):
        for _ in range(count):
            process = context.Process(target=nothing)
            process.start()
            process.join()

    serve(rounds)


def burst(method):
    context = multiprocessing.get_context(method)

    def rounds(count):
        while count > 0:
            processes = [context.Process(target=nothing) for _ in range(min(50, count))]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
            count -= len(processes)

    serve(rounds)


def serve(rounds):
    if sys.platform == "wasi":
        serve_in_isopod(rounds)
        return
    for line in sys.stdin:
        begin = time.perf_counter_ns()
        rounds(int(line))
        print(time.perf_counter_ns() - begin, flush=True)


def serve_in_isopod(rounds):
    from wit_world.imports import process, queue

    requests = queue.Queue.open(process.inherited("requests"))
    results = queue.Queue.open(process.inherited("results"))
    while True:
        try:
            message = requests.get(None)
        except Exception:
            # The driver has closed the queue.
            return
        begin = time.perf_counter_ns()
        rounds(read_number(message.bytes))
        results.put(number_bytes(time.perf_counter_ns() - begin), [], None)


def read_number(encoded):
    """A number as isopod's Rust library encodes it: LEB128."""
    return sum((byte & 0x7F) << (7 * index) for index, byte in enumerate(encoded))


def number_bytes(number):
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


if __name__ == "__main__":
    # A started process may use all the cores; two processes that talk have one core each.
    what, argument = sys.argv[2:4]
    if what in ("start", "burst"):
        pin(*CORES)
        {"start": start, "burst": burst}[what](argument)
    elif what == "split":
        pin(*CORES)
        split(int(argument))
    else:
        multiprocessing.set_start_method("fork")
        pin(*CORES[:1])
        measured = {
            "round-trip": lambda size: round_trip(int(size)),
            "one-way": lambda size: one_way(int(size)),
            "event": event,
            "condition": condition,
            "barrier": barrier,
            "lock": lock,
            "lock-of": lambda parties: contended(multiprocessing.Lock(), int(parties)),
            "semaphore-of": lambda parties: contended(multiprocessing.Semaphore(1), int(parties)),
            "many": lambda pairs: many(int(pairs)),
            "value": value,
            "manager": manager,
            "pool": pool,
            "idle": idle,
        }
        measured[what](argument)
