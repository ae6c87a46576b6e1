"""Managers: keys that are equal, nested proxies, custom types, errors."""

from multiprocessing import Manager, Pool, Process
from multiprocessing.managers import BaseManager


class Account:
    def __init__(self, balance):
        self._balance = balance

    def deposit(self, amount):
        self._balance += amount
        return self._balance


class Bank(BaseManager):
    pass


Bank.register("Account", Account)


def change(table, items, space):
    table[1] = "1"
    table["2"] = 2
    table[0.25] = None
    items.reverse()
    space.x = 10


def put(queue, item):
    queue.put(item)
    return queue.qsize()


def main():
    with Manager() as manager:
        table, items, space = manager.dict(), manager.list(range(10)), manager.Namespace()
        process = Process(target=change, args=(table, items, space))
        process.start()
        process.join()
        print(table, items, space)
        table[1.0], table[True], table[(1, 2)] = "float", "bool", "tuple"
        print(table, table[1], (1.0, 2.0) in table, len(table), sorted(map(str, table.keys())))
        table["nested"] = manager.list([1])
        table["nested"].append(2)
        print(list(table["nested"]), items[2:4], items.index(3), items.pop())
        try:
            table["missing"]
        except KeyError as error:
            print("KeyError", error)
        queue = manager.Queue()
        with Pool(2) as pool:
            print([pool.apply(put, (queue, item)) for item in "dog"])
        print([queue.get() for _ in range(3)], queue.empty())
        lock, value = manager.Lock(), manager.Value("i", 3)
        with lock:
            value.value += 1
        print(value.value)
        try:
            lock.release()
        except RuntimeError as error:
            print(error)
    with Bank() as bank:
        account = bank.Account(5)
        print(account.deposit(3), account.deposit(4))


if __name__ == "__main__":
    main()
