"""At its end main waits for its children.

S22 those that are no daemons are joined
"""

import multiprocessing
from multiprocessing import Event, Process


def wait(begun, event):
    begun.set()
    event.wait()
    print("the child ends", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    begun, event = Event(), Event()
    Process(target=wait, args=(begun, event)).start()
    begun.wait()
    print("main ends", flush=True)
    event.set()
