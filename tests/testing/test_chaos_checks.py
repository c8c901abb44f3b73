"""What is checked when all is at rest."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from ixproxy.testing import chaos_checks
from ixproxy.testing.chaos_checks import AGREE_SECONDS, REST_SECONDS, Checks
from ixproxy.testing.chaos_clients import Load
from ixproxy.testing.chaos_history import History
from ixproxy.testing.chaos_scene import Scene
from tests.deferreds import no_result, result_of


class Setting:
    """A scene of nothing but logs and one process: this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reactor = Clock()
        self.stores: dict[str, str] = {}
        self.cluster = SimpleNamespace(
            servers=SimpleNamespace(processes={"proxy1": None}), log=self._log
        )

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def process(self, name: str) -> Any:
        return SimpleNamespace(pid=os.getpid())

    async def pause(self, seconds: float) -> None:
        await deferLater(self.reactor, seconds)

    def passes(self, seconds: float) -> None:
        self.reactor.pump([0.25] * int(seconds / 0.25))


def checks_of(folder: Path) -> tuple[Setting, Load, Checks]:
    setting = Setting(folder)
    history = History(folder / "history.jsonl")
    load = Load(setting.reactor, history, [], cast(Any, None), rate=1.0)
    return setting, load, Checks(cast(Scene, setting), load, history, set())


def test_a_traceback_is_told_once_by_its_last_line(tmp_path: Path) -> None:
    _, _, checks = checks_of(tmp_path)
    log = tmp_path / "proxy1.log"
    log.write_text(
        "started\nTraceback (most recent call last):\n  File x\n    y\nValueError: z\nmore\n"
    )
    assert checks._logs() == ["proxy1.log:2: ValueError: z"]
    with log.open("a") as file:
        file.write("all is well\n")
    assert checks._logs() == []
    with log.open("a") as file:
        file.write("Traceback (most recent call last):\n  File x\n")
    assert checks._logs() == ["proxy1.log:8: it is cut off"]


def test_a_proxy_may_grow_only_so_far(tmp_path: Path) -> None:
    _, _, checks = checks_of(tmp_path)
    assert checks._grown() == []
    checks._memory[os.getpid()] -= chaos_checks.MOST_GROWTH + (1 << 20)
    wrong = checks._grown()
    assert len(wrong) == 2
    assert "proxy1 has grown by" in wrong[0]
    assert checks.growth > chaos_checks.MOST_GROWTH


def test_what_never_comes_to_rest_is_left_and_stranded(tmp_path: Path, monkeypatch: Any) -> None:
    setting, load, checks = checks_of(tmp_path)
    row = {"node": "ixn1", "id": "A", "state": 3}
    party = {"node": "ixn1", "interaction_id": "A", "session": b"gone", "take_number": 1}
    rows: dict[str, list[dict[str, Any]]] = {
        "interactions": [row],
        "parties": [party],
        "invitations": [],
    }
    monkeypatch.setattr(chaos_checks, "read_rows", lambda stores, tables: rows)
    resting = Deferred.fromCoroutine(checks._rest())
    setting.passes(1.0)
    no_result(resting)
    setting.passes(REST_SECONDS)
    assert result_of(resting) == {
        "stranded": ["A on ixn1 is taken by one who is gone"],
        "not worked off": ["A is left on ixn1, state 3"],
    }
    for each in rows.values():
        each.clear()
    assert result_of(Deferred.fromCoroutine(checks._rest())) == {
        "stranded": [],
        "not worked off": [],
    }
    assert load.shift.resting


def test_who_disagrees_has_a_while_to_agree(tmp_path: Path) -> None:
    setting, _, checks = checks_of(tmp_path)
    said = ["anna is here, and there"]
    agreeing = Deferred.fromCoroutine(checks._agree(lambda: list(said)))
    setting.passes(1.0)
    no_result(agreeing)
    said.clear()
    setting.passes(1.0)
    assert result_of(agreeing) == []
    said.append("bert is nowhere")
    agreeing = Deferred.fromCoroutine(checks._agree(lambda: list(said)))
    setting.passes(AGREE_SECONDS + 1.0)
    assert result_of(agreeing) == ["bert is nowhere"]


def test_what_was_told_after_one_round_is_not_told_after_the_next(tmp_path: Path) -> None:
    _, _, checks = checks_of(tmp_path)
    assert checks._new(["A is lost"]) == ["A is lost"]
    assert checks._new(["A is lost", "B is lost"]) == ["B is lost"]
