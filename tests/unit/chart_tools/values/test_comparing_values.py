"""`jld diff`: what a new file changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

SECRET = "0123456789abcdef"


def test_each_key_that_changes_is_said_with_both_values(github_desk: Any) -> None:
    github_desk.write(
        "new.yaml",
        "global: {hostname: jupyter.example.org, port: 8443, imageRegistry: ghcr.io/my-org}\n"
        "hub: {auth: {github: {clientId: Iv1.8a61f9b3a7aba766, users: {allow: [octocat]}}}, lab: {sizes: {tiny: null}}}\n"
        "nginx: {tls: {existingSecret: jupyter-tls}}\n",
    )
    result = github_desk.run("diff", "new.yaml", "site.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "~ global.port: 443 -> 8443",
        "- hub.auth.github.organizations.allow: [my-org]",
        "- hub.lab.sizes.tiny.cpu: 0.5",
        '- hub.lab.sizes.tiny.memory: "1Gi"',
        "+ hub.auth.github.users.allow: [octocat]",
    ]


def test_what_is_as_the_default_is_no_difference(github_desk: Any) -> None:
    text = (github_desk.folder / "site.yaml").read_text()
    github_desk.write("new.yaml", text + "storage: {mode: claim}\n")
    result = github_desk.run("diff", "new.yaml", "site.yaml", "--exit-code")
    assert (result.exit_code, result.stdout) == (0, "new.yaml changes nothing against site.yaml\n")


def test_of_a_secret_only_the_change_is_said(local_desk: Any) -> None:
    local_desk.run("values", "site.yaml")
    (local_desk.folder / "old.yaml").write_bytes((local_desk.folder / "values.yaml").read_bytes())
    local_desk.run("rotate")
    result = local_desk.run("diff", "values.yaml", "old.yaml")
    assert result.stdout.splitlines() == [
        "= hub.secret.cookieSecret: same (not shown)",
        "~ hub.secret.cryptKeys: changed (not shown)",
        "= hub.secret.dummyPassword: same (not shown)",
        "= hub.secret.proxyToken: same (not shown)",
        "= nginx.secret.caCertificate: same (not shown)",
        "= nginx.secret.certificate: same (not shown)",
        "= nginx.secret.key: same (not shown)",
    ]
    data = json.loads(local_desk.run("diff", "values.yaml", "old.yaml", "--format", "json").stdout)
    assert {"key": "hub.secret.cryptKeys", "change": "changed", "secret": True} in data["changes"]
    held = [text for file in ("values.yaml", "old.yaml") for text in local_desk.read(file)["hub"]["secret"].values()]
    assert [text for text in held if text in json.dumps(data)] == []


def test_a_site_is_compared_with_values_without_its_missing_secrets(local_desk: Any) -> None:
    local_desk.run("values", "site.yaml")
    assert local_desk.run("diff", "site.yaml").stdout.splitlines() == [
        "site.yaml changes nothing against values.yaml",
        "Secrets are not compared: site.yaml holds none",
    ]


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--exit-code"], 1)])
@pytest.mark.parametrize("form", [[], ["--format", "json"]], ids=["text", "json"])
def test_a_difference_is_the_exit_code_only_when_that_is_wanted(
    words: list[str], code: int, form: list[str], local_desk: Any
) -> None:
    local_desk.write("new.yaml", "global: {hostname: other.example.org}\n")
    assert local_desk.run("diff", "new.yaml", "site.yaml", *words, *form).exit_code == code


def test_text_of_several_lines_stays_in_one(github_desk: Any) -> None:
    text = (github_desk.folder / "site.yaml").read_text()
    github_desk.write("new.yaml", text.replace("{auth:", '{extraConfig: {50-a.py: "a = 1\\nb = 2\\n"}, auth:'))
    result = github_desk.run("diff", "new.yaml", "site.yaml")
    assert result.stdout.startswith('+ hub.extraConfig."50-a.py": ')
    assert len(result.stdout.splitlines()) == 1


def test_files_that_cannot_be_compared_are_all_answered(desk: Any) -> None:
    desk.write("new.yaml", "a: [\n")
    result = desk.run("diff", "new.yaml", "none.yaml")
    assert result.exit_code == 1
    assert [line.split(": error: ")[0] for line in result.stderr.splitlines()[:2]] == ["new.yaml:2:1", "none.yaml"]


@pytest.mark.parametrize("text", ["hub: 1\n", "hub: {secret: s3cr3t}\n", "{}\n", "hub: {lab: {sizes: [1]}}\n"])
def test_odd_values_are_compared_too_and_no_secret_is_shown(text: str, github_desk: Any) -> None:
    github_desk.write("new.yaml", text)
    result = github_desk.run("diff", "new.yaml", "site.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "s3cr3t" not in result.stdout
