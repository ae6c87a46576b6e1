"""Small values come out of queues and pipes as they went in; what a pipe carries is a pickle."""

import pickle
from multiprocessing import Pipe, Queue, SimpleQueue

VALUES = [
    0, 1, 255, 256, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 10**30, True, False, None, 1.5,
    float("inf"), b"", b"%c", b"a" * 255, b"a" * 256, "", "é", "%b", "a" * 255, "a" * 256, "\ud800",
    (), [1], {"a": (1, "b")}, 2j, bytearray(b"x"), range(3),
]


def same(one, other):
    return type(one) is type(other) and one == other


if __name__ == "__main__":
    receiver, sender = Pipe(False)
    queue, simple = Queue(), SimpleQueue()
    wrong = []
    for value in VALUES:
        sender.send(value)
        sender.send(value)
        queue.put(value)
        simple.put(value)
        arrived = [receiver.recv(), pickle.loads(receiver.recv_bytes()), queue.get(), simple.get()]
        if not all(same(value, one) for one in arrived):
            wrong.append((value, arrived))
    print(len(VALUES), wrong)
    sender.send_bytes(pickle.dumps("by hand"))
    print(receiver.recv())
