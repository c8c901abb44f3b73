"""What README.md and doc/ show is what happens."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ixproxy.errors import ERRORS
from tests.documents import ENDPOINT, Block, all_blocks, blocks, dead_links

ROOT = Path(__file__).parent.parent
BLOCKS = all_blocks(ROOT)
IXCTL = [sys.executable, "-c", "import sys; from ixproxy.cli.main import main; sys.exit(main())"]


def run(command: list[str], typed: str = "") -> str:
    done = subprocess.run(
        command, input=typed, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def those(language: str, how: str = "") -> pytest.MarkDecorator:
    found = [
        block for block in BLOCKS if block.language == language and (not how or block.run == how)
    ]
    return pytest.mark.parametrize("block", found, ids=str)


@those("python")
def test_every_python_block_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


@those("toml")
def test_every_toml_block_parses(block: Block) -> None:
    tomllib.loads(block.text)


@those("python", "alone")
def test_a_block_that_needs_no_cluster_runs(block: Block) -> None:
    run([sys.executable, "-W", "error", "-"], block.text)


@pytest.mark.processes
@those("python", "cluster")
def test_a_block_that_needs_a_cluster_runs(block: Block, cluster_endpoint: str) -> None:
    assert ENDPOINT in block.text, f"it does not connect to {ENDPOINT}"
    run([sys.executable, "-W", "error", "-"], block.text.replace(ENDPOINT, cluster_endpoint))


@pytest.mark.processes
@those("console", "cluster")
def test_commands_that_need_a_cluster_run(block: Block, cluster_endpoint: str) -> None:
    commands = [command.replace(ENDPOINT, cluster_endpoint) for command in block.commands()]
    assert commands, "a console block has lines that begin with `$ `"
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program.endswith("ixctl"), f"do not know how to run {program}"
        run([*IXCTL, *arguments])


@those("toml", "check-config")
def test_a_whole_deployment_file_is_a_good_one(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(block.text)
    run([*IXCTL, "check-config", str(path)])


def test_links_between_documents_lead_somewhere() -> None:
    assert list(dead_links(ROOT)) == []


def test_the_codes_that_operators_read_are_those_that_servers_send() -> None:
    page = (ROOT / "doc" / "operations.md").read_text()
    shown = dict(re.findall(r"^\| `(\d+)` \| (.* \| .*) \| .* \|$", page, re.MULTILINE))
    sent = {
        str(code): f"{row.text} | {row.outcome.value}"
        for code, row in ERRORS.items()
        if code >= 2000
    }
    assert shown == sent, "the table of codes in doc/operations.md"


def test_the_page_of_options_is_what_the_catalogue_generates() -> None:
    generated = run([sys.executable, str(ROOT / "doc" / "options_page.py")])
    assert generated == (ROOT / "doc" / "options.md").read_text(), "run `make protocol`"


MARKED = """\
# Title
<!-- run: alone -->
```python
print(1)
```
```console
$ ixctl pull Q1/All \\
    --json
{"InteractionId": "…"}
$ ixctl status
```
"""


def test_blocks_are_found_with_their_marks() -> None:
    python, console = blocks(Path("x.md"), MARKED)
    assert (python.line, python.language, python.run) == (4, "python", "alone")
    assert python.text == "print(1)\n"
    assert console.run == ""
    assert console.commands() == ["ixctl pull Q1/All      --json", "ixctl status"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("```python\nprint(1)\n", "not closed"),
        ("<!-- run: alone -->\n\n```python\n```\n", "above no fence"),
        ("<!-- run: sometimes -->\n```python\n```\n", "unknown mark"),
    ],
)
def test_a_block_that_would_not_be_run_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        list(blocks(Path("x.md"), text))


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "doc").mkdir()
    (tmp_path / "README.md").write_text("[a](doc/a.md#x) [b](doc/b.md) [c](https://c.example/)")
    (tmp_path / "doc" / "a.md").write_text("```\n[x](y)\n```\n[back](../README.md)")
    assert list(dead_links(tmp_path)) == ["README.md: doc/b.md is not there"]


def test_fragments_of_news_are_named_by_issue_and_kind() -> None:
    """Whoever folds them into NEWS finds them by their names; see doc/news/README.md."""
    names = [path.name for path in (ROOT / "doc" / "news").iterdir() if path.name != "README.md"]
    known = re.compile(r"\d+(\.[a-z0-9-]+)?\.(feature|bugfix|removal|doc)")
    assert [name for name in names if not known.fullmatch(name)] == []
