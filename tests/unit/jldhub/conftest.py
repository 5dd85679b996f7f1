"""Settings as the chart renders them."""

from pathlib import Path
from typing import Any

import pytest
from jldhub.settings.settings import Settings

SETTINGS: dict[str, Any] = {
    "global": {"hostname": "jupyter.example.org", "port": 443},
    "hub": {
        "auth": {
            "admins": ["ada"],
            "github": {
                "clientId": "Iv1.0123456789abcdef",
                "url": "https://github.com",
                "apiUrl": "https://api.github.com",
                "organizations": {"allow": ["lsst", "lsst-sqre:friends"], "deny": ["rivals"]},
                "users": {"allow": ["guest"]},
            },
        },
        "db": {"external": False},
        "lab": {
            "sizes": {
                "tiny": {"cpu": 0.5, "memory": "1Gi"},
                "small": {"cpu": 1, "memory": "2Gi"},
                "medium": {"cpu": 2, "memory": "4Gi"},
                "large": {"cpu": 4, "memory": "8Gi"},
            },
            "defaultSize": "small",
            "sizeRange": 4,
            "startTimeout": "5m",
        },
        "culling": {"idleTimeout": "12h", "maxAge": "0s"},
    },
    "names": {
        "namespace": "science",
        "hubUrl": "http://jld-hub:8081",
        "frontDoor": ["jld-nginx-api:8001"],
        "labPod": "jld-lab",
        "labServiceAccount": "jld-lab",
        "labLabels": {
            "app.kubernetes.io/name": "jld",
            "app.kubernetes.io/instance": "jld",
            "app.kubernetes.io/component": "lab",
            "app.kubernetes.io/managed-by": "Helm",
            "helm.sh/chart": "jld-0.1.0",
        },
        "labImage": "localhost/jld/lab:0.1.0",
        "hubImage": "localhost/jld/hub:0.1.0",
        "imagePullSecrets": ["registry"],
        "volumes": {"home": {"claim": "jld-home", "mountPath": "/home", "readOnly": False}},
    },
    "secretDirectory": "/etc/jld/secret",
}


@pytest.fixture
def settings_document() -> dict[str, Any]:
    return SETTINGS


@pytest.fixture
def settings(settings_document: dict[str, Any]) -> Settings:
    return Settings.parse(settings_document)


@pytest.fixture
def secret_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "secret"
    directory.mkdir()
    for key, value in {
        "cookieSecret": "ab" * 32,
        "cryptKeys": "cd" * 32 + ";" + "ef" * 32,
        "proxyToken": "12" * 32,
        "githubClientSecret": "the client secret",
        "dummyPassword": "the password",
        "dbUrl": "postgresql://hub@db/hub",
    }.items():
        (directory / key).write_text(value)
    return directory
