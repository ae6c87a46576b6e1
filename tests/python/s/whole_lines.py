"""Children that print at the same time, in any order. CPython is not compared.

S29 lines are not torn, which CPython's are now and then
"""

import multiprocessing
from multiprocessing import Process


def many_lines(i):
    for line in range(20):
        print(str(i) * 60 + f" {line:02}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    processes = [Process(target=many_lines, args=(i,)) for i in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
