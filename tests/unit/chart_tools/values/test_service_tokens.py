"""Tokens of `hub.services`: made once, kept, taken from a person, rotated, and gone with their service."""

import base64
import json
from typing import Any

SITE: dict[str, Any] = {
    "global": {"hostname": "jupyter.example.org"},
    "hub": {"auth": {"dummy": {"users": ["alice"]}}, "services": {"grader": {"scopes": ["list:users"]}, "dask": {}}},
    "nginx": {"tls": {"existingSecret": "tls"}},
    "storage": {"mode": "hostPath"},
}


def tokens(desk: Any) -> dict[str, str]:
    encoded = desk.read("values.yaml")["hub"]["secret"].get("services", {})
    return {name: base64.b64decode(token).decode() for name, token in encoded.items()}


def make(desk: Any, *words: str, **services: Any) -> Any:
    site = {**SITE, "hub": SITE["hub"] | ({"services": services} if services else {})}
    desk.write("site.yaml", json.dumps(site))
    done = desk.run("values", "site.yaml", "-o", "values.yaml", *words)
    return done


def test_a_token_is_made_once_kept_and_gone_with_its_service(desk: Any) -> None:
    assert make(desk).exit_code == 0
    first = tokens(desk)
    assert set(first) == {"grader", "dask"}
    assert all(len(bytes.fromhex(token)) == 32 for token in first.values())
    assert first["grader"] != first["dask"]
    assert make(desk).exit_code == 0
    assert tokens(desk) == first
    make(desk, grader={}, new={})
    assert tokens(desk)["grader"] == first["grader"]
    assert set(tokens(desk)) == {"grader", "new"}


def test_a_token_of_a_secrets_file_wins_and_is_checked(desk: Any) -> None:
    given = "a-token-that-the-service-has-already-12345"
    desk.write("given.yaml", json.dumps({"hub": {"secret": {"services": {"dask": given}}}}))
    make(desk)
    assert make(desk, "--secrets", "given.yaml").exit_code == 0
    assert tokens(desk)["dask"] == given
    desk.write("given.yaml", json.dumps({"hub": {"secret": {"services": {"dask": "hunter2"}}}}))
    done = make(desk, "--secrets", "given.yaml")
    assert done.exit_code == 1
    assert "hub.secret.services.dask: what it decodes to (not shown) is not a token of 32 to 512" in done.stderr
    assert "hunter2" not in done.stderr


def test_with_a_secret_of_ones_own_none_is_made(desk: Any) -> None:
    site = {**SITE, "hub": SITE["hub"] | {"existingSecret": "own"}}
    site["nginx"] = {**site["nginx"], "routes": {"existingSecret": "own"}}
    desk.write("site.yaml", json.dumps(site))
    assert desk.run("values", "site.yaml", "-o", "values.yaml").exit_code == 0
    assert "services" not in desk.read("values.yaml")["hub"].get("secret", {})


def test_a_token_is_rotated_by_its_name_and_no_other(desk: Any) -> None:
    make(desk)
    before = tokens(desk)
    done = desk.run("rotate", "values.yaml", "--secret", "services.grader")
    assert done.exit_code == 0, done.stderr
    assert "Rotated hub.secret.services.grader. Nobody is logged out." in done.stdout + done.stderr
    after = tokens(desk)
    assert after["dask"] == before["dask"]
    assert after["grader"] != before["grader"]
    assert len(after["grader"]) == 64
    done = desk.run("rotate", "values.yaml", "--secret", "services.nobody")
    assert done.exit_code == 1
    assert "hub.secret.services.nobody: this file holds none to rotate" in done.stderr
