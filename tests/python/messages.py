"""Queues, pipes and what waits for several of them."""

import queue
from multiprocessing import JoinableQueue, Pipe, Process, Queue, SimpleQueue
from multiprocessing.connection import wait


def produce(q, count):
    for item in range(count):
        q.put({"item": item, "text": "x" * item})


def echo(connection):
    while True:
        message = connection.recv()
        if message == "end":
            return
        connection.send(("echo", message))


def work(tasks, results):
    while (task := tasks.get()) is not None:
        results.put(task * task)
        tasks.task_done()
    tasks.task_done()


def answer(inner):
    # A queue that came through a queue.
    inner.get().put("through a queue")


def main():
    q = Queue(3)
    producer = Process(target=produce, args=(q, 6))
    producer.start()
    print([q.get()["item"] for _ in range(6)])
    producer.join()
    try:
        q.get(timeout=0.01)
    except queue.Empty:
        print("empty")
    for item in range(3):
        q.put(item)
    try:
        q.put(3, block=False)
    except queue.Full:
        print("full", q.full())
    ours, theirs = Pipe()
    echoing = Process(target=echo, args=(theirs,))
    echoing.start()
    theirs.close()
    for message in (None, [1, 2.5, "ä"], {"a": (1,)}, b"x" * 100_000):
        ours.send(message)
        kind, back = ours.recv()
        print(kind, back == message)
    print(ours.poll(), ours.poll(0.01))
    ours.send("end")
    echoing.join()
    tasks, results = JoinableQueue(), SimpleQueue()
    workers = [Process(target=work, args=(tasks, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for task in range(5):
        tasks.put(task)
    tasks.join()
    for _ in workers:
        tasks.put(None)
    print(sorted(results.get() for _ in range(5)))
    for worker in workers:
        worker.join()
    receiver, sender = Pipe(duplex=False)
    for wrong in (lambda: receiver.send(1), sender.recv):
        try:
            wrong()
        except OSError as error:
            print(error)
    sender.send_bytes(b"abcdef", 2, 3)
    print(receiver.recv_bytes(), wait([receiver], timeout=0))
    short = Process(target=abs, args=(-1,))
    short.start()
    print(wait([short.sentinel]) == [short.sentinel])


if __name__ == "__main__":
    main()
