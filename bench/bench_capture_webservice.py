"""
A web service capture point's durable documents against a web server that does nothing.

Server on one core, load on the other, in one run and in turn. The same load asks
a bare `twisted.web` resource, which answers at once: that is what the client and the
HTTP of this machine can do. Every document submits one interaction with a receipt,
and is answered when it is durable.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.bench_node import SUBMIT, Node
from bench.measuring import (
    OTHER_CORE,
    PROXY_CORE,
    Stage,
    cpu_seconds,
    free_port,
    median,
    python,
    wait_for,
)

ROUNDS = 5
CONNECTIONS, SECONDS = 64, 3.0

DEPLOYMENT = """
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.Inbound.views.All]
[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:{port}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{port}"
store = "sqlite:{name}.db"
[[applications.ixn1.capture]]
name = "web-in"
use = "webservice"
listen = "tcp:WEB:interface=127.0.0.1"
queue = "Inbound"
default-values = {{ MediaType = "email" }}
"""

_SOAP_PATH = "/Genesys/Interaction/web-in/WebServiceCapturePoint"
_SOAP = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<Submit xmlns="http://www.genesyslab.com/interaction"><InteractionId/><ExternalId>E1</ExternalId>'
    "<IsOnline>false</IsOnline><UserData>{items}</UserData></Submit></s:Body></s:Envelope>"
)
_ITEM = "<kvitem><key>{key}</key><value><ValueString>{value}</ValueString></value></kvitem>"


def request(path: str, kind: str, body: bytes) -> bytes:
    """The bytes of one post."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: ixn1\r\nContent-Type: {kind}\r\n"
        f'Idempotency-Key: "%RECEIPT%"\r\nContent-Length: {len(body)}\r\n\r\n'
    )
    return head.encode() + body


def requests() -> dict[str, bytes]:
    """One submit in each language, with the same user data."""
    document = {"externalId": "E1", "userData": SUBMIT.user_data}
    customer: dict[str, str] = SUBMIT.user_data["Customer"]
    flat = {**customer, "Subject": SUBMIT.user_data["Subject"], "Text": SUBMIT.user_data["Text"]}
    items = "".join(_ITEM.format(key=key, value=value) for key, value in flat.items())
    soap = _SOAP.format(items=items).encode()
    return {
        "JSON": request("/interactions", "application/json", json.dumps(document).encode()),
        "SOAP": request(_SOAP_PATH, "text/xml; charset=utf-8", soap),
    }


def load(stage: Stage, port: int, name: str) -> tuple[float, int]:
    """Answers per second, and how many there were in all."""
    command = [
        "taskset", "-c", OTHER_CORE, python(), "-m", "bench.call_load", str(port),
        str(CONNECTIONS), str(SECONDS), f"{name}.request",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=stage.directory, stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout)
    if result["errors"] or not result["answered"]:
        raise SystemExit(f"{result['errors']} of {result['answered']} requests were refused")
    return result["answered"] / result["seconds"], result["all"]


def main() -> bool:
    """Print the table; there is no limit to keep."""
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        try:
            bench(stage)
        finally:
            stage.end()
    return True


def bench(stage: Stage) -> None:
    """Both servers, in turn."""
    web, bare = free_port(), free_port()
    node = Node(stage, "web", deployment=DEPLOYMENT.replace("WEB", str(web)))
    wait_for(web, node.process)
    floor = stage.start(PROXY_CORE, python(), "-m", "bench.bare_web", str(bare), log="bare.log")
    wait_for(bare, floor)
    rates: dict[tuple[str, str], list[float]] = {}
    spent: dict[tuple[str, str], list[float]] = {}
    servers = {"bare": (floor.pid, bare), "node": (node.process.pid, web)}
    for name, raw in requests().items():
        (stage.directory / f"{name}.request").write_bytes(raw)
        for _ in range(ROUNDS):
            for server, (pid, port) in servers.items():
                before = cpu_seconds(pid)
                rate, answers = load(stage, port, name)
                rates.setdefault((name, server), []).append(rate)
                spent.setdefault((name, server), []).append((cpu_seconds(pid) - before) / answers)
    print(f"\ndocuments to durable submit over HTTP, {CONNECTIONS} connections, one core")
    print("language  server            answers/s  ratio  CPU us/answer")
    for name in requests():
        at_best = median(rates[name, "bare"])
        for server, said in (("bare", "bare twisted.web"), ("node", "ixnode, durable")):
            rate, cpu = median(rates[name, server]), median(spent[name, server])
            print(f"{name:8}  {said:16}  {rate:9.0f}  {rate / at_best:5.2f}  {cpu * 1e6:13.0f}")


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
