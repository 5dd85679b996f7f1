"""`make lab` at a hub that does something else with the lab when it is asked to start it."""

import time

import httpx
import pytest
from jlddev import lab
from jlddev.support.errors import MachineError

TRIAL = lab.Trial("https://jupyter.example.org", ("ada",), "secret")
READY = {"ready": True, "pending": None}


class Hub(httpx.BaseTransport):
    """Answers each question about the lab with the next of `servers` (None: there is none), the last for ever."""

    def __init__(self, *servers: dict[str, object] | None) -> None:
        self.servers = list(servers)
        self.starts = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path:
            case "GET", "/hub/home":
                return httpx.Response(200)
            case "GET", "/hub/api/users/ada":
                server = self.servers.pop(0) if len(self.servers) > 1 else self.servers[0]
                return httpx.Response(200, json={"servers": {} if server is None else {"": server}})
            case "POST", "/hub/api/users/ada/server":
                self.starts += 1
                return httpx.Response(202)
            case "GET", "/hub/api/users/ada/server/progress":
                return httpx.Response(200, text='data: {"ready": true}\n\n')
            case other:
                raise AssertionError(other)


@pytest.mark.parametrize(
    ("pending", "then", "starts", "words"),
    [
        ("check", READY, 0, ["is looked for by the hub, which just started", "runs already"]),
        ("check", None, 1, ["is looked for by the hub, which just started", "start a lab"]),
        ("stop", None, 1, ["stops", "start a lab"]),
        ("spawn", READY, 0, []),
    ],
)
def test_a_lab_is_started_when_the_hub_has_done_with_the_last_one(
    pending: str,
    then: dict[str, object] | None,
    starts: int,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub = Hub(*[{"ready": False, "pending": pending}] * 3, then)
    with lab.Browser(TRIAL, hub) as browser:
        browser.start_lab("ada")
    assert hub.starts == starts
    told = capsys.readouterr().err.splitlines()
    assert len(told) == len(words)
    assert all(word in line for word, line in zip(words, told, strict=True))


def test_a_hub_that_does_not_finish_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", iter(range(0, 1000, 50)).__next__)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with (
        lab.Browser(TRIAL, Hub({"ready": False, "pending": "stop"})) as browser,
        pytest.raises(MachineError, match="The lab of ada still stops after 120 s: run `make lab` again later"),
    ):
        browser.start_lab("ada")
