"""The start method `fork`: a new instance of the interpreter, as with all of them."""

from isopod import popen

__all__ = ["Popen"]


class Popen(popen.Popen):
    method = "fork"
