"""Shared memory by name."""

from multiprocessing import Process
from multiprocessing.shared_memory import ShareableList, SharedMemory


def write(name):
    memory = SharedMemory(name)
    memory.buf[0] = 65
    memory.buf[1:4] = b"bcd"
    memory.close()


def lengthen(items):
    items[0] += 1
    items[1] = "longer"


def main():
    memory = SharedMemory(create=True, size=16)
    process = Process(target=write, args=(memory.name,))
    process.start()
    process.join()
    print(bytes(memory.buf[:5]), len(memory.buf), memory.buf[2])
    view = memoryview(memory.buf)
    view[5] = 70
    view.release()
    print(bytes(memory.buf[4:7]))
    memory.close()
    memory.unlink()
    try:
        SharedMemory(memory.name)
    except FileNotFoundError:
        print("unlinked")
    items = ShareableList([1, "text12", None, 2.5, b"bytes", True])
    process = Process(target=lengthen, args=(items,))
    process.start()
    process.join()
    print(list(items), len(items), items.index(2.5), items.count(None))
    items.shm.close()
    items.shm.unlink()


if __name__ == "__main__":
    main()
