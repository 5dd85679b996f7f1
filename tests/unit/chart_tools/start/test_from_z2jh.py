"""`jld init --from` with values of Zero to JupyterHub."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jld.schema.chart import Chart
from jld.schema.z2jh.answer import Verdict
from jld.schema.z2jh.table import TABLE
from jld.site.tree import tree
from jld.start.z2jh.copies import COPIES, EACH
from jld.start.z2jh.migration import Z2jhMigration
from jld.start.z2jh.specials import SPECIAL, Specials

CHECKOUT = Path(__file__).resolve().parents[4]
FILES = CHECKOUT / "tests" / "data" / "z2jh"
SCHEMA = Chart(CHECKOUT / "chart").schema()
TRUSTED = ("--trusted-proxy", "10.244.0.0/16")
NAMES = [key.replace("hub.services.*", "hub.services.one").replace("*", "thing") for key in TABLE]


def migrated(data: Any) -> Z2jhMigration:
    return Z2jhMigration(tree(data), SCHEMA, Path("config.yaml"), Path("site.yaml"))


def at(key: str, value: Any) -> Any:
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def leaves(data: Any, path: str = "") -> list[str]:
    if not isinstance(data, dict) or not data:
        return [path]
    return [leaf for key, child in data.items() for leaf in leaves(child, f"{path}.{key}" if path else str(key))]


@pytest.mark.parametrize("name", ["class", "research", "aks"])
def test_a_real_file_becomes_a_site_and_each_key_is_accounted_for(name: str, desk: Any) -> None:
    old = FILES / f"{name}.yaml"
    result = desk.run("init", "--from", str(old), *(TRUSTED if name == "aks" else ()), "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)["mistakes"]) == (0, [])
    told = [each["old"].partition(" ")[0] for each in json.loads(result.stdout)["carried"]]
    data = yaml.safe_load(old.read_text())
    for leaf in leaves(data.get("jupyterhub", data)):
        assert any(leaf == each or leaf.startswith(f"{each}.") for each in told), leaf
    assert (desk.folder / "site-report.txt").read_text().count("\n") >= len(told)
    values = desk.run("values", "site.yaml")
    assert (values.exit_code, "error" in values.stderr) == (0, False)


def test_a_class_hub(desk: Any) -> None:
    assert desk.run("init", "--from", str(FILES / "class.yaml")).exit_code == 0
    site = desk.read("site.yaml")
    assert site["global"] == {"hostname": "classes.example.edu"}
    lab = site["hub"]["lab"]
    assert {name: each["sizes"] for name, each in lab["images"].items()} == {
        "lectures": ["standard"],
        "projects": ["projects"],
    }
    assert lab["sizes"]["standard"] == {"cpu": 2, "memory": "2Gi", "guaranteedCpu": 0.25, "guaranteedMemory": "512Mi"}
    assert lab["sizes"]["tiny"] is None  # nobody had it
    assert lab["environment"] == {"COURSE": "physics", "GRADER_PASSWORD": {"secret": "grader", "key": "password"}}
    assert lab["volumes"]["material"] == {
        "mountPath": "/material",
        "readOnly": True,
        "persistentVolumeClaim": {"claimName": "nfs-material"},
    }
    assert site["storage"] == {"volumes": {"home": {"existingClaim": "nfs-homes"}}}
    assert site["hub"]["auth"]["other"]["groups"] == {"claim": "groups", "allow": ["students", "staff"]}
    assert "extraConfig" not in site["hub"]


def test_a_research_hub(desk: Any) -> None:
    assert desk.run("init", "--from", str(FILES / "research.yaml")).exit_code == 0
    site = desk.read("site.yaml")
    assert site["hub"]["auth"]["github"]["organizations"]["allow"] == ["survey:astronomers", "survey:operators"]
    gpu = site["hub"]["lab"]["sizes"]["machine-learning"]
    assert (gpu["gpus"], gpu["nodeSelector"], gpu["memory"]) == (1, {"pool": "gpu"}, "60Gi")
    assert site["hub"]["lab"]["images"]["analysis-next"]["sizes"] == ["analysis-m", "analysis-l"]
    assert site["storage"]["perPerson"] == {"storageClass": "gp3", "capacity": "50Gi", "accessMode": "ReadWriteOnce"}
    assert desk.read("secrets.yaml")["hub"]["secret"] == {
        "cookieSecret": "9f8e7d6c5b4a39281706f5e4d3c2b1a0" * 2,
        "dbUrl": "postgresql://hub:made-up-of-the-database@db.example.org:5432/jupyterhub",
        "githubClientSecret": "made-up-client-secret-of-research",
        "services": {"exporter": "made-up-token-of-the-exporter-0123456789"},
    }


def test_a_hub_behind_an_ingress(desk: Any) -> None:
    without = desk.run("init", "--from", str(FILES / "aks.yaml"))
    assert without.exit_code == 1
    assert "nginx.trustedProxies: missing; give --trusted-proxy" in without.stderr
    assert list(desk.folder.iterdir()) == []
    assert desk.run("init", "--from", str(FILES / "aks.yaml"), *TRUSTED).exit_code == 0
    nginx = desk.read("site.yaml")["nginx"]
    assert nginx["mode"] == "ingress"
    assert nginx["tls"] == {"existingSecret": "jupyter-tls"}
    assert nginx["ingress"]["annotations"]["cert-manager.io/cluster-issuer"] == "letsencrypt-prod"


@pytest.mark.parametrize("name", ["class", "research", "aks"])
def test_secrets_go_into_a_private_file_and_nowhere_else(name: str, desk: Any) -> None:
    said = desk.run("init", "--from", str(FILES / f"{name}.yaml"), *TRUSTED).output
    shown = said + (desk.folder / "site.yaml").read_text() + (desk.folder / "site-report.txt").read_text()
    assert "made-up" in (desk.folder / "secrets.yaml").read_text()
    assert not any(each in shown for each in ("made-up", "9f8e7d6c", "abababab", "3f0c1a7e"))
    assert stat.S_IMODE((desk.folder / "secrets.yaml").stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["site.yaml", "secrets.yaml", "site-report.txt"])
def test_no_file_that_is_there_is_replaced(there: str, desk: Any) -> None:
    desk.write(there, "mine\n")
    result = desk.run("init", "--from", str(FILES / "research.yaml"))
    assert result.exit_code == 1
    assert f"{there}: error: this file is there already" in result.stderr
    assert [each.name for each in desk.folder.iterdir()] == [there]
    assert (desk.folder / there).read_text() == "mine\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("singleuser: [\n", "config.yaml:2:1: error: "),
        ("- singleuser\n- proxy\n", "config.yaml:1:1: error: there are no keys here; write keys and values"),
        ("singleuser: {}\n---\nproxy: {}\n", "a second document starts here"),
        ("singleuser: !secret x\n", "an unquoted `!` starts a tag"),
        ("\x00", "config.yaml:1:1: error: a character that YAML does not allow"),
        ("singleuser: " + "[" * 60, "more than 40 levels deep"),
        ("a: x\n" * 300_000, "larger than 1024 KiB; this is not a site file"),
        ("services: {web: {image: x}}\nversion: 3\n", "neither values of Zero to JupyterHub"),
        ("", "neither values of Zero to JupyterHub"),
        ("global: {hostname: a.example.org}\nnginx: {}\n", "this is no old file, but a site file by its keys"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_a_sentence_and_nothing_is_written(text: str, said: str, desk: Any) -> None:
    desk.write("config.yaml", text)
    result = desk.run("init", "--from", "config.yaml", "--hostname", "a.example.org", "--login", "dummy")
    assert (result.exit_code, said in result.stderr, "Traceback" in result.output) == (1, True, False)
    assert [each.name for each in desk.folder.iterdir()] == ["config.yaml"]


WRONG = [
    5,
    1.5,
    True,
    -1,
    "",
    " ",
    "x",
    "a,b",
    "\n",
    [],
    [1],
    ["x"],
    [{"name": []}],
    {},
    {"a": 1},
    {"name": {"x": [None]}},
    None,
    "9" * 400,
    "\u00e9\u2028",
]


def test_a_wrong_type_at_any_key_is_a_sentence_with_its_line() -> None:
    for name in NAMES:
        for value in WRONG:
            migration = migrated(at(name, value))
            assert all(each.new or each.why for each in migration.keys), name
            assert migration.keys, name


def test_a_wrong_type_is_told_with_place_cause_and_remedy(desk: Any) -> None:
    desk.write("config.yaml", "cull:\n  timeout: [1]\nsingleuser:\n  cpu: {limit: many}\n")
    result = desk.run("init", "--from", "config.yaml", "--hostname", "a.example.org", "--login", "dummy")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [
        "cull.timeout (line 2): not carried over: found a list where a whole number belongs; see hub.culling.idleTimeout",
        'singleuser.cpu.limit (line 4): not carried over: found "many" where a number of cores belongs; see hub.lab.sizes.<name>.cpu',
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    old=st.dictionaries(
        st.sampled_from(NAMES),
        st.recursive(
            st.sampled_from([None, True, 0, 7, "", "x", "2G", "a.example.org"]),
            lambda inner: st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["name", "display_name", "kubespawner_override", "choices", "image"]), inner, max_size=3),
            max_leaves=5,
        ),
        max_size=8,
    )
)  # fmt: skip
def test_whatever_a_file_holds_what_comes_of_it_is_valid_key_by_key(old: dict[str, Any]) -> None:
    data: dict[str, Any] = {}
    for key, value in old.items():
        inner = data
        *parts, last = key.split(".")
        for part in parts:
            inner[part] = inner[part] if isinstance(inner.get(part), dict) else {}
            inner = inner[part]
        inner[last] = value
    migration = migrated(data)
    assert all(each.new or each.why for each in migration.keys)
    for leaf in leaves(data) if data else ():
        told = [each.old.partition(" ")[0] for each in migration.keys]
        assert any(leaf.startswith(each) or each.startswith(leaf) for each in told)


def test_every_key_that_the_table_carries_over_has_somebody_who_does() -> None:
    groups = {key.rpartition(".")[0] for key in TABLE}
    carried = {key for key, each in TABLE.items() if each.verdict is Verdict.carried}
    by_class = {key for key in carried if key.startswith(("hub.config.", "hub.services.", "hub.loadRoles"))}
    assert carried - groups - by_class == (set(COPIES) | set(EACH) | set(SPECIAL)) & (carried - groups)
    assert not (set(COPIES) | set(EACH) | set(SPECIAL)) - carried
    assert all(hasattr(Specials, method) for method in SPECIAL.values())


def test_what_a_rule_between_keys_refuses_is_left_out_and_told(desk: Any) -> None:
    old = {
        "singleuser": {"image": {"name": "quay.io/jupyter/minimal-notebook", "tag": "1"}, "extraEnv": {"A": "b"}},
        "hub": {"config": {"KubeSpawner": {"http_timeuot": 5}}, "loadRoles": {"reader": {"scopes": ["read:nothing"], "users": ["ada"]}}},
    }  # fmt: skip
    desk.write("config.yaml", yaml.safe_dump(old))
    result = desk.run("init", "--from", "config.yaml", "--hostname", "a.example.org", "--login", "dummy")
    assert (result.exit_code, result.stderr) == (0, "")
    assert (
        "hub.config.KubeSpawner.http_timeuot: not carried over: hub.traits.KubeSpawner.http_timeuot: " in result.stdout
    )
    assert "hub.loadRoles: not carried over: hub.roles.reader: " in result.stdout
    assert desk.run("check", "site.yaml").exit_code == 0


@pytest.mark.parametrize("key", ["allowed_users", "blocked_users"])
def test_who_is_kept_out_and_who_is_let_in_is_never_left_out_silently(key: str, desk: Any) -> None:
    github = {"client_id": "Iv1.8a61f9b3a7aba766", "allowed_organizations": ["my-org"], key: ["not a name!"]}
    config = {"JupyterHub": {"authenticator_class": "github"}, "GitHubOAuthenticator": github}
    migration = migrated({"hub": {"config": config}})
    (line,) = [each.line for each in migration.keys if each.old.startswith(f"hub.config.GitHubOAuthenticator.{key}")]
    assert "not carried over: found" in line


def test_nobody_more_is_let_in_than_the_old_file_names() -> None:
    """Without a class of JLD's, with `allow_all` at GitHub, and with rules of a class of its own, nobody is."""
    for name, config in (
        ("github", {"GitHubOAuthenticator": {"allow_all": True}}),
        ("google", {"GoogleOAuthenticator": {"hosted_domain": ["example.org"]}}),
        ("gitlab", {"GitLabOAuthenticator": {"allowed_gitlab_groups": ["x"]}}),
    ):
        auth = (
            migrated({"hub": {"config": {"JupyterHub": {"authenticator_class": name}, **config}}})
            .site.get("hub", {})
            .get("auth", {})
        )
        assert not (
            {"allowAll", "groups", "users", "organizations"} & set(auth.get("other", {}) | auth.get("github", {}))
        )
