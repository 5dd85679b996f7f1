"""Where the secrets come from that only a person can give."""

from __future__ import annotations

import base64
import os
import threading
from typing import Any

import pytest
from jld.secrets import formats

DATABASE = "postgresql://jld:password@db.example.org/jld"


def held(desk: Any, name: str) -> str:
    return base64.b64decode(desk.read()["hub"]["secret"][name]).decode()


def test_every_secret_has_its_variable() -> None:
    assert {name: formats.environment_variable(name) for name in formats.HUB_SECRETS} == {
        "cookieSecret": "JLD_COOKIE_SECRET",
        "cryptKeys": "JLD_CRYPT_KEYS",
        "proxyToken": "JLD_PROXY_TOKEN",
        "metricsToken": "JLD_METRICS_TOKEN",
        "dummyPassword": "JLD_DUMMY_PASSWORD",
        "githubClientSecret": "JLD_GITHUB_CLIENT_SECRET",
        "cilogonClientSecret": "JLD_CILOGON_CLIENT_SECRET",
        "otherClientSecret": "JLD_OTHER_CLIENT_SECRET",
        "dbUrl": "JLD_DB_URL",
    }


def test_variables_give_what_the_site_has_a_use_for(local_desk: Any) -> None:
    result = local_desk.run(
        "values", "site.yaml", JLD_DUMMY_PASSWORD="correct horse", JLD_DB_URL=DATABASE, JLD_GITHUB_CLIENT_SECRET="abc"
    )
    assert result.exit_code == 0
    assert held(local_desk, "dummyPassword") == "correct horse"
    assert not {"dbUrl", "githubClientSecret"} & set(local_desk.read()["hub"]["secret"])
    local_desk.write("more.yaml", "hub: {db: {external: true}}\n")
    assert local_desk.run("values", "site.yaml", "more.yaml", JLD_DB_URL=DATABASE).exit_code == 0
    assert held(local_desk, "dbUrl") == DATABASE
    assert held(local_desk, "dummyPassword") == "correct horse"


def test_a_secrets_file_beside_the_site_is_used_and_named(desk: Any) -> None:
    (desk.folder / "sites").mkdir()
    desk.write(
        "sites/site.yaml",
        "global: {hostname: jupyter.example.org, imageRegistry: ghcr.io/my-org}\n"
        "hub: {auth: {github: {clientId: Iv1.abc, users: {allow: [octocat]}}}}\n"
        "nginx: {tls: {existingSecret: jupyter-tls}}\n",
    )
    desk.write("sites/secrets.yaml", "hub: {secret: {githubClientSecret: beside}}\n")
    desk.write("other.yaml", "hub: {secret: {githubClientSecret: named}}\n")
    result = desk.run("values", "sites/site.yaml")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "Secrets from sites/secrets.yaml")
    assert held(desk, "githubClientSecret") == "beside"
    result = desk.run("values", "sites/site.yaml", "--secrets", "other.yaml")
    assert "Secrets from" not in result.stdout
    assert held(desk, "githubClientSecret") == "named"
    assert desk.run("check", "sites/site.yaml", "-o", "none.yaml").exit_code == 0


def test_secrets_are_read_from_a_pipe_where_a_program_decrypts_them(github_desk: Any) -> None:
    pipe = github_desk.folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("hub: {secret: {githubClientSecret: decrypted}}\n"))
    writer.start()
    result = github_desk.run("values", "site.yaml", "--secrets", "pipe")
    writer.join()
    assert (result.exit_code, result.stderr) == (0, "")
    assert held(github_desk, "githubClientSecret") == "decrypted"


def test_an_encrypted_secrets_file_is_recognised(github_desk: Any) -> None:
    github_desk.write("secrets.yaml", "hub: {secret: {githubClientSecret: 'ENC[AES]'}}\nsops: {version: 3.9.0}\n")
    result = github_desk.run("values", "site.yaml")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (
        1,
        "secrets.yaml:2:1: error: this file is encrypted with sops; "
        "decrypt it on the way: --secrets <(sops decrypt FILE)",
    )


def test_on_a_terminal_the_missing_secret_is_asked_for_and_not_shown(github_desk: Any, at_terminal: Any) -> None:
    with at_terminal("values", "site.yaml") as terminal:
        terminal.expect_exact("without blanks or line breaks (not shown): ")
        terminal.sendline("two words")
        terminal.expect_exact("The value you entered was invalid")
        terminal.expect_exact("(not shown): ")
        terminal.sendline("typed0")
        rest = terminal.read()
    assert (terminal.exitstatus, "typed0" in rest, "two words" in rest) == (0, False, False)
    assert held(github_desk, "githubClientSecret") == "typed0"


def test_nothing_is_asked_while_the_site_is_wrong(github_desk: Any, at_terminal: Any) -> None:
    github_desk.write("more.yaml", "hub: {lab: {sizeRange: 0}}\n")
    with at_terminal("values", "site.yaml", "more.yaml") as terminal:
        said = terminal.read()
    assert terminal.exitstatus == 1
    assert "2 mistakes; nothing was written" in said


@pytest.mark.parametrize("character", "@/?#")
def test_a_database_password_that_ends_early_is_refused_and_not_shown(character: str, local_desk: Any) -> None:
    local_desk.write("more.yaml", "hub: {db: {external: true}}\n")
    result = local_desk.run(
        "values", "site.yaml", "more.yaml", JLD_DB_URL=f"postgresql://jld:Hunter2{character}secret@127.0.0.1/jld"
    )
    assert result.exit_code == 1
    assert "with %40, %2F, %3F and %23 in the place of @, /, ? and # in the password" in " ".join(result.stderr.split())
    assert "Hunter2" not in result.stderr + result.stdout
    result = local_desk.run(
        "values", "site.yaml", "more.yaml", JLD_DB_URL="postgresql://jld:Hunter2%40secret@127.0.0.1/jld"
    )
    assert result.exit_code == 0, result.stderr
