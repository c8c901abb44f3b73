from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from ixproxy.capture.web_users import Users
from ixproxy.capture.web_values import Asked
from ixproxy.errors import ConfigError
from tests.deferreds import result_of
from tests.failures import LoggedFailures


def users(tmp_path: Path, text: str = "mary:secret\njörg:geheim\n") -> Users:
    path = tmp_path / "users"
    path.write_text(text)
    return Users(str(path))


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def knows(users: Users, authorization: str | None) -> bool:
    headers = {} if authorization is None else {"authorization": authorization}
    return result_of(users.knows(Asked(method="GET", headers=headers)))


@pytest.mark.parametrize(
    ("authorization", "known"),
    [
        (basic("mary:secret"), True),
        (basic("mary:secret").replace("Basic", "bAsIc "), True),
        (basic("jörg:geheim"), True),
        (basic("mary:wrong"), False),
        (basic("mary:"), False),
        (basic("nobody:secret"), False),
        (basic("no colon"), False),
        ("Basic !", False),
        ("Basic ä", False),
        ("Basic", False),
        ("Bearer x", False),
        ("", False),
        (None, False),
    ],
)
def test_only_who_knows_his_password_is_known(
    tmp_path: Path, authorization: str | None, known: bool
) -> None:
    assert knows(users(tmp_path), authorization) is known


def test_a_changed_file_counts_at_once(tmp_path: Path) -> None:
    made = users(tmp_path)
    assert knows(made, basic("mary:secret"))
    path = tmp_path / "users"
    path.write_text("mary:other\n")
    os.utime(path, (2e9, 2e9))
    assert not knows(made, basic("mary:secret"))
    assert knows(made, basic("mary:other"))


def test_a_file_that_is_gone_lets_nobody_in(
    tmp_path: Path, logged_failures: LoggedFailures
) -> None:
    made = users(tmp_path)
    (tmp_path / "users").unlink()
    assert not knows(made, basic("mary:secret"))
    assert logged_failures.flush(FileNotFoundError)


@pytest.mark.parametrize("line", ["mary", ":secret", "mary:", "mary:se:cret"])
def test_a_line_that_is_no_user_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match="line 2: expected name:password") as refused:
        users(tmp_path, f"a:b\n{line}\n\n")
    assert refused.value.problems[0].key == "users-file"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Users(str(tmp_path / "none"))
