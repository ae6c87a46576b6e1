"""The application that componentize-py makes a component of: the Python of isopod.

What this module does when it is imported happens once, when the component is built, and is frozen
into it: the standard library is embedded and the usual modules are imported. Then each process,
main or child, begins with a copy of that memory and calls `Run.run`.
"""

import gc

from isopod import stdlib, system

stdlib.embed()
system.install()

from isopod import preload  # noqa: E402  (after the standard library has been replaced)

preload.import_all()

from isopod import start  # noqa: E402

start.open_streams()
stdlib.finish()
gc.collect()
# What is there now lives as long as the process, and a collection that touched it would make the
# process a copy of its own of every page.
gc.freeze()


class Run:
    """The export `wasi:cli/run`."""

    def run(self) -> None:
        start.run()
