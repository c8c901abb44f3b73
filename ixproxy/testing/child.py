"""
A `twistd` that ends with whoever started it: run as `python -m ixproxy.testing.child …`.
The first argument may be a program's file instead, ending in `.py`, which is run then.

Theory of operation: the standard input is a pipe whose other end only the
starting process has, so it ends when that process does, killed or not. A
thread waits for it, and then ends the server: in order, or else at once.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from threading import Event, Thread

from twisted.scripts.twistd import run

GRACE_SECONDS = 10.0
"""How long a server may take to stop in order."""


def follow_the_starter() -> None:
    """End this process when the standard input ends."""
    # os.read, for a thread inside a file object would block the interpreter's own end.
    while os.read(0, 512):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    Event().wait(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """`twistd`, or a program, with the arguments of the command line."""
    Thread(target=follow_the_starter, name="starter", daemon=True).start()
    if sys.argv[1].endswith(".py"):
        del sys.argv[0]
        runpy.run_path(sys.argv[0], run_name="__main__")
        return
    sys.exit(run())


if __name__ == "__main__":
    main()
