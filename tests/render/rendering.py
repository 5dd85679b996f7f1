"""Render the chart with a real helm, once for each question, and read the answer as data."""

import atexit
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import kubernetes_validate.utils  # type: ignore[import-untyped]
import yaml
from jld.cli import app
from jlddev.images.build import chart_version
from jlddev.tools import nginx
from typer.testing import CliRunner

Object = dict[str, Any]

CHECKOUT = Path(__file__).resolve().parents[2]
CHART = CHECKOUT / "chart"
VERSION = chart_version()
SITES = sorted(path.stem for path in (CHECKOUT / "values").glob("*.yaml"))
HELMS = ("helm3", "helm4")
BIN = Path(os.environ.get("JLD_CACHE") or Path.home() / ".cache" / "jld") / "bin"
OLDEST_KUBERNETES = 30
NEWEST_KUBERNETES = int(kubernetes_validate.utils.latest_version().split(".")[1])
KUBERNETES = tuple(f"1.{minor}" for minor in range(OLDEST_KUBERNETES, NEWEST_KUBERNETES + 1))
MADE_UP_SECRETS = {  # those that `jld values` cannot generate
    **dict.fromkeys(
        ("githubClientSecret", "cilogonClientSecret", "otherClientSecret"), "a-client-secret-made-up-for-tests"
    ),
    "dbUrl": "postgresql://hub:a-password-made-up-for-tests@db.example.org/hub",
}

_HUB = yaml.safe_load((CHECKOUT / "values" / "everything.yaml").read_text())["hub"]
ADDED_CONTAINERS = {each["name"] for kind in ("initContainers", "containers") for each in _HUB["pod"][kind]}
ADDED_VARIABLES = set(_HUB["environment"])
MADE_UP_PASSWORD = {"brokerPassword": "a-password-made-up-for-tests/&%"}


def chosen_components(site: Path) -> set[str]:
    """The components that a site's values ask for, beside those that every site has."""
    values = yaml.safe_load(site.read_text())
    storage = values.get("storage", {})
    placeholders = values["hub"].get("lab", {}).get("placeholders", {}).get("counts", {})
    firefly = {"firefly"} if values.get("firefly", {}).get("enabled") else set()
    served = {"file-server", "storage-hooks"} if storage.get("mode") == "nfs" else set()
    backup = {"backup"} if storage.get("backup", {}).get("claim") else set()
    prepuller = {"prepuller"} if values.get("prepuller", {}).get("enabled", True) else set()
    shipping = {"filebeat"} if values.get("logging", {}).get("enabled") else set()
    if shipping and values["logging"].get("pipeline", "logstash") != "external":
        shipping.add(values["logging"].get("pipeline", "logstash"))
    return (
        shipping
        | firefly
        | served
        | backup
        | prepuller
        | ({"keepalive"} if storage.get("keepalive", {}).get("enabled") else set())
        | {f"placeholder-{size}" for size in placeholders}
    )


@dataclass(frozen=True)
class Pod:
    """A pod of the chart, or the template of one."""

    name: str
    labels: dict[str, str]
    annotations: dict[str, str]
    spec: Object

    @property
    def component(self) -> str:
        return self.labels["app.kubernetes.io/component"]

    @property
    def containers(self) -> list[Object]:
        return [*self.spec["containers"], *self.spec.get("initContainers", [])]

    @property
    def own_containers(self) -> list[Object]:
        """The chart's, without those that the example with everything adds."""
        return [container for container in self.containers if container["name"] not in ADDED_CONTAINERS]


@dataclass(frozen=True)
class Render:
    """What helm made of one values file."""

    text: str

    @property
    def objects(self) -> list[Object]:
        return list(_objects(self.text))

    def of_kind(self, kind: str) -> list[Object]:
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str) -> Object:
        """The object of a name. A ConfigMap is found without the digest in its name, too."""
        (found,) = [each for each in self.of_kind(kind) if name in (each["metadata"]["name"], plain_name(each))]
        return found

    @property
    def pods(self) -> list[Pod]:
        return list(_pods(self.objects))

    def settings(self) -> Object:
        """The settings file as the hub's Python reads it."""
        (found,) = [each for each in self.of_kind("ConfigMap") if plain_name(each).endswith("-hub-settings")]
        return dict(yaml.load(found["data"]["settings.yaml"], Loader=_AsKubernetesReads))  # noqa: S506 (a safe one)


def plain_name(each: Object) -> str:
    """The name of an object, without the digest of its content that ConfigMaps of pods have."""
    name: str = each["metadata"]["name"]
    return re.sub(r"-[0-9a-f]{10}$", "", name) if each["kind"] == "ConfigMap" else name


class _AsKubernetesReads(yaml.CSafeLoader):
    """To PyYAML `=` without quotes is a value of a type that nobody uses."""


_AsKubernetesReads.add_constructor("tag:yaml.org,2002:value", yaml.CSafeLoader.construct_yaml_str)


@lru_cache(maxsize=64)  # of hundreds, each of which is thousands of Python's objects
def _objects(text: str) -> tuple[Object, ...]:
    return tuple(found for found in yaml.load_all(text, Loader=_AsKubernetesReads) if found)


def _pods(objects: list[Object]) -> Iterator[Pod]:
    for found in objects:
        name = found["metadata"]["name"]
        if found["kind"] == "Pod":
            template = found
        elif found["kind"] in ("Deployment", "DaemonSet", "StatefulSet", "Job"):
            template = found["spec"]["template"]
        elif found["kind"] == "CronJob":
            template = found["spec"]["jobTemplate"]["spec"]["template"]
        else:
            continue
        metadata = template["metadata"]
        yield Pod(name, metadata["labels"], metadata.get("annotations", {}), template["spec"])


def helm(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of the two helms; `make test` puts them in place."""
    return subprocess.run(
        [str(BIN / program), *map(str, arguments)],
        # A run is too short to collect garbage often, or by several threads: a fifth of its processor time.
        env={**os.environ, "KUBECONFIG": os.devnull, "GOGC": "400", "GOMAXPROCS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def lean_chart() -> Path:
    """The chart with the first line alone of each module that pods are given: they hang on no value, and are most of what Helm reads and writes."""
    folder = Path(tempfile.mkdtemp(prefix="jld-chart-"))
    atexit.register(shutil.rmtree, folder)
    chart = Path(shutil.copytree(CHART, folder / "chart", ignore=shutil.ignore_patterns("__pycache__")))
    for module in chart.glob("charts/*/files/jld*/**/*.py"):
        lines = module.read_text().splitlines(keepends=True)
        module.write_text("".join(lines[:1]))
    return chart


@dataclass(frozen=True)
class Question:
    """One call of `helm template`."""

    values: Path
    changes: tuple[str, ...] = ()  # as `--set-json`
    program: str = "helm3"
    kubernetes: str = KUBERNETES[-1]
    release: str = "jld"
    namespace: str = "science"
    chart: Path | None = None  # the lean one
    repetition: int = 0

    def arguments(self) -> list[str | Path]:
        sets = [word for change in self.changes for word in ("--set-json", change)]
        return [self.release, self.chart or lean_chart(), "--namespace", self.namespace, "--values", self.values, *sets]


@cache
def render(question: Question) -> Render:
    """The rendered chart; asked twice, rendered once."""
    done = helm(question.program, "template", "--kube-version", question.kubernetes, *question.arguments())
    assert done.returncode == 0, done.stderr
    return Render(done.stdout)


def refusal(question: Question) -> str:
    """What helm says when it refuses."""
    done = helm(question.program, "template", "--kube-version", question.kubernetes, *question.arguments())
    assert done.returncode != 0, "helm accepted what it should refuse"
    return done.stderr


def write_values(site: Path, output: Path) -> Path:
    """What an operator does: `jld values SITE --secrets FILE -o OUTPUT`."""
    given = output.with_suffix(".secrets.yaml")
    given.write_text(yaml.safe_dump({"hub": {"secret": MADE_UP_SECRETS}, "logging": {"secret": MADE_UP_PASSWORD}}))
    done = CliRunner().invoke(app, ["values", str(site), "--secrets", str(given), "-o", str(output)])
    assert done.exit_code == 0, done.output
    return output


def nginx_program() -> str | None:
    """An nginx that knows `http2 on` (1.25): the image's, which `make test` unpacks, or the one on PATH."""
    program = str(nginx.PROGRAM) if nginx.PROGRAM.exists() else shutil.which("nginx")
    if program is None:
        return None
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stderr
    version = re.search(r"nginx/(\d+)\.(\d+)", said)
    return program if version and (int(version[1]), int(version[2])) >= (1, 25) else None
