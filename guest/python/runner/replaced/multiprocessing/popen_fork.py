"""The start method `fork`: a new instance of the interpreter, like all start methods."""

from isopod import popen

__all__ = ["Popen"]


class Popen(popen.Popen):
    method = "fork"
