"""The application for a program in Python: its modules, with isopod's Python.

The module to run is `main`. As with `isopod_runner`, this module's code runs once, when the component is
built.
"""

import json
import os
import sys

from isopod import prepare

_own = os.path.dirname(os.path.abspath(__file__))
prepare.begin()

from isopod import application, start  # noqa: E402  (after the standard library has been replaced)

application.embed(os.path.join(_own, "application"))

prepare.end()

_WHAT = json.dumps({"run": "module", "value": "main", "shown": "main.py", "cwd": "/"})


class Run:
    """The export `wasi:cli/run`."""

    def run(self) -> None:
        sys.argv.insert(1, _WHAT)
        start.run()
