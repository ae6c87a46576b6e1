"""At its end main ends its daemons.

S23 what a daemon would do later is not done
"""

import multiprocessing
import time
from multiprocessing import Event, Process


def talk(name, begun):
    print(f"{name} is piaoing", flush=True)
    begun.set()
    time.sleep(600)
    print(f"{name} is piao end", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    begun = Event()
    Process(target=talk, args=("egon", begun), daemon=True).start()
    begun.wait()
    print("主......", flush=True)
