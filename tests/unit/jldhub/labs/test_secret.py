"""The Secret of a lab, and how it is written."""

import asyncio
import os
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from jldhub.identity import Identity
from jldhub.labs.etc_files import gitconfig_file
from jldhub.labs.pod import pod_reference
from jldhub.labs.secret import git_address, git_credential, git_scopes, lab_secret, write_secret
from jldhub.settings.lab import Push
from jldhub.settings.login import GitHub
from kubernetes_asyncio.client import ApiException, V1ObjectMeta, V1Secret

ADA = Identity(uid=4000001, gid=4000001, groups=(), name="Ada", email="")
OWNER = pod_reference("jld-lab-ada", "0a1b")
SECRET = lab_secret("jld-lab-ada", {"app": "jld"}, {"hub-token": "ü"}, [OWNER])


class Api:
    """Answers as the API server does: with each of `answers` in turn, a status of an error or None."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []

    async def create_namespaced_secret(self, namespace: str, body: V1Secret) -> None:
        await self._answer(f"create {namespace}/{body.metadata.name}")

    async def _answer(self, call: str) -> None:
        self.calls.append(call)
        status = self.answers.pop(0)
        if status == 0:
            await asyncio.sleep(3600)  # the API server that never answers
        if status:
            raise ApiException(status=status)


def test_the_secret_holds_its_files_and_belongs_to_its_pod() -> None:
    assert (
        V1Secret(
            api_version="v1",
            kind="Secret",
            type="Opaque",
            metadata=V1ObjectMeta(name="jld-lab-ada", labels={"app": "jld"}, owner_references=[OWNER]),
            data={"hub-token": "w7w="},
        )
        == SECRET
    )


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        ([None], ["create"]),
        ([409], ["create"]),
        ([0, None], ["create", "create"]),
        ([0, 409], ["create", "create"]),
    ],
)
async def test_it_is_written_once_however_often_it_is_tried(answers: list[int | None], calls: list[str]) -> None:
    api = Api(*answers)
    await write_secret(api, "science", SECRET, request_seconds=0.05, seconds=30)
    assert api.calls == [f"{call} science/jld-lab-ada" for call in calls]


@pytest.mark.parametrize("answers", [[403], [0, 403], [500], [422]])
async def test_an_api_that_says_no_is_believed(answers: list[int | None]) -> None:
    with pytest.raises(ApiException) as refused:
        await write_secret(Api(*answers), "science", SECRET, request_seconds=0.05, seconds=30)
    assert refused.value.status == answers[-1]


async def test_an_api_that_never_answers_ends_the_start_with_a_sentence_that_shows_no_secret() -> None:
    with pytest.raises(TimeoutError, match="took no Secret jld-lab-ada"):
        await write_secret(Api(*[0] * 100), "science", SECRET, request_seconds=0.01, seconds=0.05)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://github.com", "https://github.com"),
        ("http://github.example.org:8080", "https://github.example.org:8080"),
        ("https://example.org/github/", "https://example.org/github"),
    ],
)
def test_git_shows_the_token_to_the_providers_host_and_never_in_clear_text(url: str, address: str) -> None:
    github = GitHub.model_validate({"clientId": "x", "url": url, "users": {"allow": ["ada"]}})
    assert git_address(github) == address


@pytest.mark.parametrize(("push", "scopes"), [(Push.NONE, []), (Push.PUBLIC, ["public_repo"]), (Push.ALL, ["repo"])])
def test_what_is_asked_for_follows_from_what_git_may_do(push: Push, scopes: list[str]) -> None:
    assert git_scopes(push) == scopes


@pytest.mark.parametrize("token", ["gho_made-up", "evil\nhost=example.org", "x" * 10_000, "$(id)", "ü"])
def test_a_token_cannot_say_anything_else_to_git(token: str) -> None:
    *fixed, credential, ephemeral = git_credential(token).splitlines()
    assert (*fixed, ephemeral) == ("capability[]=authtype", "authtype=Basic", "ephemeral=1")
    assert b64decode(credential.removeprefix("credential=")).decode() == f"x-access-token:{token}"


def helper(tmp_path: Path, address: str) -> str:
    """What git itself reads as the helper of an address."""
    credential = tmp_path / "git-credential"
    credential.write_text(git_credential("gho_made-up"))
    (tmp_path / "gitconfig").write_text(gitconfig_file(ADA, "https://github.com", str(credential)))
    asked = ["git", "config", "--get-urlmatch", "credential.helper", address]
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_SYSTEM": str(tmp_path / "gitconfig"), "HOME": str(tmp_path)}
    return subprocess.run(asked, env=environment, capture_output=True, text=True, check=False).stdout.strip()


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com.example.org/x",
        "https://example.org/github.com",
        "http://github.com/x",
        "https://github.com:8443/x",
        "https://gist.github.com/x",
        "https://github.com@example.org/x",
    ],
)
def test_no_other_address_has_the_helper(tmp_path: Path, address: str) -> None:
    assert helper(tmp_path, "https://github.com/lsst/x") != ""
    assert helper(tmp_path, address) == ""


@pytest.mark.parametrize(
    ("operation", "answer"), [("get", git_credential("gho_made-up")), ("store", ""), ("erase", "")]
)
def test_the_helper_answers_and_keeps_nothing(tmp_path: Path, operation: str, answer: str) -> None:
    program = helper(tmp_path, "https://github.com/lsst/x").removeprefix("!")
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        ["sh", "-c", f"{program} {operation}"], capture_output=True, text=True, check=True
    )  # as git does
    assert done.stdout == answer
    assert sorted(tmp_path.iterdir()) == before
