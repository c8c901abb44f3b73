"""
RabbitMQ, with its plug-ins for STOMP and AMQP 1.0 (Debian: `rabbitmq-server`).

Its nodes find each other through `epmd`, which would otherwise go on running, and
listen everywhere: there is one of its own, in the foreground and on the
loopback interface.
"""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ixproxy.testing.brokers import Broker, listens, wait_a_little

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONTROL = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
EPMD = Path("/usr/bin/epmd")

CONTROL_SECONDS = 120.0
"""How long `rabbitmqctl` may take; it does not always notice that nobody answers it."""

USER = "guest"
PASSWORD = "guest"

_SETTINGS = """
listeners.tcp.1 = 127.0.0.1:{amqp}
stomp.listeners.tcp.1 = 127.0.0.1:{stomp}
amqp1_0.default_user = none
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 1MB
"""

_PLUGINS = "[rabbitmq_stomp,rabbitmq_amqp1_0].\n"


class RabbitmqBroker(Broker):
    """
    :ivar stomp_port: and `amqp_port`, which speaks AMQP 0-9-1 and 1.0.
    """

    kind = "RabbitMQ"

    def __init__(self) -> None:
        super().__init__(4)
        self.stomp_port, self.amqp_port, self._dist_port, self._epmd_port = self.ports
        (self.folder / "rabbitmq.conf").write_text(
            _SETTINGS.format(amqp=self.amqp_port, stomp=self.stomp_port)
        )
        (self.folder / "enabled_plugins").write_text(_PLUGINS)
        self._epmd: subprocess.Popen[bytes] | None = None

    @classmethod
    def unusable(cls) -> str:
        """Why none can be started here; empty: one can."""
        if not PROGRAM.exists() or not EPMD.exists():
            return "RabbitMQ is not installed (Debian: apt-get install rabbitmq-server)"
        return ""

    def command(self) -> Sequence[str]:
        """The server in the foreground."""
        return [str(PROGRAM)]

    def environment(self) -> Mapping[str, str]:
        """Everything of it in its folder, and on the loopback interface."""
        there = str(self.folder)
        return {
            "HOME": there,
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "RABBITMQ_NODENAME": "ixproxy@localhost",
            "RABBITMQ_MNESIA_BASE": f"{there}/mnesia",
            "RABBITMQ_LOG_BASE": f"{there}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{there}/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": f"{there}/rabbitmq.conf",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_PID_FILE": f"{there}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2:2"
            ),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
        }

    def answers(self) -> bool:
        """Whether it lets clients in: its listeners are there before it does."""
        return super().answers() and _lets_in(self.stomp_port)

    def start(self) -> None:
        """Start it, and before it what it is found by."""
        if self._epmd is None or self._epmd.poll() is not None:
            self._epmd = self.spawn([str(EPMD)])
            while not listens(self._epmd_port) and not wait_a_little(self._epmd):
                pass
        super().start()

    def kill(self) -> None:
        """Kill all of it."""
        super().kill()
        epmd, self._epmd = self._epmd, None
        if epmd is not None:
            epmd.send_signal(signal.SIGKILL)
            epmd.wait()

    def groups(self) -> Sequence[int]:
        """The process groups that it consists of."""
        return [*super().groups(), *([self._epmd.pid] if self._epmd is not None else [])]

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` says."""
        done = subprocess.run(
            [str(CONTROL), "-q", *arguments],
            env={**self.environment(), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            # Where it leaves what it has to say of its own death.
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=CONTROL_SECONDS,
        )
        return done.stdout


def _lets_in(port: int) -> bool:
    """Whether it accepts a client's STOMP connection."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as probe:
        probe.settimeout(5)
        probe.sendall(
            f"CONNECT\naccept-version:1.2\nhost:/\nlogin:{USER}\npasscode:{PASSWORD}\n\n\0".encode()
        )
        return probe.recv(100).startswith(b"CONNECTED")
    return False
