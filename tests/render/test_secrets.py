"""What is secret stands in Secrets and nowhere else."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.schema.chart import Chart
from rendering import CHART, Question, helm, render


def secrets(values: Path) -> Iterator[tuple[str, str]]:
    """Every secret of a values file, as it stands there and as it reads, with its key."""
    parts: dict[str, Any] = yaml.safe_load(values.read_text())
    public = {"certificate", "caCertificate"}
    for part in parts.values():
        of_services = part.get("secret", {}).get("services", {})
        for key, encoded in (part.get("secret", {}) | of_services).items():
            if key not in public and key != "services":
                yield key, encoded
                yield key, base64.b64decode(encoded).decode().strip()


def test_secrets_stand_in_secrets_alone(site: Path) -> None:
    everywhere = [each for each in render(Question(site)).objects if each["kind"] != "Secret"]
    text = yaml.safe_dump_all(everywhere, width=10**9)

    assert len(dict(secrets(site))) >= 3
    assert [key for key, secret in secrets(site) if secret in text] == []


def test_the_notes_say_how_to_go_on_and_tell_no_secret(site: Path) -> None:
    # Helm 3 wants a cluster even to pretend.
    done = helm("helm4", "install", "--dry-run=client", "--hide-secret", *Question(site).arguments())
    assert done.returncode == 0, done.stderr
    _, _, notes = done.stdout.partition("NOTES:")
    address = render(Question(site)).settings()["global"]["hostname"]

    assert f"https://{address}" in notes
    assert "helm --namespace science test jld" in notes
    assert [key for key, secret in secrets(site) if secret in notes] == []


CALLBACK = "https://jupyter.example.org/nb/hub/oauth_callback"
LOGINS: dict[str, tuple[dict[str, Any], str]] = {
    "github": ({"clientId": "Iv1.8a61", "organizations": {"allow": ["my-org"]}}, "the OAuth app Iv1.8a61"),
    "cilogon": (
        {"clientId": "cilogon:/client_id/1a", "identityProviders": {"urn:a": {"allowAll": True}}},
        "CILogon for the client cilogon:/client_id/1a",
    ),
    "other": (
        {"class": "generic-oauth", "clientId": "jld", "allowAll": True},
        "the login provider for the client jld",
    ),
    "dummy": ({"users": ["alice"]}, ""),
}


def test_every_way_to_log_in_has_its_notes() -> None:
    auth = Chart(CHART).schema()["properties"]["hub"]["properties"]["auth"]
    assert {way for each in auth["oneOf"] for way in each["required"]} == set(LOGINS)


@pytest.mark.parametrize("way", LOGINS)
def test_the_notes_tell_the_callback_to_those_who_have_to_register_one(
    values: dict[str, Path], tmp_path: Path, way: str
) -> None:
    settings, where = LOGINS[way]
    site: dict[str, Any] = yaml.safe_load(values["minimal"].read_text())
    site["global"]["hubRoute"] = "/nb/"
    site["hub"]["auth"] = {way: settings}
    site["hub"]["secret"]["dummyPassword" if way == "dummy" else f"{way}ClientSecret"] = "YWJj"
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(site))
    done = helm(
        "helm4", "install", "--dry-run=client", "--hide-secret", *Question(tmp_path / "values.yaml").arguments()
    )
    assert done.returncode == 0, done.stderr
    _, _, notes = done.stdout.partition("NOTES:")

    told = [line.split() for line in notes.splitlines() if "oauth_callback" in line]
    assert told == ([["OAuth", "callback", CALLBACK, *f"(enter it in {where})".split()]] if where else [])
    assert ("Log in as" in notes) is (way == "dummy")


def test_a_secret_of_ones_own_replaces_the_charts(values: dict[str, Path]) -> None:
    rendered = render(
        Question(
            values["minimal"],
            ('hub.existingSecret="mine"', "hub.secret={}", 'nginx.routes.existingSecret="mine-too"'),
        )
    )
    mounted = {
        pod.component: volume["secret"]
        for pod in rendered.pods
        for volume in pod.spec["volumes"]
        if volume["name"] in ("secret", "routes")
    }

    assert rendered.of_kind("Secret") == []
    assert {name: secret["secretName"] for name, secret in mounted.items()} == {"hub": "mine", "nginx": "mine-too"}


def test_the_front_door_sees_the_token_of_its_routes_and_no_other_secret_of_the_hub(site: Path) -> None:
    (nginx,) = [pod for pod in render(Question(site)).pods if pod.component == "nginx"]
    secrets = {each["name"]: each["secret"] for each in nginx.spec["volumes"] if "secret" in each}

    assert set(secrets) == {"routes", "tls"}
    assert secrets["routes"] == {
        "secretName": "jld-hub",
        "defaultMode": 0o440,
        "items": [{"key": "proxyToken", "path": "proxyToken"}],
    }
    assert [each["name"] for each in nginx.containers[0]["env"]] == ["WORKERS"]


def test_the_key_of_the_certificate_reaches_nginx_alone(site: Path) -> None:
    holders = {
        pod.component
        for pod in render(Question(site)).pods
        for volume in pod.spec.get("volumes", [])
        for item in volume.get("secret", {}).get("items", [])
        if item["key"] == "tls.key"
    }

    assert holders == {"nginx"}


def test_the_token_of_a_service_is_a_key_of_the_hubs_secret(values: dict[str, Path]) -> None:
    written = yaml.safe_load(values["everything"].read_text())["hub"]["secret"]["services"]
    (secret,) = [
        each
        for each in render(Question(values["everything"])).of_kind("Secret")
        if each["metadata"]["name"] == "jld-hub"
    ]

    assert set(written) == {"announcement", "user-list"}
    assert {key: value for key, value in secret["data"].items() if key.startswith("service")} == {
        f"service.{name}": token for name, token in written.items()
    }
