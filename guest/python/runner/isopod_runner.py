"""The application that componentize-py turns into a component: isopod's Python.

This module's code runs once, at its import when the component is built, and the result is frozen into the
component. Each process, main or child, begins with a copy of that memory and calls `Run.run`.
"""

from isopod import prepare

prepare.begin()

from isopod import start  # noqa: E402  (after the standard library has been replaced)

prepare.end()


class Run:
    """The export `wasi:cli/run`."""

    def run(self) -> None:
        start.run()
