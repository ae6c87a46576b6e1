"""The application that componentize-py makes a component of: the Python of isopod.

What this module does when it is imported happens once, when the component is built, and is frozen
into it. Then each process, main or child, begins with a copy of that memory and calls `Run.run`.
"""

from isopod import prepare

prepare.begin()

from isopod import start  # noqa: E402  (after the standard library has been replaced)

prepare.end()


class Run:
    """The export `wasi:cli/run`."""

    def run(self) -> None:
        start.run()
