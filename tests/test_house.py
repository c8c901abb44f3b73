"""The house itself: no file of the checkout breaks a rule of tests/house.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import house
from tests.house import Source

ROOT = Path(__file__).parent.parent
OURS = list(house.read(ROOT, "ixproxy"))
TESTS = list(house.read(ROOT, "tests"))
AROUND = list(house.read(ROOT, "bench", "examples", "twisted", "doc"))


@pytest.mark.parametrize(
    ("rule", "sources"),
    [
        (house.imports_that_do_not_point_down, OURS),
        (house.rooms_without_a_floor, OURS),
        (house.impure_imports, OURS),
        (house.clock_readings, OURS),
        (house.global_reactors, [*OURS, *TESTS, *AROUND]),
        (house.sleeps, TESTS),
        (house.too_long, [*OURS, *TESTS, *AROUND]),
        (house.empty_names, [*OURS, *TESTS, *AROUND]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_no_file_breaks_the_rule(
    rule: Callable[[Source], Iterator[str]], sources: list[Source]
) -> None:
    assert sources
    breaches = [breach for source in sources for breach in rule(source)]
    assert not breaches, "\n" + "\n".join(breaches)


def test_every_source_file_has_its_test_file() -> None:
    missing = house.sources_without_a_test(
        [source.path for source in OURS], [source.path for source in TESTS]
    )
    assert not missing, "\n" + "\n".join(missing)


def test_the_tests_mirror_the_package() -> None:
    strays = house.tests_without_a_source(
        [source.path for source in OURS], [source.path for source in TESTS]
    )
    assert not strays, "\n" + "\n".join(strays)


def test_setup_cfg_lists_each_package_and_the_place_of_the_twistd_plugin() -> None:
    there = {
        ".".join(source.path.parent.parts) for source in OURS if source.path.name == "__init__.py"
    }
    listed = house.listed_packages((ROOT / "setup.cfg").read_text())
    assert sorted(listed) == sorted(there | {"twisted.plugins"})


def test_every_folder_of_the_package_is_a_package() -> None:
    folders = {source.path.parent for source in OURS}
    assert [folder for folder in folders if not (ROOT / folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("folder", ["twisted", "twisted/plugins"])
def test_the_folders_of_the_twistd_plugin_are_no_packages(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()
