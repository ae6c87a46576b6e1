"""Counts primes with a pool of processes, and shows how far it is."""

import sys
from multiprocessing import Pool, Value

counter = None


def begin(shared):
    global counter
    counter = shared


def is_prime(number):
    if number < 2:
        return False
    return all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def count(bounds):
    found = sum(map(is_prime, range(*bounds)))
    with counter.get_lock():
        counter.value += found
    return found


def main():
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    step = largest // 8
    parts = [(start, min(start + step, largest)) for start in range(0, largest, step)]
    shared = Value("i", 0)
    with Pool(initializer=begin, initargs=(shared,)) as pool:
        for (start, end), found in zip(parts, pool.imap(count, parts)):
            print(f"{found} primes from {start} to {end}")
    print(f"{shared.value} in all")


if __name__ == "__main__":
    main()
