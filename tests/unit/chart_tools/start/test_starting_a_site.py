"""`jld init`: from questions, from options, and from a file of the original deploy tool."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jld.rules.images.series import IMAGES
from jld.schema import legacy_keys
from jld.schema.chart import Chart
from jld.schema.validation import key_rule
from jld.schema.validator import is_valid
from jld.secrets import self_signed
from jld.site.reader import load
from jld.start.images import DEFAULT, listed_images
from jld.start.migration import Migration

from ..conftest import pem

CHECKOUT = Path(__file__).resolve().parents[4]
SCHEMA = Chart(CHECKOUT / "chart").schema()
REPOSITORY = st.lists(st.sampled_from(["x", "7", "x-2", "a.b_c", "y" * 32, "y" * 40, "z" * 90]), min_size=1, max_size=3)
GITHUB = ["--hostname", "jupyter.example.org", "--github-client-id", "Iv1.8a61f9b3a7aba766", "--organization", "my-org"]
GITHUB += ["--image-registry", "ghcr.io/my-org"]
TRIAL = ["--hostname", "jld.localhost", "--login", "dummy", "--user", "alice"]
# Every parameter of the original tool, its other names, and the misspellings of its published examples.
_KEYS = (
    "hostname tls_cert tls_key tls_root_chain allowed_groups github_organization_whitelist cilogon_group_whitelist "
    "oauth_client_id oauth_secret oauth_provider kubernetes_cluster_name kubernetes_cluster_namespace gke_project "
    "gke_zone gke_node_count gke_machine_type gke_local_volume_size_gigabytes volume_size_gigabytes "
    "external_fileserver_ip tls_dhparam dhparam_bits session_db_url forbidden_groups github_organization_denylist "
    "cilogon_group_denylist shipper_name log_shipper_name rabbitmq_pan_password rabbitmq_target_host rabbitmq_target_vhost beats_cert "
    "beats_ca beats_key logstash_host firefly_admin_password firefly_replicas firefly_container_mem_limit firefly_max_jvm_size "
    "firefly_uid prepuller_image_list prepuller_no_scan prepuller_repo prepuller_owner prepuller_weekies "
    "prepuller_sort_field prepuller_namespace lab_repo_host lab_repo_owner lab_repo_name lab_image lab_selector_title "
    "lab_idle_timeout lab_cull_timeout lab_cull_policy lab_mem_limit lab_cpu_limit lab_mem_guarantee "
    "lab_cpu_guarantee lab_nodejs_max_mem tiny_max_cpu tiny_cpu_max mb_per_cpu lab_size_range size_index "
    "auto_repo_urls allow_dask_spawn max_dask_workers restrict_lab_nodes restrict_dask_nodes hub_route firefly_route "
    "js9_route api_route tap_route soda_route external_instance_url external_hub_url max_http_header_size "
    "jwt_signing_certificate debug zone node_count github_callback_url github_client_id github_secret "
    "jupyterhub_crypto_key cilogon_client_id cilogon_secret configproxy_auth_token"
)
ORIGINAL = _KEYS.split()
ANYTHING = st.recursive(
    st.sampled_from([None, True, 0, -1, 1.5, 1e300, "", " ", "x", "a,b", "a\nb", "20", "0x10", "3G", "é" * 300, "\t", ";"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "secret"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


def check(desk: Any, site: str = "site.yaml") -> None:
    result = desk.run("check", site, JLD_GITHUB_CLIENT_SECRET="abc")
    assert (result.exit_code, result.stderr) == (0, "")


# From options.


def test_options_make_a_commented_site_that_is_right(desk: Any) -> None:
    result = desk.run("init", *GITHUB, "--storage-class", "shared", "--tls-secret", "jupyter-tls")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "Wrote site.yaml. Next: jld check site.yaml\n"
    text = (desk.folder / "site.yaml").read_text()
    assert yaml.safe_load(text) == yaml.safe_load((CHECKOUT / "values" / "minimal.yaml").read_text())
    assert text.startswith("# The platform at jupyter.example.org.")
    assert "# of the OAuth app with the callback https://jupyter.example.org/hub/oauth_callback" in text
    check(desk)


def test_a_certificate_of_lets_encrypt_takes_one_option(desk: Any) -> None:
    result = desk.run("init", *GITHUB, "--storage-class", "shared", "--letsencrypt", "operator@example.org")
    assert (result.exit_code, result.stderr) == (0, "")
    assert desk.read("site.yaml") == yaml.safe_load((CHECKOUT / "values" / "letsencrypt.yaml").read_text())
    check(desk)


CILOGON = [
    *("--hostname", "jupyter.example.org", "--cilogon-client-id", "cilogon:/client_id/1a2b3c", "--group", "lsst_users"),
    *("--identity-provider", "https://idp.ncsa.illinois.edu/idp/shibboleth", "--tls-secret", "jupyter-tls"),
    *("--image-registry", "ghcr.io/my-org"),
]


SCIPY, R = "quay.io/jupyter/scipy-notebook:2026-11-02", "quay.io/jupyter/r-notebook:2026-11-02"
MENU = {
    "images": {
        "scipy-notebook": {"reference": SCIPY, "title": "Scipy notebook"},
        "r-notebook": {"reference": R, "title": "R notebook"},
    },
    "defaultImage": "scipy-notebook",
}


def test_options_make_a_menu_of_images(desk: Any) -> None:
    result = desk.run("init", *GITHUB, "--tls-secret", "a", "--image", SCIPY, "--image", R, "--image", SCIPY)
    assert (result.exit_code, result.stderr) == (0, "")
    assert desk.read("site.yaml")["hub"]["lab"] == MENU
    assert "defaultImage: scipy-notebook   # is chosen" in (desk.folder / "site.yaml").read_text()
    check(desk)


@settings(max_examples=50, deadline=None)
@given(repositories=st.lists(REPOSITORY, min_size=1, max_size=6))
@example(repositories=[["x"], ["y", "x"], ["x-2"]])
def test_each_image_has_a_name_of_its_own(repositories: list[list[str]]) -> None:
    references = [f"quay.io/{'/'.join(parts)}:1" for parts in repositories]
    listed = listed_images(references)
    rule = key_rule(SCHEMA, ("hub", "lab", "images"))
    names = list(listed[IMAGES])
    assert [entry["reference"] for entry in listed[IMAGES].values()] == list(dict.fromkeys(references))
    assert [name for name in names if not is_valid(name, rule["propertyNames"], SCHEMA)] == []
    assert listed[DEFAULT] == names[0]
    assert is_valid(listed[IMAGES], rule, SCHEMA)


def test_options_make_a_site_for_cilogon(desk: Any) -> None:
    result = desk.run("init", *CILOGON)
    assert (result.exit_code, result.stderr) == (0, "")
    assert desk.read("site.yaml")["hub"] == {
        "auth": {
            "cilogon": {
                "clientId": "cilogon:/client_id/1a2b3c",
                "identityProviders": {"https://idp.ncsa.illinois.edu/idp/shibboleth": {}},
                "groups": {"allow": ["lsst_users"]},
            }
        }
    }
    result = desk.run("check", "site.yaml", JLD_CILOGON_CLIENT_SECRET="abc")
    assert (result.exit_code, result.stderr) == (0, "")


def test_what_is_missing_for_cilogon_is_named_with_its_option(desk: Any) -> None:
    result = desk.run("init", "--hostname", "a.example.org", "--login", "cilogon", "--tls-secret", "a")
    assert result.exit_code == 1
    for option in ("--cilogon-client-id", "--identity-provider", "--group or --user"):
        assert option in result.stderr
    assert "github" not in result.stderr


def test_a_trial_needs_a_host_name_only(desk: Any) -> None:
    result = desk.run("init", "--hostname", "jld.localhost", "--login", "dummy", "--home-folder", "/srv/home")
    assert result.exit_code == 0
    assert desk.read("site.yaml") == {
        "global": {"hostname": "jld.localhost"},
        "hub": {"auth": {"dummy": {"users": ["alice"]}}},
        "storage": {"mode": "hostPath", "hostPath": {"path": "/srv/home"}},
        "nginx": {"tls": {"selfSigned": True}},
    }
    check(desk)


def test_without_a_terminal_every_missing_answer_is_named_with_its_option(desk: Any) -> None:
    result = desk.run("init")
    assert result.exit_code == 1
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == [
        "global.hostname",
        "hub.auth.github",
        "hub.auth.github.clientId",
        "nginx.tls",
    ]
    for option in ("--hostname", "--github-client-id", "--organization", "--tls-secret", "--self-signed"):
        assert option in result.stderr
    assert not (desk.folder / "site.yaml").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([*TRIAL, "--hostname", "Bad_Host"], 'global.hostname: found "Bad_Host"; write a DNS name'),
        ([*TRIAL, "--admin", "mallory"], "hub.auth.admins[0]: is not one of hub.auth.dummy.users, so cannot log in"),
        ([*GITHUB, "--tls-secret", "a", "--self-signed"], "nginx.tls: give the certificate in exactly one way"),
        ([*GITHUB, "--letsencrypt", "nobody"], 'nginx.tls.letsencrypt.email: found "nobody"; write an e-mail address'),
        (
            [*TRIAL, "--image", "scipy-notebook"],
            'hub.lab.images.scipy-notebook.reference: found "scipy-notebook"; write a registry',
        ),
        ([*TRIAL, "--image", "quay.io/x/y"], "hub.lab.images.y.reference: neither a tag nor a digest; write one"),
        ([*GITHUB, "--certificate", "none.pem"], "error: there is no such file; check its name"),
        ([*TRIAL, "--capacity", "lots"], 'storage.claim.capacity: found "lots"; write an amount with its unit'),
        (
            [*CILOGON, "--organization", "my-org"],
            "with --login cilogon nobody logs in through GitHub; leave out --github",
        ),
        (
            [*TRIAL, "--group", "staff"],
            "with --login dummy nobody logs in through CILogon; leave out --cilogon-client-id",
        ),
        (
            [*CILOGON, "--identity-provider", "ncsa"],
            'the key "ncsa" is not accepted; write an EntityID, like https://idp',
        ),
        (
            [*TRIAL, "--organization", "my-org"],
            "hub.auth: with --login dummy nobody logs in through GitHub; leave out --github-client-id and --organization",
        ),
    ],
)
def test_an_option_that_is_wrong_is_answered_and_nothing_is_written(
    words: list[str], complaint: str, desk: Any
) -> None:
    result = desk.run("init", *words)
    assert (result.exit_code, complaint in result.stderr) == (1, True), result.stderr
    assert list(desk.folder.iterdir()) == []


def test_certificate_files_are_named_from_where_the_site_file_is(desk: Any) -> None:
    for name in ("tls", "sites"):
        (desk.folder / name).mkdir()
    pair(desk, "tls/")
    words = [*GITHUB, "--certificate", "tls/cert.pem", "--key", "tls/key.pem", "-o", "sites/site.yaml"]
    assert desk.run("init", *words).exit_code == 0
    assert desk.read("sites/site.yaml")["nginx"]["tls"] == {"certificate": "../tls/cert.pem", "key": "../tls/key.pem"}


def pair(desk: Any, folder: str = "", hostname: str = "jupyter.example.org") -> None:
    made = self_signed.generate(hostname, datetime.now(UTC))
    desk.write(f"{folder}cert.pem", made.pair.certificate + made.authority)
    desk.write(f"{folder}key.pem", made.pair.key)


@pytest.mark.parametrize(
    ("certificate", "key", "complaint"),
    [
        ("key.pem", "key.pem", "nginx.tls.certificate: this file holds a private key; name the certificate here"),
        ("cert.pem", "cert.pem", "nginx.tls.key: this file holds a certificate; name the private key here"),
        (
            "notes.txt",
            "key.pem",
            "nginx.tls.certificate: not a PEM file; the first line of one is BEGIN CERTIFICATE between dashes",
        ),
        ("cert.pem", "other/key.pem", "nginx.tls.key: the key does not belong to the certificate"),
        ("else/cert.pem", "else/key.pem", "nginx.tls.certificate: it is for else.example.org, not for jupyter"),
    ],
)
def test_certificate_files_are_looked_into(certificate: str, key: str, complaint: str, desk: Any) -> None:
    desk.write("notes.txt", "remember the milk\n")
    for folder, hostname in (
        ("", "jupyter.example.org"),
        ("other/", "jupyter.example.org"),
        ("else/", "else.example.org"),
    ):
        (desk.folder / folder).mkdir(exist_ok=True)
        pair(desk, folder, hostname)
    result = desk.run("init", *GITHUB, "--certificate", certificate, "--key", key)
    assert (result.exit_code, complaint in result.stderr) == (1, True), result.stderr
    assert not (desk.folder / "site.yaml").exists()


def test_a_file_that_is_there_is_replaced_only_by_force(desk: Any) -> None:
    desk.write("site.yaml", "mine: true\n")
    result = desk.run("init", *TRIAL)
    assert (result.exit_code, result.stderr) == (
        1,
        "site.yaml: error: this file is there already; name another one with -o, or replace it with --force\n"
        "1 mistake; nothing was written.\n",
    )
    assert (desk.folder / "site.yaml").read_text() == "mine: true\n"
    assert desk.run("init", *TRIAL, "--force").exit_code == 0
    assert "mine" not in desk.read("site.yaml")
    (desk.folder / "folder").mkdir()
    assert desk.run("init", *TRIAL, "-o", "folder").exit_code == 2


# From questions.


def test_a_person_is_asked_again_until_each_answer_is_right(desk: Any, at_terminal: Any) -> None:
    with at_terminal("init") as terminal:
        for question, answers in (
            ("Host name", ["Bad_Host", "jupyter.example.org"]),
            ("Log in with", ["gitlab", ""]),
            ("Client ID", ["", "Iv1.abc"]),
            ("Organizations", ["my org", "my-org, partner:team"]),
            ("Who administers", [""]),
            ("Where the images of", ["https://ghcr.io", "ghcr.io/my-org"]),
            ("Images of labs", ["scipy", "quay.io/jupyter/scipy-notebook", f"{SCIPY}, {R}"]),
            ("Home directories", [""]),
            ("Storage class", ["shared"]),
            ("Size", ["2Ti"]),
            ("Certificate from", [""]),
            ("Name of the Secret", ["jupyter-tls"]),
        ):
            for answer in answers:
                terminal.expect_exact(question)
                terminal.sendline(answer)
        terminal.expect_exact("Wrote site.yaml")
        terminal.read()
    assert terminal.exitstatus == 0
    assert desk.read("site.yaml") == {
        "global": {"hostname": "jupyter.example.org", "imageRegistry": "ghcr.io/my-org"},
        "hub": {
            "auth": {"github": {"clientId": "Iv1.abc", "organizations": {"allow": ["my-org", "partner:team"]}}},
            "lab": MENU,
        },
        "storage": {"claim": {"storageClass": "shared", "capacity": "2Ti"}},
        "nginx": {"tls": {"existingSecret": "jupyter-tls"}},
    }
    check(desk)


def test_a_new_site_without_a_registry_is_told_what_nodes_lack(desk: Any) -> None:
    """As `jld check` tells, and `jld values`."""
    result = desk.run("init", *GITHUB[:-2], "--tls-secret", "jupyter-tls")
    assert result.exit_code == 0
    checked = desk.run("check", "site.yaml", JLD_GITHUB_CLIENT_SECRET="abc")
    assert checked.exit_code == 0
    for told in (result.stderr, checked.stderr):
        assert (
            "warning: global.imageRegistry: nodes have images of localhost/jld only where somebody loaded them" in told
        )
    trial = desk.run("init", *TRIAL, "-o", "trial.yaml")
    assert (trial.exit_code, trial.stderr) == (0, "")


def test_what_an_option_says_is_not_asked(desk: Any, at_terminal: Any) -> None:
    with at_terminal("init", *TRIAL, "--home-folder", "/srv/home", "--self-signed") as terminal:
        terminal.expect_exact("Who administers")
        terminal.sendline("alice")
        terminal.expect_exact("Images of labs")
        terminal.sendline("")
        terminal.expect_exact("Wrote site.yaml")
        terminal.read()
    assert desk.read("site.yaml")["hub"]["auth"] == {"admins": ["alice"], "dummy": {"users": ["alice"]}}


def test_a_person_who_names_a_wrong_file_is_asked_again(desk: Any, at_terminal: Any) -> None:
    pair(desk)
    with at_terminal("init", *GITHUB) as terminal:
        for question, answers in (
            ("Who administers", [""]),
            ("Images of labs", [""]),
            ("Home directories", [""]),
            ("Storage class", [""]),
            ("Size", [""]),
            ("Certificate from", ["files"]),
            ("PEM file with certificate", ["nowhere.pem", "cert.pem"]),
            ("PEM file with the private key", ["cert.pem", "key.pem"]),
        ):
            for answer in answers:
                terminal.expect_exact(question)
                terminal.sendline(answer)
        terminal.expect_exact("Wrote site.yaml")
        terminal.read()
    assert desk.read("site.yaml")["nginx"]["tls"] == {"certificate": "cert.pem", "key": "key.pem"}
    check(desk)


# From the original deploy tool.


OLD = """\
JLD_HOSTNAME: Kremvax.ru
tls_cert: /etc/tls/cert.pem
tls_key: tls/key.pem
github_organization_whitelist: [nkvd, kgb]
forbidden_groups: "a, b,,"
oauth_client_id: abcdef
oauth_secret: s3cret
LSST_NB_volume_size_gigabytes: "20"
prepuller_weekies: 3
tiny_cpu_max: 0.5
mb_per_cpu: "4096"
lab_size_range: "4.0"
size_index: 2
lab_cull_timeout: "43200"
zone: us-central1-a
frobnicate: 1
"""


def migrated(text: str, tmp_path: Path) -> Migration:
    old = tmp_path / "old.yaml"
    old.write_text(text)
    return Migration(load(old), SCHEMA, old, tmp_path / "site.yaml")


def test_an_old_file_becomes_a_site_and_each_key_is_accounted_for(desk: Any) -> None:
    desk.write("old.yaml", OLD)
    result = desk.run("init", "--from", "old.yaml")
    missing = "correct the path, which is relative to the site file"
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"warning: nginx.tls.certificate: there is no file /etc/tls/cert.pem; {missing}",
        f"warning: nginx.tls.key: there is no file {desk.folder}/tls/key.pem; {missing}",
        "warning: global.imageRegistry: nodes have images of localhost/jld only where somebody loaded them into each; "
        "write where `make images PUSH=...` pushed them, like registry.example.org/jld",
    ]
    assert result.stdout.splitlines() == [
        "JLD_HOSTNAME -> global.hostname",
        "tls_cert -> nginx.tls.certificate",
        "tls_key -> nginx.tls.key",
        "github_organization_whitelist -> hub.auth.github.organizations.allow",
        "forbidden_groups -> hub.auth.github.organizations.deny",
        "oauth_client_id -> hub.auth.github.clientId",
        "oauth_secret -> hub.secret.githubClientSecret (in secrets.yaml)",
        "LSST_NB_volume_size_gigabytes -> storage.nfs.capacity, storage.mode",
        "prepuller_weekies: not carried over: the menu of images is written anew, in hub.lab.images, as values/lsst.yaml does",
        "tiny_cpu_max -> hub.lab.ladder.smallestCpu",
        "mb_per_cpu -> hub.lab.ladder.memoryPerCpu",
        "lab_size_range -> hub.lab.sizeRange",
        "size_index -> hub.lab.defaultSize",
        "lab_cull_timeout -> hub.culling.idleTimeout",
        "zone: not carried over: the cluster is made by other tools; this one installs into any",
        "frobnicate: not carried over: the original tool had no such key either; see `jld explain`",
        "Wrote secrets.yaml",
        "Wrote site.yaml. Next: jld check site.yaml",
    ]
    assert desk.read("site.yaml") == {
        "global": {"hostname": "kremvax.ru"},
        "hub": {
            "auth": {"github": {"clientId": "abcdef", "organizations": {"allow": ["nkvd", "kgb"], "deny": ["a", "b"]}}},
            "lab": {
                "ladder": {"smallestCpu": 0.5, "memoryPerCpu": "4Gi"},
                "defaultSize": "medium",
                "sizeRange": 4,
            },
            "culling": {"idleTimeout": "12h"},
        },
        "storage": {"mode": "nfs", "nfs": {"capacity": "20Gi"}},
        "nginx": {"tls": {"certificate": "/etc/tls/cert.pem", "key": "tls/key.pem"}},
    }


def test_old_secrets_go_into_a_private_file_and_nowhere_else(desk: Any) -> None:
    desk.write("old.yaml", OLD)
    output = desk.run("init", "--from", "old.yaml").output
    assert desk.read("secrets.yaml") == {"hub": {"secret": {"githubClientSecret": "s3cret"}}}
    assert stat.S_IMODE((desk.folder / "secrets.yaml").stat().st_mode) == 0o600
    assert "s3cret" not in (desk.folder / "site.yaml").read_text() + output
    again = desk.run("init", "--from", "old.yaml")
    assert again.exit_code == 1
    assert [line.split(":")[0] for line in again.stderr.splitlines()[:-1]] == ["secrets.yaml", "site.yaml"]


@pytest.mark.parametrize("ignored", [True, False])
def test_secrets_that_git_would_take_up_are_a_warning(ignored: bool, desk: Any) -> None:
    subprocess.run(["git", "init", "--quiet", "."], cwd=desk.folder, check=True)
    desk.write(".gitignore", "secrets.yaml\n" if ignored else "")
    desk.write("old.yaml", OLD)
    result = desk.run("init", "--from", "old.yaml")
    assert result.exit_code == 0
    warning = "secrets.yaml: warning: git does not ignore this file; add a line secrets.yaml to .gitignore"
    assert (warning in result.stderr.splitlines()) is not ignored


def test_git_ignores_secrets_in_any_folder_of_the_checkout() -> None:
    for name in ("secrets.yaml", "sites/secrets.yaml"):
        answer = subprocess.run(["git", "check-ignore", "--quiet", name], cwd=CHECKOUT, check=False)
        assert answer.returncode == 0, name


def test_options_of_cilogon_take_the_place_of_an_old_files_github(desk: Any) -> None:
    desk.write("old.yaml", OLD)
    assert desk.run("init", "--from", "old.yaml", *CILOGON[2:8]).exit_code == 0
    assert set(desk.read("site.yaml")["hub"]["auth"]) == {"cilogon"}


def test_what_an_old_file_does_not_say_is_asked_or_refused_with_the_mapping_shown(desk: Any) -> None:
    desk.write(
        "old.yaml", "oauth_provider: cilogon\noauth_client_id: a\nallowed_groups: [x]\nhostname: jld.localhost\n"
    )
    result = desk.run("init", "--from", "old.yaml")
    assert result.exit_code == 1
    provider = 'it belongs to the provider "cilogon"; write hub.auth.cilogon or hub.auth.other by hand (docs/login.md)'
    assert result.stdout.splitlines()[:3] == [
        f"{key}: not carried over: {provider}" for key in ("oauth_provider", "oauth_client_id", "allowed_groups")
    ]
    assert "hub.auth.github.clientId: missing; give --github-client-id" in result.stderr
    assert desk.run("init", "--from", "old.yaml", "--login", "dummy").exit_code == 0
    check(desk)


def test_an_option_wins_over_the_old_file(desk: Any) -> None:
    desk.write("old.yaml", OLD)
    assert desk.run("init", "--from", "old.yaml", "--hostname", "new.example.org").exit_code == 0
    assert desk.read("site.yaml")["global"]["hostname"] == "new.example.org"


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("lab_idle_timeout: 0", {"hub": {"culling": {"idleTimeout": "0s"}}}),
        ("lab_idle_timeout: -1", {"hub": {"culling": {"idleTimeout": "0s"}}}),
        ("lab_idle_timeout: 301", {"hub": {"culling": {"idleTimeout": "301s"}}}),
        ("lab_idle_timeout: 90", {}),
        *(
            (
                f"lab_image: {old}",
                {"hub": {"lab": {"images": {"lab": {"reference": new}}, "defaultImage": "lab"}}},
            )
            for old, new in (
                ("lsstsqre/jld-lab:latest", "docker.io/lsstsqre/jld-lab:latest"),
                ("python", "docker.io/library/python:latest"),
                ("localhost:5000/lab", "localhost:5000/lab:latest"),
                ("ghcr.io/x/lab:1", "ghcr.io/x/lab:1"),
            )
        ),
        ("lab_image: No Image", {}),
        ("volume_size_gigabytes: 1392", {"storage": {"mode": "nfs", "nfs": {"capacity": "1392Gi"}}}),
        (
            "external_fileserver_ip: 10.1.2.3\nvolume_size_gigabytes: 1392",
            {"storage": {"mode": "external", "external": {"server": "10.1.2.3", "capacity": "1392Gi"}}},
        ),
        ("external_fileserver_ip: not an address", {}),
        ("volume_size_gigabytes: -2", {}),
        ("allowed_groups: 'nkvd,kgb'", {"hub": {"auth": {"github": {"organizations": {"allow": ["nkvd", "kgb"]}}}}}),
        ("allowed_groups: []", {}),
        ("size_index: 7", {}),
        ("tiny_max_cpu: 0", {}),
        ("mb_per_cpu: 2500", {"hub": {"lab": {"ladder": {"memoryPerCpu": "2500Mi"}}}}),
        (
            "lab_mem_limit: 3G\nlab_cpu_limit: '2.0'",
            {"hub": {"lab": {"sizes": {"standard": {"cpu": 2, "memory": "3Gi"}}, "defaultSize": "standard"}}},
        ),
        (
            "lab_cpu_limit: 4",
            {"hub": {"lab": {"sizes": {"standard": {"cpu": 4, "memory": "3Gi"}}, "defaultSize": "standard"}}},
        ),
        (
            "certificate_directory: tls/",
            {"nginx": {"tls": {"certificate": "tls/cert.pem", "key": "tls/key.pem"}}},
        ),
        ("session_db_url: sqlite:////home/jupyter/jupyterhub.sqlite", {}),
        ("session_db_url: mysql://u:p@h/db", {"hub": {"db": {"external": True}}}),
        (f"tls_key: {json.dumps(pem('AAAA'))}", {}),
    ],
)
def test_an_old_value_becomes_todays_form(text: str, site: dict[str, Any], tmp_path: Path) -> None:
    assert migrated(text, tmp_path).site == site


# Its log shipping.


LOGGING = {
    "shipper_name": "science cluster",
    "rabbitmq_target_host": "Rabbitmq.example.org",
    "rabbitmq_target_vhost": "panopticon",
    "rabbitmq_pan_password": "p@n/1 %25",
    "beats_cert": "logs/beats.pem",
    "beats_ca": "/etc/logs/ca.pem",
    "beats_key": "logs/beats-key.pem",
}
SHIPPED = {
    "enabled": True,
    "shipperName": "science cluster",
    "broker": {"host": "rabbitmq.example.org", "vhost": "panopticon", "caCertificate": "broker-ca.pem"},
    "tls": {
        "certificate": "logs/beats.pem",
        "caCertificate": "/etc/logs/ca.pem",
        "key": "logs/beats-key.pem",
    },
}


def test_all_seven_keys_of_logging_ship_logs_again(desk: Any) -> None:
    desk.write("old.yaml", OLD + yaml.safe_dump(LOGGING, sort_keys=False))
    result = desk.run("init", "--from", "old.yaml")
    assert result.exit_code == 0
    assert desk.read("site.yaml")["logging"] == SHIPPED
    assert desk.read("secrets.yaml")["logging"] == {"secret": {"brokerPassword": "p@n/1 %25"}}
    assert "p@n" not in (desk.folder / "site.yaml").read_text() + result.output
    assert "rabbitmq_pan_password -> logging.secret.brokerPassword (in secrets.yaml)" in result.stdout.splitlines()
    assert (
        "warning: logging.broker.caCertificate: the original sent logs without TLS, and the broker is verified now; "
        "put the authorities that signed its certificate into broker-ca.pem beside the site file"
    ) in result.stderr.splitlines()


@pytest.mark.parametrize("missing", LOGGING)
def test_without_one_of_the_seven_no_logs_are_shipped_and_it_is_named(missing: str, tmp_path: Path) -> None:
    old = {key: value for key, value in LOGGING.items() if key != missing}
    migration = migrated(yaml.safe_dump(old), tmp_path)
    assert "enabled" not in migration.site.get("logging", {})
    (warning,) = migration.warnings
    assert warning.key == "logging"
    assert "the original shipped no logs without " in warning.sentence
    assert f"{missing} (now {legacy_keys.KEYS[missing]})" in warning.sentence
    needed_today = missing in ("rabbitmq_target_host", "rabbitmq_pan_password")
    write = f"{legacy_keys.KEYS[missing]} and " if needed_today else ""
    assert warning.sentence.endswith(f"to ship them, write {write}logging.enabled: true")
    # A certificate without its key would be refused, also where no logs are shipped.
    assert len(migration.site.get("logging", {}).get("tls", {})) == (0 if missing.startswith("beats_") else 3)


def test_a_file_without_logging_says_nothing_about_it(tmp_path: Path) -> None:
    migration = migrated("certificate_directory: tls\nshipper_name: ''\nbeats_key: dummy\n", tmp_path)
    assert ("logging" in migration.site, migration.warnings) == (False, [])


@pytest.mark.parametrize(
    ("old", "site", "reason"),
    [
        ({"log_shipper_name": "a.b"}, {"shipperName": "a.b"}, ""),
        ({"JLD_SHIPPER_NAME": "a"}, {"shipperName": "a"}, ""),
        ({"shipper_name": "a/b"}, {}, "logging.shipperName is a name of letters"),
        (
            {"rabbitmq_target_host": "rabbit.example.org:5672"},
            {"broker": {"host": "rabbit.example.org"}},
            "without port 5672: logging.broker.port is the one with TLS",
        ),
        ({"rabbitmq_target_host": "10.1.2.3"}, {"broker": {"host": "10.1.2.3"}}, ""),
        ({"rabbitmq_target_host": "amqp://pan:s3cret@rabbit/x"}, {}, "looks like a secret"),
        ({"rabbitmq_target_vhost": "/"}, {"broker": {"vhost": "/"}}, ""),
        ({"rabbitmq_target_vhost": "%2flogs"}, {"broker": {"vhost": "/logs"}}, ""),
        ({"rabbitmq_target_vhost": "two words"}, {}, "logging.broker.vhost is a name without blanks"),
        ({"rabbitmq_pan_password": "two\nlines"}, {}, "what it holds (not shown) is not one line of text"),
        ({"beats_ca": "ca.pem"}, {}, "it is nothing without beats_cert and beats_key"),
        (
            {"beats_ca": "ca.pem", "beats_cert": pem("AAAA", "CERTIFICATE"), "beats_key": "key.pem"},
            {},
            "it is nothing without beats_cert; without all three `jld values` makes its own",
        ),
        ({"logstash_host": "logstashrmq"}, {}, "a logstash of your own is named in logging.external.hosts"),
        ({"rabbitmq_port": 5672}, {}, "the broker is described below logging.broker"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_an_old_key_of_logging_becomes_todays(
    old: dict[str, Any], site: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    migration = migrated(yaml.safe_dump(old), tmp_path)
    assert migration.site.get("logging", {}) == site
    assert any(reason in each.why for each in migration.keys)


def test_the_originals_folder_of_certificates_holds_those_of_logging(tmp_path: Path) -> None:
    old = {key: value for key, value in LOGGING.items() if not key.startswith("beats_")}
    migration = migrated(yaml.safe_dump(old | {"certificate_directory": "tls/"}), tmp_path)
    assert migration.site["logging"]["enabled"] is True
    assert migration.site["logging"]["tls"] == {
        "certificate": "tls/beats_cert.pem",
        "caCertificate": "tls/beats_ca.pem",
        "key": "tls/beats_key.pem",
    }
    (folder,) = [each for each in migration.keys if each.old == "certificate_directory"]
    assert set(folder.new) >= {f"logging.tls.{key}" for key in ("certificate", "caCertificate", "key")}


def test_check_answers_old_keys_of_logging_with_todays(complaints: Any) -> None:
    said = "\n".join(complaints(yaml.safe_dump({"logging": LOGGING | {"logstash_host": "logstashrmq"}})))
    for old in LOGGING:
        assert f"the original deploy tool's {old} is now {legacy_keys.KEYS[old]}" in said
    assert "the original deploy tool's logstash_host has no counterpart: the chart leads filebeat" in said
    assert "p@n" not in said


@pytest.mark.parametrize(
    "key", ["0123456789abcdef" * 2, "ab" * 32, base64.urlsafe_b64encode(b"k" * 32).decode()], ids=["raw", "hex", "base64"]
)  # fmt: skip
def test_an_old_crypto_key_stays_the_same_key(key: str, tmp_path: Path) -> None:
    from jupyterhub.crypto import CryptKeeper

    carried = migrated(f'jupyterhub_crypto_key: "{key};{"cd" * 32}"', tmp_path).secrets["hub", "secret", "cryptKeys"]
    assert CryptKeeper(keys=carried.split(";")).keys == CryptKeeper(keys=[key, "cd" * 32]).keys


def test_every_key_of_the_original_has_a_counterpart_or_a_reason() -> None:
    assert [
        key for key in ORIGINAL if not legacy_keys.current_key(key) and not legacy_keys.why_no_counterpart(key)
    ] == []
    for prefix in ("JLD_", "LSST_NB_", "LSP_NB_"):
        assert legacy_keys.legacy_name(f"{prefix}GITHUB_ORGANIZATION_WHITELIST") == "allowed_groups"


def test_every_key_that_has_a_counterpart_is_carried_over() -> None:
    carriers = {name.removeprefix("_from_") for name in dir(Migration) if name.startswith("_from_")}
    assert carriers == set(legacy_keys.KEYS)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=st.dictionaries(st.sampled_from([*ORIGINAL, "JLD_HOSTNAME", "nonsense"]), ANYTHING, max_size=6))
def test_whatever_an_old_file_holds_each_key_is_accounted_for(old: dict[str, Any], tmp_path: Path) -> None:
    migration = migrated(yaml.safe_dump(old, sort_keys=False), tmp_path)
    assert [each.old for each in migration.keys] == list(old)
    assert all(each.new or each.why for each in migration.keys)
    held = "".join(each.why for each in migration.keys)
    for secret in migration.secrets.values():
        elsewhere = sum(secret in str(value) for value in old.values()) > 1  # then a sentence may be about that one
        assert len(secret) <= 5 or elsewhere or secret not in held


def test_a_file_of_the_original_is_recognised_by_check(desk: Any) -> None:
    desk.write("old.yaml", OLD)
    result = desk.run("check", "old.yaml")
    lines = result.stderr.splitlines()
    assert lines[0] == (
        "old.yaml: error: this is a file of the original deploy tool; "
        "`jld init --from old.yaml` makes a site file of it"
    )
    assert any("the original deploy tool's zone has no counterpart: the cluster is made by" in line for line in lines)
    assert any("the original deploy tool's JLD_HOSTNAME is now global.hostname" in line for line in lines)


@pytest.mark.parametrize("text", ["[1, 2]\n", "a: [\n", "\x00"])
def test_an_old_file_that_is_none_is_a_sentence(text: str, desk: Any) -> None:
    desk.write("old.yaml", text)
    result = desk.run("init", "--from", "old.yaml")
    assert (result.exit_code, result.stderr.startswith("old.yaml:1:") or "old.yaml:2:" in result.stderr) == (1, True)
