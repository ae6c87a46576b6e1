"""At its end main ends the workers of its pools.

S46 unfinished work is lost, and nothing is printed
"""

import multiprocessing
import time
from multiprocessing import Pool


def slow(i):
    time.sleep(600)
    print("slept", i, flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    pool = Pool(2)
    for i in range(4):
        pool.apply_async(slow, (i,))
    print("end", flush=True)
    # As with every pool that is dropped, without a warning that names where it was made.
    pool.terminate()
