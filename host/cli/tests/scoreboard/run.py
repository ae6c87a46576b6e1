"""Runs tests of CPython inside the sandbox, and prints the end of each, one line per event.

    run.py list MODULE...   prints the names of all tests of these modules
    run.py run ID...        runs the tests with these names

Each line for the caller begins with a mark, since tests print too. `start` comes before a test
runs, so that a caller that ends this program knows which test did not end.
"""

import sys
import unittest

from test.support import threading_helper

# The module assumes that no WASI has threads. Here there is something like them. Besides, children, which
# run these lines too, could not import the modules of tests that ask for threads.
threading_helper.can_start_thread = True

MARK = "::test::"


def tell(*words):
    print(MARK, *words, file=sys.__stdout__, flush=True)


def one_line(text):
    return " ".join(str(text).split())[:200]


def all_tests(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from all_tests(one)
        else:
            yield one


class Result(unittest.TestResult):
    """Prints the result at once, in the order of the events."""

    def startTest(self, test):
        super().startTest(test)
        self._is_told = False
        tell("start", test.id())

    def addSuccess(self, test):
        self._tell("pass", test, "")

    def addExpectedFailure(self, test, error):
        self._tell("pass", test, "")

    def addSkip(self, test, reason):
        self._tell("skip", test, one_line(reason))

    def addFailure(self, test, error):
        self._failed(test, error)

    def addError(self, test, error):
        self._failed(test, error)

    def addUnexpectedSuccess(self, test):
        self._tell("fail", test, "unexpected success")

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._failed(test, error)

    def _failed(self, test, error):
        print(self._exc_info_to_string(error, test), file=sys.stderr, flush=True)
        kind, value, _ = error
        self._tell("fail", test, one_line(f"{kind.__name__}: {value}"))

    def _tell(self, how, test, reason):
        # A fixture of a class or module has the test's place: `setUpClass (package.module.Class)`.
        tell(how, test.id().replace(" ", "_"), reason)


if __name__ == "__main__":
    what, *names = sys.argv[1:]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    if what == "list":
        for test in all_tests(suite):
            tell("found", test.id())
    else:
        suite.run(Result())
        tell("end")
