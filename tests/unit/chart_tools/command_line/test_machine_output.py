"""What programs read: the JSON object of `--format json`, and the exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

SECRET = "0123456789abcdef"


def mistakes(desk: Any, text: str) -> list[dict[str, Any]]:
    desk.write("site.yaml", text)
    result = desk.run("check", "site.yaml", "--format", "json", JLD_GITHUB_CLIENT_SECRET=SECRET)
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exitCode"], result.stderr) == (1, 1, "")
    found: list[dict[str, Any]] = document["mistakes"]
    return found


def test_a_wrong_value_carries_its_place_what_was_found_and_what_is_accepted(desk: Any) -> None:
    found = mistakes(
        desk,
        "global: {hostname: jupyter.example.org, imageRegistry: ghcr.io/my-org}\n"
        "hub: {auth: {dummy: {users: [alice]}}, culling: {idleTimeout: 12hours}}\n"
        "nginx: {tls: {selfSigned: true}}\n",
    )
    accepted = "5m or more as a whole number and one unit of s, m, h or d, like 90m, or 0s for never"
    assert found == [
        {
            "file": "site.yaml",
            "line": 2,
            "column": 63,
            "key": "hub.culling.idleTimeout",
            "sentence": f'found "12hours"; write {accepted}',
            "found": '"12hours"',
            "accepted": accepted,
            "suggestion": None,
        }
    ]


def test_a_misspelt_key_carries_the_nearest_one(desk: Any) -> None:
    text = "global: {hostname: a.example.org}\nhub: {auth: {dummy: {users: [alice]}}, culling: {idleTimout: 1h}}\n"
    [found] = mistakes(desk, text + "nginx: {tls: {selfSigned: true}}\n")
    assert (found["key"], found["suggestion"]) == ("hub.culling.idleTimout", "hub.culling.idleTimeout")
    assert found["accepted"] == "idleTimeout, maxAge, busyLabs, people, namedServers"


def test_a_secret_that_is_wrong_is_not_in_the_answer(desk: Any) -> None:
    text = "global: {hostname: a.example.org}\nhub: {auth: {dummy: {users: [alice]}}, secret: {proxyToken: s3cr3t!}}\n"
    [found] = mistakes(desk, text + "nginx: {tls: {selfSigned: true}}\n")
    assert (found["key"], found["found"]) == ("hub.secret.proxyToken", None)
    assert "s3cr3t" not in json.dumps(found)


def test_values_says_what_it_did_but_no_secret(github_desk: Any) -> None:
    result = github_desk.run("values", "site.yaml", "--format", "json", JLD_GITHUB_CLIENT_SECRET=SECRET)
    assert json.loads(result.stdout) == {
        "exitCode": 0,
        "output": "values.yaml",
        "changed": True,
        "generated": ["hub.secret.cookieSecret", "hub.secret.cryptKeys", "hub.secret.proxyToken"],
        "address": "https://jupyter.example.org",
        "callback": "https://jupyter.example.org/hub/oauth_callback",
        "mistakes": [],
        "warnings": [],
    }


def test_a_warning_is_a_warning_for_programs_too(local_desk: Any) -> None:
    local_desk.write("more.yaml", "storage: {hostPath: {path: /srv}}\n")
    document = json.loads(local_desk.run("check", "site.yaml", "more.yaml", "--format", "json").stdout)
    assert [(each["file"], each["key"]) for each in document["warnings"]] == [("more.yaml", "storage.hostPath")]


def test_an_unfit_environment_is_told_apart_from_a_mistake(local_desk: Any) -> None:
    result = local_desk.run("check", "site.yaml", "--format", "json", "--chart", "nowhere")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exitCode"], document["mistakes"]) == (2, 2, [])
    assert document["environment"].startswith("nowhere: no chart in this folder")


@pytest.mark.parametrize(
    "words",
    [["chek", "site.yaml"], ["check"], ["check", "site.yaml", "--fromat", "json"], ["check", "a", "--format", "xml"]],
    ids=["command", "argument", "option", "value"],
)
def test_a_slip_in_the_command_line_is_a_mistake_of_the_input(words: list[str], local_desk: Any) -> None:
    result = local_desk.run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Usage:" in result.stderr


def test_a_new_site_file_and_what_became_of_old_keys(desk: Any) -> None:
    desk.write("old.yaml", "hostname: jupyter.example.org\noauth_secret: s3cr3t\nfrobnicate: 1\n")
    given = ["--github-client-id", "abc123", "--organization", "us", "--storage-class", "shared", "--tls-secret", "tls"]
    result = desk.run("init", "--from", "old.yaml", *given, "--format", "json")
    document = json.loads(result.stdout)
    assert (document["exitCode"], document["output"], document["secretsFile"]) == (0, "site.yaml", "secrets.yaml")
    assert {each["old"]: each["new"] for each in document["carried"]} == {
        "hostname": ["global.hostname"],
        "oauth_secret": ["hub.secret.githubClientSecret"],
        "frobnicate": [],
    }
    assert "s3cr3t" not in result.stdout


def test_answers_that_are_missing_are_mistakes_and_nobody_is_asked(desk: Any) -> None:
    document = json.loads(desk.run("init", "--hostname", "a.example.org", "--format", "json").stdout)
    assert document["exitCode"] == 1
    assert "hub.auth.github.clientId" in [each["key"] for each in document["mistakes"]]
    assert not (desk.folder / "site.yaml").exists()


def test_a_rotation_names_what_it_rotated_but_shows_nothing_of_it(local_desk: Any) -> None:
    local_desk.run("values", "site.yaml")
    result = local_desk.run("rotate", "--secret", "cookieSecret", "--format", "json")
    assert json.loads(result.stdout) == {
        "exitCode": 0,
        "output": "values.yaml",
        "rotated": ["cookieSecret"],
        "mistakes": [],
        "warnings": [],
    }
