"""What scripts use beside multiprocessing, and children's surroundings."""

import asyncio
import csv
import decimal
import hashlib
import io
import json
import multiprocessing
import sqlite3


def read():
    try:
        input()
    except EOFError:
        print("nothing to read", flush=True)


async def after(seconds, value):
    await asyncio.sleep(seconds)
    return value


async def gather():
    return await asyncio.gather(after(0.02, "late"), after(0.01, "early"))


def main():
    for method in ("spawn", "fork", "forkserver"):
        context = multiprocessing.get_context(method)
        process = context.Process(target=read)
        process.start()
        process.join()
        print(type(process).__name__, process.exitcode, flush=True)
    print(asyncio.run(gather()))
    print(sqlite3.connect(":memory:").execute("select 1 + 1").fetchone())
    print(json.loads("[1, 2.5, null]"), decimal.Decimal("0.1") + 1)
    print(hashlib.sha256(b"text").hexdigest()[:8], list(csv.reader(io.StringIO("a,b"))))
    try:
        recurse(0)
    except RecursionError:
        print("too deep")


def recurse(depth):
    return recurse(depth + 1)


if __name__ == "__main__":
    main()
