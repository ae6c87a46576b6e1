"""Counts prime numbers with a pool of processes."""

import multiprocessing
import sys


def count_primes(numbers):
    return sum(
        number >= 2 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))
        for number in numbers
    )


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    jobs = 8
    ranges = [range(limit * job // jobs, limit * (job + 1) // jobs) for job in range(jobs)]
    with multiprocessing.Pool() as pool:
        total = sum(pool.map(count_primes, ranges))
    print(f"{total} primes below {limit}")


if __name__ == "__main__":
    main()
