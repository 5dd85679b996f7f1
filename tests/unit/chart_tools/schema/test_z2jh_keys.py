"""Zero to JupyterHub's keys: each of versions 2 to 5 has an answer, which names keys that there are, and `jld check` gives it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.explain.z2jh import with_table
from jld.schema.chart import Chart
from jld.schema.validation import key_rule
from jld.schema.z2jh.answer import Verdict
from jld.schema.z2jh.table import NO_SUCH_KEY, TABLE, answer_of, answers, is_file_of_z2jh
from jld.site.tree import tree

CHECKOUT = Path(__file__).resolve().parents[4]
SCHEMA = Chart(CHECKOUT / "chart").schema()
# The names of the keys in values.yaml and its schema, of 2.0.0, 3.0.0, 3.3.8, 4.0.0, 4.4.0 and what became 5.
NAMES = Path(__file__).with_name("z2jh_keys.txt").read_text().split()
_OF_A_SERVICE = re.compile(r"hub\.services\.")


def path_of(name: str) -> tuple[str, ...]:
    return tuple(_OF_A_SERVICE.sub("hub.services.one.", name).split("."))


def test_every_key_of_every_version_has_an_answer() -> None:
    assert len(NAMES) > 500
    assert [name for name in NAMES if not answer_of(path_of(name))] == []
    assert {name.split(".")[0] for name in NAMES} <= set(TABLE)


def test_each_answer_names_keys_that_there_are_and_a_reason_where_there_is_none() -> None:
    wrong = []
    for key, answer in TABLE.items():
        text = answer.today.replace("<name>", "name").replace("<provider>", "github")
        named = re.findall(r"(?:global|hub|storage|nginx|prepuller)(?:\.[A-Za-z_]+)+", text)
        wrong += [(key, each) for each in named if not key_rule(SCHEMA, tuple(each.split(".")))]
        has_key = answer.verdict in (Verdict.carried, Verdict.by_hand)
        assert bool(answer.today) is has_key, key
        assert answer.why or answer.verdict is Verdict.carried, key
    assert wrong == []


def test_the_documentation_has_the_table_of_today() -> None:
    page = (CHECKOUT / "docs" / "from-z2jh.md").read_text()
    assert with_table(page) == page, "run `jld docs`"
    for top in {name.split(".")[0] for name in NAMES}:
        assert f"### `{top}`" in page


@pytest.mark.parametrize(
    ("old", "key", "said"),
    [
        ({"singleuser": {"cpu": {"limit": 2}}}, "singleuser.cpu.limit", "is now hub.lab.sizes.<name>.cpu"),
        ({"singleuser": {"image": {"name": "a"}}}, "singleuser.image.name", "is now hub.lab.images.<name>.reference"),
        ({"singleuser": {"uid": 1000}}, "singleuser.uid", "is not needed: each lab runs under the user number of its"),
        ({"singleuser": 5}, "singleuser", "is now hub.lab"),
        ({"proxy": {"secretToken": "x"}}, "proxy.secretToken", "is not needed: `jld values` makes a token"),
        ({"proxy": {"https": {"hosts": ["a"]}}}, "proxy.https.hosts", "is now global.hostname (one name)"),
        ({"hub": {"config": {"JupyterHub": {"admin_access": True}}}}, "hub.config.JupyterHub.admin_access", "hub.auth.adminAccess"),
        ({"hub": {"config": {"LDAPAuthenticator": {"x": 1}}}}, "hub.config.LDAPAuthenticator", "has no equivalent: JLD's hub"),
        ({"hub": {"db": {"pvc": {"storage": "1Gi"}}}}, "hub.db.pvc.storage", "is now hub.db.capacity"),
        ({"hub": {"extraEnv": {"A": "b"}}}, "hub.extraEnv", "is now hub.environment"),
        ({"cull": {"enabled": False}}, "cull.enabled", "is now hub.culling.idleTimeout (`0s` turns it off)"),
        ({"cull": {"every": 5}}, "cull.every", "is not needed: how often the hub looks"),
        ({"prePuller": {"hook": {"enabled": False}}}, "prePuller.hook.enabled", "is now prepuller.enabled"),
        ({"prePuller": {"extraImages": {}}}, "prePuller.extraImages", "which is written by hand: what is on the menu"),
        ({"scheduling": {"userScheduler": {"enabled": True}}}, "scheduling.userScheduler", "the cluster's own scheduler"),
        ({"httpRoute": {"enabled": True}}, "httpRoute.enabled", "is now nginx.mode (`gateway`"),
        ({"ingress": {"enabled": True}}, "ingress.enabled", "is now nginx.mode (`ingress`"),
        ({"debug": {"enabled": True}}, "debug.enabled", "is now hub.log.level (`DEBUG`)"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)  # fmt: skip
def test_check_answers_with_the_key_of_jld(old: dict[str, Any], key: str, said: str, complaints: Any) -> None:
    lines = [line for line in complaints(yaml.safe_dump(old)) if f" {key}: " in line]
    assert len(lines) == 1
    assert f"Zero to JupyterHub's {key} " in lines[0]
    assert said in lines[0]
    assert "did you mean" not in lines[0]
    assert re.match(r"site\.yaml:\d+:\d+: error: ", lines[0])


def test_check_says_so_of_a_key_that_nobody_has(complaints: Any) -> None:
    (line,) = [line for line in complaints("singleuser: {frobnicate: 1}\n") if "frobnicate" in line]
    assert "singleuser.frobnicate: there is no such key, and Zero to JupyterHub has none either" in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("singleuser: {}\ncull: {}\n", True),
        ("jupyterhub: {singleuser: {}, proxy: {}}\n", True),
        ("basehub: {jupyterhub: {singleuser: {}, proxy: {}}}\n", True),
        ("hub: {config: {}}\n", True),
        ("hub: {config: {}}\nstorage: {}\n", False),  # a site file with a key too many
        ("debug: true\noauth_secret: x\nhostname: a\n", False),  # the original deploy tool's
        ("hub: {image: {tag: a}}\n", False),
    ],
)
def test_check_knows_whose_file_it_is(text: str, told: bool, complaints: Any) -> None:
    said = any("this is a file of Zero to JupyterHub; `jld init --from site.yaml`" in line for line in complaints(text))
    assert said is told


def test_no_example_of_ours_is_taken_for_one_of_theirs() -> None:
    for file in (CHECKOUT / "values").glob("*.yaml"):
        assert not is_file_of_z2jh(tree(yaml.safe_load(file.read_text()))), file.name


def test_explain_answers_too(desk: Any) -> None:
    result = desk.run("explain", "singleuser.cpu.limit")
    assert result.exit_code == 1
    assert "Zero to JupyterHub's singleuser.cpu.limit is now hub.lab.sizes.<name>.cpu" in result.stderr


def test_a_secret_in_a_foreign_key_is_not_shown(complaints: Any) -> None:
    config = {"GitHubOAuthenticator": {"client_secret": "s3cret-of-an-app"}}
    said = "\n".join(complaints(yaml.safe_dump({"hub": {"config": config}, "proxy": {"secretToken": "s3cret-token"}})))
    assert "hub.secret.githubClientSecret in secrets.yaml" in said
    assert "s3cret" not in said


def test_an_unknown_key_below_a_known_one_is_told_apart() -> None:
    found = list(answers(tree({"limit": 1, "nonsense": 2}), ("singleuser", "cpu")))
    assert [each is NO_SUCH_KEY for _, _, each in found] == [False, True]
