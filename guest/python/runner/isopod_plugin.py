"""The application for a plugin in Python: the module `plugin`, with isopod's Python.

As with `isopod_runner`, this module's code runs once, when the component is built. That includes the imports
of the plugin's modules.
"""

import os
import sys

from isopod import prepare, system

_own = os.path.dirname(os.path.abspath(__file__))
prepare.begin()

from componentize_py_types import Err  # noqa: E402  (after the standard library has been replaced)
from isopod import application, functions, start  # noqa: E402
from wit_world.exports import functions as exported  # noqa: E402
from wit_world.imports import process as host_process  # noqa: E402
from wit_world.imports import types  # noqa: E402

application.embed(os.path.join(_own, "application"))

import plugin  # noqa: E402, F401  (its functions register themselves)

prepare.end()


def _described(error):
    """The exception in one line, with the last place in the plugin's own modules."""
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if application.has(file):
            place = f" (at {file}:{traceback.tb_lineno})"
        traceback = traceback.tb_next
    return f"{type(error).__name__}: {error}{place}"


class Functions:
    """The export `isopod:multiprocessing/functions`."""

    _is_begun = False

    def describe(self):
        return [exported.Function(name, text) for name, text in functions.describe()]

    def call(self, name, input, handles):
        if not Functions._is_begun:
            Functions._is_begun = True
            system.refresh(host_process.current_id(), 1, host_process.core_count())
            start.thaw()
        try:
            output = functions.call(name, input, handles)
        except functions.UnknownFunction as error:
            raise Err(exported.CallError_UnknownFunction(str(error))) from None
        except functions.InvalidInput as error:
            raise Err(exported.CallError_InvalidInput(str(error))) from None
        except BaseException as error:
            raise Err(exported.CallError_Failed(_described(error))) from None
        finally:
            sys.stdout.flush()
        return types.Message(output, [])
