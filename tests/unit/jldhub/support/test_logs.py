"""The hub's log: JSON lines without secrets."""

import json
import logging
import sys

import pytest
from jldhub.settings.hub import Log
from jldhub.support import masking
from jldhub.support.logs import JsonLines, PlainLines, log_config
from jldhub.support.masking import HIDDEN, mask
from jupyterhub.app import JupyterHub

TOKEN = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("GET /hub/oauth_callback?code=s3cr3t&state=eyJ1Ijo", f"GET /hub/oauth_callback?code={HIDDEN}&state={HIDDEN}"),
        ("GET /x?page=2&access_token=abc", f"GET /x?page=2&access_token={HIDDEN}"),
        ("Authorization: token abcdefghijkl", f"Authorization: token {HIDDEN}"),
        ("Authorization: Bearer abc.def-ghi_jkl", f"Authorization: Bearer {HIDDEN}"),
        ("postgresql+psycopg://jld:pa55word@db:5432/jld", f"postgresql+psycopg://jld:{HIDDEN}@db:5432/jld"),
        ("https://ada:gho_abcdefghijklmnop@github.com", f"https://ada:{HIDDEN}@github.com"),
        ("https://ada-token@github.com/lsst", f"https://{HIDDEN}@github.com/lsst"),
        ("postgresql://jld:Hunter2@secret@127.0.0.1/jld", f"postgresql://jld:{HIDDEN}@127.0.0.1/jld"),
        ("postgresql://jld:Hun/ter2#sec@db/jld", f"postgresql://jld:{HIDDEN}@db/jld"),
        ("from=http://a/b,to=postgresql://jld:pass@db/x", f"from=http://a/b,to=postgresql://jld:{HIDDEN}@db/x"),
        ("a=https://token@h/x,b=https://h/y@z", f"a=https://{HIDDEN}@z"),
        ("id_token is eyJhbGciOiJ.eyJzdWIi.c2ln.", f"id_token is {HIDDEN}."),
        (
            "Setting new xsrf cookie for b'None:hu9n5ZNHIo4EAuK0rBM_Ajf8Nx_ZOoh7aADiAaqiaS0='",
            f"Setting new xsrf cookie for b'None:{HIDDEN}'",
        ),
        ("it is gho_abcdefghijklmnopqrst.", f"it is {HIDDEN}."),
        (f"'JUPYTERHUB_API_TOKEN', 'value': '{TOKEN}'", f"'JUPYTERHUB_API_TOKEN', 'value': '{HIDDEN}'"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, safe: str) -> None:
    assert mask(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "ab" * 32,
        "uid 1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        "http://jld-hub:8081/hub/api",
        "http://jld-hub:8081/hub/user/ada@uni.edu",
        "http://jld-hub/hub/user/ada@uni.edu",
        "jld-lab-a-very-long-name-of-somebody---6b2f1a9c",
        "404 GET /hub/user/ada/?page=3 (ada@10.0.0.1) 3.14ms",
        "the token of ada expired",
    ],
)
def test_what_helps_an_operator_stays(text: str) -> None:
    assert mask(text) == text


def test_known_secrets_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", set())
    masking.register_secrets("correct horse battery", bytes.fromhex("ab" * 32), "", "short")
    assert mask(f"<correct horse battery> {'ab' * 32} short") == f"<{HIDDEN}> {HIDDEN} short"


def record(message: object, *arguments: object, failed: bool = False) -> logging.LogRecord:
    try:
        raise ValueError(f"token {TOKEN}")
    except ValueError:
        info = sys.exc_info() if failed else None
    return logging.LogRecord("JupyterHub", logging.WARNING, "/x/users.py", 7, message, arguments, info)


def test_a_line_is_one_json_object() -> None:
    line = JsonLines().format(record("User %s\nsaid %s", "ada", "é\u2028"))
    assert len(line.splitlines()) <= 2  # U+2028 is a line break for Python alone
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "WARNING",
        "logger": "JupyterHub",
        "where": "users:7",
        "message": "User ada\nsaid é\u2028",
    }


def test_an_exception_belongs_to_its_line_and_is_masked_too() -> None:
    line = JsonLines().format(record("it failed", failed=True))
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith(f"ValueError: token {HIDDEN}")


@pytest.mark.parametrize(("message", "arguments"), [("%s and %s", ("one",)), ("%d", ("x",)), ({"a": 1}, ())])
def test_a_line_whose_arguments_do_not_fit_is_written_nevertheless(message: object, arguments: tuple[object]) -> None:
    assert json.loads(JsonLines().format(record(message, *arguments)))["message"]


def test_plain_lines_are_masked_too() -> None:
    assert TOKEN not in PlainLines(color=False).format(record(f"GET /?token={TOKEN}", failed=True))


def test_lines_below_the_level_are_not_even_made() -> None:
    """traitlets lets its logger make every line, and its handler drop them."""
    for level in ("DEBUG", "INFO", "WARNING"):
        assert (
            log_config(Log.model_validate({"level": level}))["logging_config"]["loggers"]["JupyterHub"]["level"]
            == level
        )


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_jupyterhub_takes_each_level(level: str) -> None:
    """traitlets has another word for one of them, and a hub with it did not start."""
    told = log_config(Log.model_validate({"level": level}))["log_level"]
    assert JupyterHub.class_traits()["log_level"].validate(None, told) == logging.getLevelName(level)
