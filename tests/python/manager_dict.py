"""The dict of a manager: keys compare as Python's do, values are copies."""

import copy
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from multiprocessing import Manager, Process


@dataclass(frozen=True)
class Point:
    x: int


def child(shared, inner):
    shared["inner"] = inner
    shared[2.0] = "two"
    shared[(1, "a")] = "tuple"
    inner["deep"] = [1]


def failure(call, *arguments):
    try:
        return call(*arguments)
    except (KeyError, TypeError) as error:
        return type(error).__name__


def equal_keys(manager):
    shared = manager.dict({1: "first"})
    for key in (1.0, True, Decimal(1), Fraction(2, 2), 1 + 0j):
        shared[key] = type(key).__name__
        print(shared, len(shared), shared[1], key in shared)
    truth = manager.dict({True: 1})
    truth[1] = 2
    truth[1.0] = 3
    print(truth)
    tuples = manager.dict({(1, (2.0, "a")): "tuple"})
    print(tuples[True, (2, "a")], (1, (2, "b")) in tuples, tuples)
    numbers = manager.dict({0.0: "zero", 2.5: "float", float("inf"): "inf", -7: "int"})
    print(numbers[-0.0], numbers[0], numbers[Fraction(5, 2)], numbers[float("inf")], numbers[-7.0])
    texts = manager.dict({"a": 1, b"a": 2, None: 3, "": 4})
    print(texts["a"], texts[b"a"], texts[None], texts[""])
    own = manager.dict({Point(1): "one"})
    own[Point(1)] = "1"
    own[frozenset({1, 2})] = "set"
    print(own[Point(1)], Point(2) in own, own[frozenset({2.0, 1.0})], len(own))
    del own[Point(1)]
    print(own)


def methods(manager):
    shared = manager.dict(a=1, b=2)
    print(shared.copy(), list(shared), list(shared.items()), shared.keys(), shared.values())
    shared["c"] = 9
    print(shared.setdefault("c", 1), shared.setdefault("d", 2), shared.popitem(), shared.get("d"))
    shared.update([("e", 1)], f=3)
    print(shared, shared.pop("e"), shared.pop("e", "none"), len(shared), type(shared).__name__)
    print(failure(shared.__getitem__, "no"), failure(shared.pop, "no"), failure(shared.__getitem__, []))
    print(failure(shared.__delitem__, "no"), failure(manager.dict().popitem), repr(shared)[:35])
    shared["a"] = [1]
    shared["a"].append(2)
    print(shared["a"], copy.deepcopy(shared))
    shared.clear()
    print(shared, len(shared))


def nested(manager):
    # CPython's is gone when the last process that had a proxy of it has dropped that.
    shared, inner = manager.dict(), manager.dict()
    process = Process(target=child, args=(shared, inner))
    process.start()
    process.join()
    print(shared["inner"]["deep"], shared[2], shared[1.0, "a"])
    listed = manager.list([manager.dict(a=1)])
    listed[0]["a"] = 5
    print(listed[0]["a"])
    shared["list"] = manager.list([1])
    shared["list"].append(2)
    print(shared["list"])


if __name__ == "__main__":
    with Manager() as manager:
        equal_keys(manager)
        methods(manager)
        nested(manager)
