from __future__ import annotations

import importlib
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins

from ixproxy.errors import ConfigError, PluginError
from ixproxy.interfaces import (
    IMergePolicyMaker,
    IPullStrategyMaker,
    IRoutingStrategy,
    IRoutingStrategyMaker,
)
from ixproxy.plugin import (
    KINDS,
    CapturePointMaker,
    Catalogue,
    MergePolicyMaker,
    PullStrategyMaker,
    RoutingStrategyMaker,
    StoreMaker,
    find_maker,
    list_makers,
    search,
)
from tests.failures import LoggedFailures

Package = Callable[..., ModuleType]
_numbers = itertools.count()

MINE = """
from ixproxy.plugin import RoutingStrategyMaker
mine = RoutingStrategyMaker("{name}", "Mine.", "{target}")
"""
STRANGE = """
from twisted.plugin import IPlugin
from zope.interface import implementer
from ixproxy.interfaces import IRoutingStrategyMaker

@implementer(IRoutingStrategyMaker, IPlugin)
class Strange:
    {body}

strange = Strange()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Makes a package of plug-in files, given by name and text, as `twisted.plugins` is one."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def make(**files: str) -> ModuleType:
        name = f"plugins_of_a_test_{next(_numbers)}"
        made.append(name)
        folder = tmp_path / name
        folder.mkdir()
        for file, text in {"__init__": "", **files}.items():
            (folder / f"{file}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for module in [each for each in sys.modules if each.partition(".")[0] in made]:
        del sys.modules[module]


def mine(name: str = "mine", target: str = "ixproxy.strategies.round_robin.make") -> str:
    return MINE.format(name=name, target=target)


def test_a_plug_in_is_found_by_its_name_and_makes_what_it_names(package: Package) -> None:
    maker = find_maker(IRoutingStrategyMaker, "mine", package(acme=mine()))
    assert IRoutingStrategy.providedBy(maker.make({}))


def test_kinds_have_names_of_their_own(package: Package) -> None:
    plugins = package(acme=mine())
    assert [maker.name for maker in list_makers(IRoutingStrategyMaker, plugins)] == ["mine"]
    assert list_makers(IPullStrategyMaker, plugins) == ()
    with pytest.raises(PluginError, match='no pull plug-in is named "mine"; there are: none'):
        find_maker(IPullStrategyMaker, "mine", plugins)


def test_an_unknown_name_is_told_the_names_that_there_are(package: Package) -> None:
    plugins = package(acme=mine("b"), zeta=mine("a"))
    with pytest.raises(PluginError, match=r'no routing plug-in is named "c"; there are: a, b$'):
        find_maker(IRoutingStrategyMaker, "c", plugins)


def test_two_plug_ins_of_one_name_are_refused_with_both_owners(package: Package) -> None:
    plugins = package(acme=mine(), zeta=mine(target="zeta.make"), good=mine("good"))
    with pytest.raises(PluginError) as raised:
        find_maker(IRoutingStrategyMaker, "mine", plugins)
    assert "two plug-ins have this name" in str(raised.value)
    assert "ixproxy.strategies.round_robin.make" in str(raised.value)
    assert "zeta.make" in str(raised.value)
    assert [maker.name for maker in list_makers(IRoutingStrategyMaker, plugins)] == ["good"]
    assert find_maker(IRoutingStrategyMaker, "good", plugins).name == "good"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("name, summary = 'strange', 'x'", "make"),
        ("name, summary = 'strange', 'x'\n    def make(self): pass", "doesn't allow enough argum"),
        ("name = 'strange'\n    def make(self, settings): pass", "summary"),
        (
            "name, summary = 'strange', 7\n    def make(self, settings): pass",
            "summary a text, not 7",
        ),
        (
            "name, summary = 'strange', ''\n    def make(self, settings): pass",
            "summary a text, not",
        ),
    ],
)
def test_a_plug_in_that_does_not_keep_its_interface_is_refused(
    package: Package, body: str, said: str
) -> None:
    plugins = package(acme=STRANGE.format(body=body), good=mine())
    with pytest.raises(PluginError, match='plug-in "strange" cannot be used') as raised:
        find_maker(IRoutingStrategyMaker, "strange", plugins)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert find_maker(IRoutingStrategyMaker, "mine", plugins).name == "mine"


def test_a_plug_in_without_a_name_is_told_to_who_looks_for_one(package: Package) -> None:
    plugins = package(acme=STRANGE.format(body="name = 7"))
    with pytest.raises(PluginError, match=r"one could not be read: <.*Strange"):
        find_maker(IRoutingStrategyMaker, "strange", plugins)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("import no_such_module", ModuleNotFoundError),
        ("this is no Python", SyntaxError),
        ("1 / 0", ZeroDivisionError),
        ("raise SystemExit", SystemExit),
    ],
)
def test_a_broken_plug_in_file_is_noticed_by_who_looks_for_what_it_may_have_had(
    package: Package, logged_failures: LoggedFailures, text: str, kind: type[BaseException]
) -> None:
    plugins = package(broken=text, good=mine())
    with pytest.raises(PluginError, match=f"one could not be read: {kind.__name__}") as raised:
        find_maker(IRoutingStrategyMaker, "gone", plugins)
    assert "broken.py" in str(raised.value)
    # The others are of use all the same, today and when the cache has been written.
    for _ in range(2):
        assert find_maker(IRoutingStrategyMaker, "mine", plugins).name == "mine"
        assert len(search(IRoutingStrategyMaker, plugins).unread) == 1
    logged_failures.flush()


def test_a_plug_in_file_that_broke_after_it_was_cached_is_noticed(
    package: Package, logged_failures: LoggedFailures
) -> None:
    plugins = package(acme=mine())
    assert find_maker(IRoutingStrategyMaker, "mine", plugins).name == "mine"
    file = Path(str(plugins.__file__)).with_name("acme.py")
    file.write_text("import no_such_module\n")
    cache = file.with_name("dropin.cache").stat().st_mtime
    os.utime(file, (cache + 10, cache + 10))
    del sys.modules[f"{plugins.__name__}.acme"]
    importlib.invalidate_caches()
    with pytest.raises(PluginError, match="No module named 'no_such_module'"):
        find_maker(IRoutingStrategyMaker, "mine", plugins)
    logged_failures.flush()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("ixproxy.strategies.no_such.make", "no_such"),
        ("ixproxy.strategies.round_robin.no_such", "no_such"),
        ("", "cannot load"),
    ],
)
def test_a_target_that_is_not_there_is_told_when_it_is_made(target: str, said: str) -> None:
    maker = RoutingStrategyMaker("mine", "Mine.", target)
    with pytest.raises(PluginError, match='plug-in "mine" cannot load') as raised:
        maker.make({})
    assert said in str(raised.value)


def test_a_setting_that_is_refused_is_a_configuration_error() -> None:
    maker = RoutingStrategyMaker("mine", "Mine.", "ixproxy.strategies.round_robin.make")
    with pytest.raises(ConfigError, match="unknown setting"):
        maker.make({"speed": 9})


def test_a_catalogue_finds_and_tries_what_does_no_io() -> None:
    catalogue = Catalogue()
    catalogue.try_maker("routing", "round-robin", {})
    # To make a store is to look at this host, and the file may be for another.
    catalogue.try_maker("store", "sqlite", {"address": "sqlite:/no/such/place.db"})
    with pytest.raises(ConfigError, match="unknown setting"):
        catalogue.try_maker("pull", "round-robin", {"speed": 9})
    with pytest.raises(PluginError, match='no merge plug-in is named "none"; there are: all-must'):
        catalogue.try_maker("merge", "none", {})


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("routing", "hash-of-id least-backlog media-dedicated round-robin weighted"),
        ("pull", "busiest-first hold-override round-robin"),
        ("merge", "all-must-agree first-found partial union"),
        ("store", "sqlite"),
    ],
)
def test_what_is_built_in_is_found(kind: str, names: str) -> None:
    assert set(names.split()) <= {maker.name for maker in list_makers(KINDS[kind])}


@pytest.mark.parametrize(
    ("kind", "maker"),
    [
        ("routing", RoutingStrategyMaker("a", "A.", "a")),
        ("pull", PullStrategyMaker("a", "A.", "a")),
        ("merge", MergePolicyMaker("a", "A.", "a")),
        ("store", StoreMaker("a", "A.", "a")),
        ("capture", CapturePointMaker("a", "A.", "a")),
    ],
)
def test_every_kind_has_a_maker_that_provides_its_interface(kind: str, maker: object) -> None:
    assert [name for name, interface in KINDS.items() if interface.providedBy(maker)] == [kind]


def test_a_merge_policy_is_no_pull_strategy() -> None:
    with pytest.raises(PluginError):
        find_maker(IMergePolicyMaker, "busiest-first")


def test_twistd_finds_both_servers() -> None:
    makers: dict[str, Any] = {maker.tapname: maker for maker in getPlugins(IServiceMaker)}
    assert makers["ixproxy"].module == "ixproxy.tap"
    assert makers["ixnode"].module == "ixproxy.node_tap"


LAZY = """
import sys
from ixproxy.interfaces import IRoutingStrategyMaker
from ixproxy.plugin import list_makers
assert list_makers(IRoutingStrategyMaker)
print([name for name in sys.modules if name.startswith(("ixproxy.strategies", "ixproxy.storage"))])
"""


def test_finding_plug_ins_imports_none_of_them() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LAZY], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"
