"""Print doc/check-config.md: every rule and advice with a bad file, from the tests' cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.config_capture_cases import DOUBTS_OF_CAPTURE, MISTAKES_OF_CAPTURE
from tests.config_cases import GOOD, Case
from tests.config_doubts import DOUBTS
from tests.config_doubts_of_clients import DOUBTS_OF_CLIENTS
from tests.config_eventlog_cases import DOUBTS_OF_EVENT_LOGS, MISTAKES_OF_EVENT_LOGS
from tests.config_mistakes import MISTAKES
from tests.config_mistakes_across import MISTAKES_ACROSS
from tests.config_mistakes_of_trust import MISTAKES_OF_TRUST

HEAD = """\
# What check-config says

`ixctl check-config FILE` holds a deployment file against every rule and every piece of advice
below, as each process does before it listens. *Errors* are mistakes: the file is not used, and
the exit code is 2. *Warnings* are the guide's advice, and what is known but has no effect in this
version; they count only with `--strict`. Advice is drawn from a file without mistakes only.

Each row is one change of [the good file](#the-good-file) at the end, what the change breaks, and
the message for it, with its line, table and key. A line below stands in the place of the one with
the same key; `-key` takes that key away. The tests run every row, and see that no message can be
given that is not here. This page is generated: `make protocol`.
"""


def page() -> Iterator[str]:
    yield HEAD
    yield from table("Errors in tables and servers", MISTAKES)
    yield from table("Errors between tables", MISTAKES_ACROSS)
    yield from table("Errors in who can trust whom", MISTAKES_OF_TRUST)
    yield from table("Errors in capture points", MISTAKES_OF_CAPTURE)
    yield from table("Errors in event logs", MISTAKES_OF_EVENT_LOGS)
    yield from table("Warnings about servers", DOUBTS)
    yield from table("Warnings about who connects to whom", DOUBTS_OF_CLIENTS)
    yield from table("Warnings about capture points", DOUBTS_OF_CAPTURE)
    yield from table("Warnings about event logs", DOUBTS_OF_EVENT_LOGS)
    yield "## The good file\n"
    yield f"```toml\n{GOOD}```"


def table(title: str, cases: Sequence[Case]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| what holds | from | a change that breaks it | what is said |"
    yield "|---|---|---|---|"
    for case in cases:
        change = "<br>".join(
            "<br>".join(f"`{line}`" for line in [f"[{name}]", *lines.splitlines()])
            for name, lines in case.puts
        )
        said = "<br>".join([case.says, *case.also])
        yield cells(case.rule, case.source, change, said)
    yield ""


def cells(*texts: str) -> str:
    return "| " + " | ".join(short(text).replace("|", "\\|") for text in texts) + " |"


def short(text: str) -> str:
    """A name of hundreds of letters as a few."""
    return text.replace("v" * 250, "v…v").replace("v" * 80, "v…")


if __name__ == "__main__":
    print("\n".join(page()))
