"""What all brokers have in common, with a program that only listens in their place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from ixproxy.testing.brokers import Broker, listens
from ixproxy.testing.servers import ServerFailed

ENDED_SECONDS = 20

LISTENS = """
import socket, sys, time
print("listening", flush=True)
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    listening.accept()[0].close()
"""


class Listening(Broker):
    kind = "a listener"

    def __init__(self) -> None:
        super().__init__(1)

    @classmethod
    def unusable(cls) -> str:
        return ""

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", LISTENS, str(self.ports[0])]


class Broken(Listening):
    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", "raise SystemExit('no such luck')"]


class Missing(Listening):
    @classmethod
    def unusable(cls) -> str:
        return "it is not installed"


def test_a_broker_is_killed_and_comes_back_at_the_same_port() -> None:
    with Listening() as broker:
        (port,) = broker.ports
        assert broker.pid > 0
        assert listens(port)
        with pytest.raises(ServerFailed, match="running already"):
            broker.start()
        broker.kill()
        broker.kill()
        assert not broker.running
        assert broker.pid == 0
        assert not listens(port)
        broker.start()
        assert listens(port)
        broker.pause()
        broker.resume()
        broker.stop()
        broker.stop()
        assert not listens(port)
    assert not broker.folder.exists()


def test_a_broker_that_does_not_start_says_why() -> None:
    broken = Broken()
    with pytest.raises(ServerFailed, match="no such luck"):
        broken.start()
    broken.remove()
    with pytest.raises(ServerFailed, match="did not start"), ExitStack() as entered:
        entered.enter_context(Broken())
    with pytest.raises(ServerFailed, match="not installed"):
        Missing()


@pytest.mark.processes
def test_it_ends_with_the_process_that_started_it() -> None:
    text = (
        "import os; from tests.testing.test_brokers import Listening as L; b = L();"
        "b.start(); print(b.pid, b.folder, flush=True); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", text],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    pid, folder = ended.stdout.split()
    subprocess.run(["tail", f"--pid={pid}", "-f", os.devnull], timeout=ENDED_SECONDS, check=True)
    subprocess.run(
        ["/bin/sh", "-c", 'while test -e "$0"; do sleep 0.1; done', folder],
        timeout=ENDED_SECONDS,
        check=True,
    )
