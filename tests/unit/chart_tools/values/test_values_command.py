"""`jld values`, `jld check` and `jld password` as an operator meets them."""

from __future__ import annotations

import base64
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.cli import app
from jld.values.values_file import HEADER

SECRET = "0123456789abcdef"


def decoded(values: dict[str, Any], part: str = "hub") -> dict[str, str]:
    return {key: base64.b64decode(text).decode() for key, text in values[part]["secret"].items()}


def test_values_holds_the_sites_own_keys_and_the_secrets_but_no_defaults(github_desk: Any) -> None:
    result = github_desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET)
    assert (result.exit_code, result.stderr) == (0, "")
    values = github_desk.read()
    secrets = decoded(values)
    del values["hub"]["secret"]
    assert values == yaml.safe_load((github_desk.folder / "site.yaml").read_text())
    assert secrets.pop("githubClientSecret") == SECRET
    assert re.fullmatch(r"[0-9a-f]{64}", secrets.pop("cookieSecret"))
    assert re.fullmatch(r"[0-9a-f]{64}", secrets.pop("proxyToken"))
    assert re.fullmatch(r"[0-9a-f]{64};[0-9a-f]{64}", secrets.pop("cryptKeys"))
    assert secrets == {}


def test_only_the_owner_can_read_the_values(github_desk: Any) -> None:
    github_desk.write("values.yaml", HEADER).chmod(0o644)
    assert github_desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET).exit_code == 0
    assert stat.S_IMODE((github_desk.folder / "values.yaml").stat().st_mode) == 0o600
    assert sorted(path.name for path in github_desk.folder.iterdir()) == ["site.yaml", "values.yaml"]


@pytest.mark.parametrize("kind", ["github_desk", "local_desk"])
def test_a_second_run_changes_nothing_and_needs_no_secret(kind: str, request: pytest.FixtureRequest) -> None:
    desk = request.getfixturevalue(kind)
    assert desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET).exit_code == 0
    first = (desk.folder / "values.yaml").read_bytes()
    again = desk.run("values", "site.yaml")
    assert again.exit_code == 0
    assert "values.yaml is up to date" in again.stdout
    assert (desk.folder / "values.yaml").read_bytes() == first


def test_secrets_are_kept_when_the_site_changes(github_desk: Any) -> None:
    github_desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET)
    before = github_desk.read()["hub"]["secret"]
    github_desk.write("more.yaml", "hub: {culling: {idleTimeout: 1h}}\n")
    assert github_desk.run("values", "site.yaml", "more.yaml").exit_code == 0
    after = github_desk.read()["hub"]
    assert (after["secret"], after["culling"]) == (before, {"idleTimeout": "1h"})


def test_a_new_client_secret_replaces_the_one_of_the_previous_output(github_desk: Any) -> None:
    github_desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET="old0")
    github_desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET="new0")
    assert decoded(github_desk.read())["githubClientSecret"] == "new0"
    github_desk.write("secrets.yaml", "hub: {secret: {githubClientSecret: newer}}\n")
    github_desk.run("values", "site.yaml", "--secrets", "secrets.yaml", JLD_GITHUB_CLIENT_SECRET="new0")
    assert decoded(github_desk.read())["githubClientSecret"] == "newer"


def test_a_missing_oauth_secret_is_a_mistake_with_the_remedy(github_desk: Any) -> None:
    for command in ("check", "values"):
        result = github_desk.run(command, "site.yaml")
        assert result.exit_code == 1
        assert result.stderr.splitlines() == [
            "site.yaml:2:1: error: hub.secret.githubClientSecret: missing; make a client secret for your OAuth app at "
            "GitHub and give it as JLD_GITHUB_CLIENT_SECRET, or below hub.secret in secrets.yaml beside the site file",
            "1 mistake; nothing was written. `jld explain KEY` says what a key accepts.",
        ]
    assert not (github_desk.folder / "values.yaml").exists()


@pytest.mark.parametrize("secret", ["two words", "a\x07b", "\udcff"])
def test_a_client_secret_that_github_never_makes_is_refused_and_not_shown(secret: str, github_desk: Any) -> None:
    result = github_desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET=secret)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == (
        "$JLD_GITHUB_CLIENT_SECRET: error: hub.secret.githubClientSecret: what it decodes to (not shown) is not the "
        "client secret of the OAuth app, without blanks or line breaks; write that, or remove the key"
    )


def test_a_secret_that_exists_in_the_cluster_is_not_made(github_desk: Any) -> None:
    github_desk.write("more.yaml", "hub: {existingSecret: mine}\nnginx: {routes: {existingSecret: mine}}\n")
    result = github_desk.run("values", "site.yaml", "more.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "secret" not in github_desk.read()["hub"]


def test_the_callback_is_shown_with_its_port_only_when_it_is_not_443(github_desk: Any) -> None:
    result = github_desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET)
    callback = "Register this callback at GitHub: https://jupyter.example.org{}/hub/oauth_callback"
    assert callback.format("") in result.stdout
    github_desk.write("more.yaml", "global: {port: 8443}\n")
    assert callback.format(":8443") in github_desk.run("values", "site.yaml", "more.yaml").stdout


@pytest.mark.parametrize("kind", ["github_desk", "local_desk"])
def test_no_secret_is_ever_printed(kind: str, request: pytest.FixtureRequest) -> None:
    desk = request.getfixturevalue(kind)
    printed = desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET).output
    desk.write("more.yaml", "hub: {lab: {sizeRange: 0}, secrets: 1}\n")
    printed += desk.run("values", "site.yaml", "more.yaml").output
    values = desk.read()
    held = [*values["hub"]["secret"].values(), *decoded(values).values(), *values["nginx"].get("secret", {}).values()]
    assert len(held) >= 8
    assert [text for text in held if text in printed] == []


def test_the_password_command_prints_the_dummy_password_and_nothing_else(local_desk: Any) -> None:
    result = local_desk.run("values", "site.yaml")
    assert "Log in as alice or bob; `jld password values.yaml` prints the password." in result.stdout
    password = local_desk.run("password").stdout
    assert password == decoded(local_desk.read())["dummyPassword"] + "\n"
    assert password.strip() not in result.output


def test_asking_for_a_password_that_is_not_there_is_a_sentence(github_desk: Any) -> None:
    result = github_desk.run("password", "site.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "write hub.auth.dummy in the site file and run `jld values`" in result.stderr


@pytest.mark.parametrize("mistake", ["global: {hostname: 7}\n", "a: [\n", "\x00"])
def test_on_a_mistake_the_output_stays_as_it_was(mistake: str, local_desk: Any) -> None:
    local_desk.run("values", "site.yaml")
    before = (local_desk.folder / "values.yaml").read_bytes()
    local_desk.write("more.yaml", mistake)
    assert local_desk.run("values", "site.yaml", "more.yaml").exit_code == 1
    assert (local_desk.folder / "values.yaml").read_bytes() == before


def test_a_file_that_a_person_wrote_is_never_overwritten(local_desk: Any) -> None:
    same = local_desk.run("values", "site.yaml", "-o", "site.yaml")
    assert same.exit_code == 1
    assert same.stderr.startswith("site.yaml: error: this is also an input, and would be overwritten")
    local_desk.write("values.yaml", "hub: {}\n")
    foreign = local_desk.run("values", "site.yaml")
    assert foreign.exit_code == 1
    assert foreign.stderr.startswith("values.yaml: error: `jld values` did not write this file")
    assert (local_desk.folder / "values.yaml").read_text() == "hub: {}\n"


def test_a_damaged_previous_output_is_not_replaced(local_desk: Any) -> None:
    text = HEADER + "hub: {secret: [\n"
    local_desk.write("values.yaml", text)
    result = local_desk.run("values", "site.yaml")
    assert result.exit_code == 1
    assert result.stderr.startswith("values.yaml:4:1: error: not YAML")
    assert (local_desk.folder / "values.yaml").read_text() == text


def test_the_values_that_were_written_are_a_site_that_is_right(github_desk: Any) -> None:
    github_desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET)
    result = github_desk.run("check", "values.yaml")
    assert (result.exit_code, result.stdout) == (0, "values.yaml: good\n")


def test_a_null_is_kept_only_where_it_takes_a_default_away(local_desk: Any) -> None:
    local_desk.write("more.yaml", "hub: {auth: {github: null}, lab: {sizes: {tiny: null}}}\n")
    assert local_desk.run("values", "site.yaml", "more.yaml").exit_code == 0
    hub = local_desk.read()["hub"]
    assert (hub["auth"], hub["lab"]) == ({"dummy": {"users": ["alice", "bob"]}}, {"sizes": {"tiny": None}})


def test_a_later_file_can_change_the_way_to_log_in(github_desk: Any) -> None:
    github_desk.write("trial.yaml", "hub: {auth: {github: null, dummy: {users: [alice]}}}\n")
    assert github_desk.run("values", "site.yaml", "trial.yaml").exit_code == 0
    assert github_desk.read()["hub"]["auth"] == {"dummy": {"users": ["alice"]}}


def test_a_mistake_is_placed_in_the_file_that_made_it(github_desk: Any) -> None:
    github_desk.write("more.yaml", "# more\nhub: {lab: {sizeRange: 0}}\n")
    result = github_desk.run("check", "site.yaml", "more.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET)
    assert result.stderr.splitlines()[0] == (
        "more.yaml:2:24: error: hub.lab.sizeRange: found the number 0; write a number from 1 to 1000"
    )


@pytest.mark.parametrize(
    ("more", "warning"),
    [
        (
            "storage: {hostPath: {path: /srv}}",
            "storage.hostPath: has no effect with storage.mode: claim; write storage.mode: hostPath, or remove it",
        ),
        (
            "hub: {auth: {github: {url: 'http://github.example.org'}}}",
            "hub.auth.github.url: people's credentials travel unencrypted; write https://",
        ),
        (
            "hub: {existingSecret: a, secret: {proxyToken: "
            + base64.b64encode(b"0" * 64).decode()
            + "}}\nnginx: {routes: {existingSecret: a}}",
            "hub.secret: has no effect, because hub.existingSecret names the Secret to use; remove one of them",
        ),
    ],
)
def test_what_looks_unintended_is_a_warning(more: str, warning: str, github_desk: Any) -> None:
    github_desk.write("more.yaml", more)
    result = github_desk.run("check", "site.yaml", "more.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET)
    assert result.exit_code == 0
    assert [line.split(": warning: ")[1] for line in result.stderr.splitlines()] == [warning]


def test_keys_that_no_secrets_file_holds_are_refused(github_desk: Any) -> None:
    github_desk.write("secrets.yaml", "hub: {secret: {github_client_secret: a}}\nglobal: {port: 1}\n")
    result = github_desk.run("check", "site.yaml", "--secrets", "secrets.yaml", JLD_GITHUB_CLIENT_SECRET=SECRET)
    assert [line.split(": error: ")[1].split(";")[-1] for line in result.stderr.splitlines()[:-1]] == [
        " did you mean hub.secret.githubClientSecret?",
        "global.port: a secrets file holds only firefly.secret.adminPassword, logging.secret.brokerPassword and these keys, below hub.secret: cookieSecret, cryptKeys, proxyToken, "
        "metricsToken, dummyPassword, githubClientSecret, cilogonClientSecret, otherClientSecret, dbUrl, services.NAME",
    ]


def test_a_folder_without_a_chart_is_the_environments_fault(local_desk: Any) -> None:
    result = local_desk.run("check", "site.yaml", "--chart", "nowhere")
    assert result.exit_code == 2
    assert result.stderr == ("error: nowhere: no chart in this folder; name the chart's folder with --chart\n")


def test_an_output_that_cannot_be_written_is_the_environments_fault(local_desk: Any) -> None:
    for output in ("nowhere/values.yaml", "."):
        result = local_desk.run("values", "site.yaml", "-o", output)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"error: {output}: ")
        assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("command", [command.name for command in app.registered_commands])
def test_the_help_of_a_command_teaches_by_examples(command: str, desk: Any) -> None:
    result = desk.run(command, "--help")
    assert "Examples:" in result.stdout
    assert f"jld {command}" in result.stdout.split("Examples:")[1]


def test_the_program_is_plain_where_no_terminal_reads_it() -> None:
    program = Path(sys.executable).parent / "jld"
    result = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    assert "jld check site.yaml" in result.stdout
    assert "\x1b" not in result.stdout


def test_the_program_starts_without_what_takes_seconds_to_load() -> None:
    question = "import jld.cli, sys; print({'jsonschema', 'kubernetes_asyncio'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"
