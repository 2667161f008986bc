"""The start of a process that imports much."""

import gc
from importlib import import_module
from types import ModuleType


def import_once(name: str) -> ModuleType:
    """Import the module of a program, without a garbage collection on the way, and let none look at it later.

    What imports make stays until the process ends. To look through it again and again took a fifth of a start.
    """
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()
