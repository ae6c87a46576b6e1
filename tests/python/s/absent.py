"""What a sandbox has not, with what it says instead. CPython is not compared.

S4  C code through ctypes
S8  os.fork
"""

import os

try:
    import ctypes
except ImportError as error:
    print("ctypes:", error)
print(hasattr(os, "fork"))
try:
    os.fork()
except AttributeError as error:
    print("os.fork:", error)
