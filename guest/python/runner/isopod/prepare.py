"""What the applications do when they are imported, which is once, when a component is built.

All of it is frozen into the component: each process, main or child, begins with a copy of that memory.
"""

import gc

from isopod import stdlib, system


def begin():
    """Embeds the standard library, with what replaces parts of it, and imports the usual modules."""
    stdlib.embed()
    system.install()

    # After the standard library has been replaced.
    from isopod import preload

    preload.import_all()


def end():
    """Puts into place what each process finds, when everything has been imported."""
    from isopod import start

    start.open_streams()
    stdlib.finish()
    gc.collect()
    # What is there now lives as long as the process, and a collection that touched it would make the
    # process a copy of its own of every page.
    gc.freeze()
