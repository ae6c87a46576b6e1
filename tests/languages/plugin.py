"""A plugin of the tests."""

import isopod


@isopod.function
def echo(data: bytes) -> bytes:
    """The input."""
    return data


@isopod.function
def put(data: bytes, objects) -> None:
    """Puts the input into a queue."""
    if len(objects) != 1:
        raise isopod.InvalidInput("one queue is to come with the call")
    objects[0].put(data, [], 0)


@isopod.function
def fail():
    raise RuntimeError("on purpose")


@isopod.function
def loop():
    while True:
        pass


@isopod.function(name="sum.of")
def add(numbers):
    return sum(numbers)
