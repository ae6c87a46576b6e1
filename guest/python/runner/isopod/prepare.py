"""The steps of the applications at their import, which happens once, when a component is built.

Their result is frozen into the component: each process, main or child, begins with a copy of that memory.
"""

import gc

from isopod import stdlib, system


def begin():
    """Embeds the standard library with the replaced modules, and imports the usual modules."""
    stdlib.embed()
    system.install()

    # This import must follow the replacement of the standard library.
    from isopod import preload

    preload.import_all()


def end():
    """Sets up the initial state of each process, after all imports."""
    from isopod import start

    start.open_streams()
    stdlib.finish()
    gc.collect()
    # The present objects live as long as the process. A collection that touched them would give the process a
    # copy of its own of every page.
    gc.freeze()
