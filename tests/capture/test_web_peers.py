"""The web service with callers that others made: zeep, Axis 1.4, SOAP::Lite."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
import zeep
from twisted.internet.threads import deferToThread

from ixproxy.capture.iwd_wsdl import iwd_wsdl
from ixproxy.capture.soap_wsdl import native_wsdl
from ixproxy.capture.web_service import make
from ixproxy.testing.fake_intake import FakeIntake
from tests.capture.web_stage import NAMESPACE, SOAP_PATH, Interactions, dashed

PEERS = Path(__file__).parent / "peers"
JARS = Path("/usr/share/java")
CLASSES = ":".join(
    str(JARS / f"{name}.jar")
    for name in (
        "axis", "jaxrpc", "saaj", "wsdl4j", "commons-discovery", "commons-logging", "javax.mail",
        "javax.activation",
    )
)  # fmt: skip


@asynccontextmanager
async def served(reactor: Any, **settings: object) -> AsyncIterator[tuple[str, Interactions]]:
    """The URL of a service on a real port, and what lies in its node."""
    intake, there = FakeIntake(reactor, "web-in"), Interactions()
    intake.results_of = there.results
    listen = {"listen": "tcp:0:interface=127.0.0.1", "soap-hostname": "127.0.0.1"}
    point = make({**listen, **dashed(settings)})
    point.begin(intake)
    port = point._term._port.getHost().port  # type: ignore[union-attr]
    try:
        yield f"http://127.0.0.1:{port}{SOAP_PATH}", there
    finally:
        await point.end()


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(call: Callable[..., object], **arguments: object) -> zeep.exceptions.Fault:
    with pytest.raises(zeep.exceptions.Fault) as fault:
        call(**arguments)
    return fault.value


def client_of(url: str) -> Any:
    """A client made of the WSDL."""
    made: Any = zeep
    return made.Client(f"{url}?wsdl")


def by_key(items: Any) -> dict[str, Any]:
    return {
        each.key: each.value.ValueString or each.value.ValueList or each.value.ValueInt
        for each in items.kvitem
    }


def call_everything(url: str) -> None:
    client = client_of(url)
    service = client.service
    value = client.get_type(f"{{{NAMESPACE}}}KVPairValue")
    some = {
        "kvitem": [
            {"key": "text", "value": value(ValueString="é <&>")},
            {"key": "number", "value": value(ValueInt=-5)},
            {
                "key": "list",
                "value": value(ValueList={"kvitem": [{"key": "in", "value": value(ValueInt=1)}]}),
            },
        ]
    }
    (made,) = service.Submit(ExternalId="E1", TenantId=101, Queue="In", UserData=some, Hold=True)
    assert made.key == "InteractionId"
    id = made.value.ValueString
    assert service.Resume(InteractionId=id) is None
    assert service.Hold(ExternalId="E1", ReasonSystemName="Lunch") is None
    changed = {"kvitem": [{"key": "number", "value": value(ValueInt=6)}]}
    gone = {"kvitem": [{"key": "list", "value": value()}]}
    assert service.Update(InteractionId=id, Changed=changed, Deleted=gone, Queue="Out") is None
    shown = by_key(service.GetInfo(InteractionId=id).InteractionProperties)
    assert {key: shown.get(key) for key in ("Queue", "text", "number", "list", "IsHeld")} == {
        "Queue": "Out",
        "text": "é <&>",
        "number": 6,
        "list": None,
        "IsHeld": 1,
    }
    assert by_key(service.Ping().PingInfo) == {"interactions": 1}
    fault = refused(service.Hold, InteractionId=id)
    assert (fault.code, fault.detail[0][0].text) == ("SOAP-ENV:Client", "3044")
    assert service.Stop(InteractionId=id) is None
    fault = refused(service.GetInfo, InteractionId=id)
    assert fault.message == "Interaction Server protocol error"
    assert [each.text for each in fault.detail[0]] == [
        "43",
        "Unknown interaction identifier specified",
    ]
    fault = refused(service.Stop)
    assert (fault.message, fault.detail[0][0].text) == ("Required value is missing", "2")


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_zeep_calls_every_operation_and_reads_every_fault(real_reactor: Any) -> None:
    async with served(real_reactor) as (url, _):
        await deferToThread(call_everything, url)


def call_everything_of_iwd(url: str) -> None:
    service = client_of(url).service
    some = {"entry": [{"key": "MediaType", "value": "email"}, {"key": "a", "value": "é"}]}
    id = service.createTask(
        captureId="C1", actor="me", reason="why", mediaType="ignored", priority=5,
        dueDateTime="2026-11-22T10:30:00+01:00", data=some,
    )  # fmt: skip
    for by in ({"taskId": id}, {"captureId": "C1"}):
        name = "TaskId" if "taskId" in by else "CaptureId"
        for verb in ("hold", "resume", "update", "complete", "restart", "cancel"):
            assert service[f"{verb}TaskBy{name}"](**by) is None
        shown = service[f"getTaskBy{name}"](**by)
        assert (shown.interactionId, shown.captureId, shown.status) == (id, "C1", "Canceled")
        assert (shown.priority, shown.mediaType, shown.queue) == (5, "email", "iWD_Canceled")
        assert f"{shown.dueDateTime:%Y-%m-%d %H:%M:%S}" == "2026-11-22 09:30:00"
        left = {entry.key: entry.value for entry in shown.data.entry}
        assert (left["a"], left["IWD_capturePointId"]) == ("é", "web-in")
    assert service.ping()
    fault = refused(service.cancelTaskByTaskId, taskId="none")
    assert fault.message == "Interaction Server protocol error"
    assert [each.text for each in fault.detail[0]] == [
        "43",
        "Unknown interaction identifier specified",
        "ERROR",
    ]


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_zeep_calls_every_operation_of_iwd(real_reactor: Any) -> None:
    async with served(real_reactor, iwd_compatibility_mode=True) as (url, _):
        await deferToThread(call_everything_of_iwd, url)


def axis_classes(place: Path) -> str:
    """The class path of callers that Axis made of our WSDLs, and that were compiled."""
    stubs = str(place / "stubs")
    for name, wsdl in (("native", native_wsdl), ("iwd", iwd_wsdl)):
        (place / f"{name}.wsdl").write_bytes(wsdl("http://127.0.0.1:1/"))
        made_by = "org.apache.axis.wsdl.WSDL2Java"
        run("java", "-cp", CLASSES, made_by, "-o", stubs, str(place / f"{name}.wsdl"))
    callers = [str(PEERS / f"{name}.java") for name in ("AxisCaller", "IwdCaller")]
    out = str(place / "out")
    run("javac", "-nowarn", "-encoding", "UTF-8", "-cp", CLASSES, "-sourcepath", stubs,
        "-d", out, *callers)  # fmt: skip
    return f"{CLASSES}:{out}"


async def axis(classes: str, name: str, url: str) -> list[str]:
    """What a caller prints."""
    said = await deferToThread(run, "java", "-Dfile.encoding=UTF-8", "-cp", classes, name, url)
    return [line for line in said.splitlines() if not line.startswith("log4j")]


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_callers_made_by_axis_of_our_wsdls_get_along(
    real_reactor: Any, tmp_path: Path
) -> None:
    if not (JARS / "axis.jar").exists() or shutil.which("javac") is None:
        pytest.skip("libaxis-java and a JDK are not installed")
    classes = await deferToThread(axis_classes, tmp_path)
    async with served(real_reactor) as (url, there):
        lines = await axis(classes, "AxisCaller", url)
        id = lines[0].removeprefix("submit InteractionId=")
        assert lines[1:-3] == [
            f"info InteractionId={id}",
            "info ExternalId=New Message",
            "info IsHeld=#0",
            "info MediaType=cisco voice",
            "info TenantId=#101",
            "info Queue=Other Queue",
            "info postId=héllo <&>",
            "info more={inner=#7}",
            "info Priority=#5",
        ]
        assert lines[-3:] == [
            "fault 43 Unknown interaction identifier specified | Interaction Server protocol error",
            "fault 2 Missing InteractionId or ExternalId | Required value is missing",
            "ping interactions=#0",
        ]
        assert there.there == {}
    async with served(real_reactor, iwd_compatibility_mode=True) as (url, _):
        assert await axis(classes, "IwdCaller", url) == [
            "Held",
            "Completed Claims 7 email 1795000000",
            "43 Unknown interaction identifier specified ERROR | Interaction Server protocol error",
            "19",
        ]


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_soap_lite_gets_along_without_our_namespace(real_reactor: Any) -> None:
    if subprocess.run(["perl", "-MSOAP::Lite", "-e", "1"], check=False).returncode:
        pytest.skip("libsoap-lite-perl is not installed")
    async with served(real_reactor) as (url, _):
        said = await deferToThread(run, "perl", str(PEERS / "lite_caller.pl"), url)
    lines = said.splitlines()
    assert lines[0].startswith("submit 0")
    assert "info ExternalId=L1" in lines
    assert "info a=b & c" in lines
    assert lines[-1] == "fault SOAP-ENV:Client 43"
