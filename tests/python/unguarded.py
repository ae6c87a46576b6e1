"""A main that starts processes without a guard.

15 an unguarded main is run again and again: here the child says what is wrong, and ends
"""

from multiprocessing import Process


def nothing():
    pass


process = Process(target=nothing)
process.start()
process.join()
print("the child ended with", process.exitcode)
