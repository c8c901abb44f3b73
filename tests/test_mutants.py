"""
The recorded mutants fit the tree as it is; whether they are found `make mutants` says.

A change of the code may move the line that a mutant changes, or make the mutant
pointless. Then its patch is made anew, or another takes its place.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.__main__ import main
from tests.mutants.catalogue import (
    FOLDER,
    Mutant,
    all_mutants,
    does_not_apply,
    read_mutant,
    renewed,
)
from tests.mutants.hunting import BrokenMutant, Found, Hunt, Trees, parts, try_seeds
from tests.mutants.trial import main as run_trial

ROOT = Path(__file__).parent.parent
MUTANTS = all_mutants()

FENCING = "ixproxy/storage/sqlite.py"
"""Where the epoch is checked is the one place outside of what decides that a mutant may change."""

mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def test_there_are_at_least_thirty_mutants() -> None:
    assert len(MUTANTS) >= 30


def test_mutants_are_spread_over_the_proxy_and_the_node() -> None:
    paths = [mutant.path for mutant in MUTANTS]
    assert min(sum(part in path for path in paths) for part in ("/core/", "/node/")) >= 12
    assert len(set(paths)) >= 20


@mutant
def test_a_mutant_changes_what_decides(mutant: Mutant) -> None:
    decides = mutant.path.startswith(("ixproxy/core/", "ixproxy/node/"))
    assert decides or mutant.path == FENCING


@mutant
def test_a_mutant_applies_to_this_tree(mutant: Mutant) -> None:
    problem = does_not_apply(mutant, ROOT)
    assert not problem, f"python -m tests.mutants --renew\n{problem}"


@mutant
def test_a_mutant_still_compiles(mutant: Mutant) -> None:
    text = (ROOT / mutant.path).read_text()
    assert f"\n{mutant.removed}\n" in text
    compile(text.replace(f"{mutant.removed}\n", f"{mutant.added}\n"), mutant.path, "exec")


@mutant
def test_a_mutant_says_what_it_breaks_and_what_notices(mutant: Mutant) -> None:
    assert len(mutant.breaks) > 60
    assert mutant.noticed_by


def test_no_more_mutants_are_explained_than_may_be_missing() -> None:
    assert sum(bool(mutant.explained) for mutant in MUTANTS) <= len(MUTANTS) // 10


def test_a_patch_of_two_lines_is_no_mutant(tmp_path: Path) -> None:
    patch = tmp_path / "two.patch"
    text = next(FOLDER.glob("*.patch")).read_text()
    patch.write_text(f"{text}-    another\n")
    with pytest.raises(ValueError, match=r"two\.patch does not change exactly one line"):
        read_mutant(patch)


def test_a_patch_is_renewed_when_only_what_is_around_its_line_has_changed(tmp_path: Path) -> None:
    mutant = _small_mutant(tmp_path, "problems = []")
    patch = renewed(mutant, "# new\n    problems = []\n# too\n")
    assert patch is not None
    assert patch.startswith("Breaks: all\n\n--- a/")
    assert "\n # new\n-    problems = []\n+    problems = ['broken']\n # too\n" in patch
    assert renewed(mutant, "something else\n") is None
    assert renewed(mutant, "    problems = []\n" * 2) is None


def test_seeds_are_run_in_parts_that_grow() -> None:
    assert list(parts(500)) == [(0, 30), (30, 130), (130, 380), (380, 500)]
    assert list(parts(10)) == [(0, 10)]


def _tree(folder: Path, body: str) -> Path:
    """A checkout whose simulation is `body`."""
    (folder / "ixproxy/testing").mkdir(parents=True)
    (folder / "tests/mutants").mkdir(parents=True)
    for name in ("__init__.py", "testing/__init__.py"):
        (folder / "ixproxy" / name).touch()
    (folder / "ixproxy/testing/accidents.py").write_text(
        "from types import SimpleNamespace\n"
        "def have_accident(seed, **_):\n"
        f"    {body}\n"
        "    return SimpleNamespace(problems=problems)\n"
    )
    for name in ("tests/mutants/trial.py", "ixproxy/testing/arguments.py"):
        (folder / name).write_text((ROOT / name).read_text())
    return folder


def test_the_first_seed_that_breaks_a_rule_is_found(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "problems = ['lost'] if seed in (3, 5) else []")
    trial = try_seeds(tree, "accidents", 0, 9, hang=60)
    assert (trial.seed, trial.problem, trial.ran) == (3, "lost", 4)


def test_a_clean_tree_has_no_such_seed(tmp_path: Path) -> None:
    trial = try_seeds(_tree(tmp_path, "problems = []"), "accidents", 2, 6, hang=60)
    assert (trial.seed, trial.problem, trial.ran) == (None, "", 4)


def test_a_seed_that_has_no_end_is_found_by_time(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "problems = []\n    while seed == 1: pass")
    trial = try_seeds(tree, "accidents", 0, 9, hang=5)
    assert (trial.seed, trial.problem) == (1, "no end after 5 s")


def test_a_seed_that_ends_its_process_is_found(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "problems = []\n    if seed == 2: raise SystemExit(7)")
    trial = try_seeds(tree, "accidents", 0, 9, hang=60)
    assert (trial.seed, trial.problem) == (2, "the process ended with 7: ")


def test_a_tree_that_cannot_be_imported_is_no_mutant(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "problems = []")
    (tree / "ixproxy/testing/accidents.py").write_text("import nothing_like_it\n")
    with pytest.raises(BrokenMutant, match="nothing_like_it"):
        try_seeds(tree, "accidents", 0, 9, hang=60)


def _small_mutant(folder: Path, line: str) -> Mutant:
    patch = folder / "small.patch"
    patch.write_text(
        "Breaks: all\n\n"
        "--- a/ixproxy/testing/accidents.py\n"
        "+++ b/ixproxy/testing/accidents.py\n"
        "@@ -3,2 +3,2 @@\n"
        f"-    {line}\n"
        "+    problems = ['broken']\n"
        "     return SimpleNamespace(problems=problems)\n"
    )
    return read_mutant(patch)


def _hunted(tmp_path: Path, line: str, body: str = "problems = []") -> Hunt:
    tree = _tree(tmp_path / "checkout", body)
    (tmp_path / "copies").mkdir()
    trees = Trees(tree, tmp_path / "copies")
    told: list[Found] = []
    hunt = Hunt(trees, [_small_mutant(tmp_path, line)], "accidents", 60.0, told.append)
    hunt.run(seeds=4, jobs=2)
    assert told
    assert all(each is hunt.results[0] for each in told)
    return hunt


def test_a_mutant_is_hunted_in_a_copy_of_the_tree(tmp_path: Path) -> None:
    (found,) = _hunted(tmp_path, "problems = []").results
    assert (found.seed, found.problem, found.broken) == (0, "broken", "")
    original = (tmp_path / "checkout/ixproxy/testing/accidents.py").read_text()
    assert "broken" not in original


def test_a_patch_that_does_not_apply_is_a_broken_mutant(tmp_path: Path) -> None:
    (found,) = _hunted(tmp_path, "problems = [1]").results
    assert found.seed is None
    assert "does not apply" in found.broken or "patch failed" in found.broken


def test_a_seed_that_fails_without_a_mutant_finds_none(tmp_path: Path) -> None:
    body = "problems = ['as ever'] if seed < 2 else []"
    hunt = _hunted(tmp_path, body, body)
    assert hunt.results[0].seed == 2
    assert set(hunt.unclean.values()) == {"as ever"}


def test_the_command_says_how_it_is_used() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "--only", "no such mutant"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 2
    assert "no mutant is called like no such mutant" in asked.stderr


@pytest.mark.parametrize("nothing", ["--seeds 0", "--clean -1", "--jobs 0", "--hang 0"])
def test_a_hunt_without_seeds_is_refused(nothing: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--only", "no such mutant", *nothing.split()])
    assert refused.value.code == 2


def test_a_trial_without_seeds_is_refused() -> None:
    with pytest.raises(SystemExit) as refused:
        run_trial(["--seeds", "5:1"])
    assert refused.value.code == 2
