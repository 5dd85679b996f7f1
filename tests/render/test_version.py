"""The version is written in one place, and a package tells its own: in the tags of our images, and in labels that the API takes."""

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jlddev.images import build
from rendering import CHART, CHECKOUT, HELMS, VERSION, Object, Question, Render, helm, render

Packing = Callable[..., Path]
PROJECTS = [CHECKOUT / "pyproject.toml", *CHECKOUT.glob("*/pyproject.toml")]
CHARTS = {path.parent.name: path for path in CHART.glob("charts/*/Chart.yaml")}
LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@pytest.fixture(scope="module", params=HELMS)
def packing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Packing:
    """`helm package` of each Helm, once for each version."""
    made: dict[tuple[str, ...], Path] = {}

    def pack(*words: str) -> Path:
        if words not in made:
            folder = tmp_path_factory.mktemp("package")
            done = helm(request.param, "package", CHART, "--destination", folder, *words)
            assert done.returncode == 0, done.stderr
            (made[words],) = folder.glob("jld-*.tgz")
        return made[words]

    pack.program = request.param  # type: ignore[attr-defined]
    return pack


@pytest.fixture
def released(packing: Packing) -> Callable[[Path], Render]:
    """What a package of one commit of 0.2.0 renders."""
    package = packing("--version", "0.2.0+g1a2b3c4", "--app-version", "0.2.0")
    return lambda site: render(Question(site, chart=package, program=packing.program))  # type: ignore[attr-defined]


def images(rendered: Render) -> dict[str, str]:
    """Every image that a site's pods, and its labs, run: by where it is said."""
    said = {
        f"{pod.name}/{container['name']}": str(container["image"])
        for pod in rendered.pods
        for container in pod.containers
    }
    names = rendered.settings()["names"]
    return said | {"lab": names["labImage"], "home": names["hubImage"]}


def labels(data: Any) -> Iterator[tuple[str, str]]:
    """The labels of an object, and of what it holds."""
    if isinstance(data, list):
        for each in data:
            yield from labels(each)
    elif isinstance(data, dict):
        for key, value in data.items():
            if key in ("labels", "matchLabels"):
                yield from value.items()
            yield from labels(value)


def selectors(rendered: Render) -> dict[tuple[str, str], Object]:
    """By what each object finds its pods, which no upgrade can change, and the labels of the pods that it makes."""
    found: dict[tuple[str, str], Object] = {}
    for each in rendered.objects:
        if each["kind"] == "ConfigMap":
            continue  # it finds no pods, and its name tells of its content
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", each).get("spec", {})
        made = spec.get("template", {}).get("metadata", {}).get("labels")
        chosen = {key: spec.get(key) for key in ("selector", "podSelector")}
        found[each["kind"], each["metadata"]["name"]] = {**chosen, "made": made}
    return found


def test_images_of_ours_have_the_version_of_the_package(site: Path, released: Callable[[Path], Render]) -> None:
    ours = re.compile(rf"(.*/(?:hub|lab-science|nginx|nfs-server)):{re.escape(VERSION)}")
    here, there = images(render(Question(site))), images(released(site))

    assert there == {place: ours.sub(r"\1:0.2.0", image) for place, image in here.items()}
    if site.stem != "everything":  # which chooses its own tags
        others = ("ipac/firefly", "docker.elastic.co/", "library/rabbitmq")
        tags = {image.rpartition(":")[2] for image in there.values() if not any(name in image for name in others)}
        assert tags == {"0.2.0"}


def test_labels_have_the_version_of_the_package_and_no_other(site: Path, released: Callable[[Path], Render]) -> None:
    rendered = released(site)
    found = list(labels(rendered.objects))

    assert [label for label in found if not LABEL.fullmatch(label[1])] == []
    assert {value for key, value in found if key == "helm.sh/chart"} == {"jld-0.2.0_g1a2b3c4"}
    running = [each for each in rendered.objects if each["kind"] in ("CronJob", "Deployment", "Job", "Pod")]
    assert [each for each in running if "helm.sh/chart" not in each["metadata"]["labels"]] == []


def test_a_version_changes_nothing_by_which_pods_are_found(site: Path, released: Callable[[Path], Render]) -> None:
    assert selectors(released(site)) == selectors(render(Question(site)))


@pytest.mark.parametrize(
    ("version", "label"),
    [
        ("1.0.0", "jld-1.0.0"),
        ("1.0.0-rc.1+build.5", "jld-1.0.0-rc.1_build.5"),
        ("1.0.0+a-", "jld-1.0.0_a"),  # a label ends in a letter or digit
        (f"1.0.0+{'a' * 90}", f"jld-1.0.0_{'a' * 53}"),  # and has 63 characters
        (f"1.0.0+{'a' * 52}-b", f"jld-1.0.0_{'a' * 52}"),  # which may end it at a hyphen
    ],
)
def test_every_version_makes_a_label_and_a_tag(
    packing: Packing, values: dict[str, Path], version: str, label: str
) -> None:
    package = packing("--version", version, "--app-version", version[:100])
    rendered = render(Question(values["nfs"], chart=package))

    assert {value for key, value in labels(rendered.objects) if key == "helm.sh/chart"} == {label}
    assert LABEL.fullmatch(label)
    tags = {image.rpartition(":")[2] for image in images(rendered).values()}
    assert tags == {version[:100].replace("+", "_")}
    assert [tag for tag in tags if not TAG.fullmatch(tag)] == []


def test_the_version_is_written_in_one_place() -> None:
    """Whoever makes a release changes one line. Helm wants a version of each part too: none of its own."""
    text = (CHART / "Chart.yaml").read_text()
    chart = yaml.safe_load(text)
    parts = {name: yaml.safe_load(path.read_text()) for name, path in CHARTS.items()}
    projects = [tomllib.loads(path.read_text())["project"] for path in PROJECTS]

    assert chart["version"] == chart["appVersion"] == VERSION
    assert text.count(VERSION) == 1
    assert {(part["name"], part["version"], part.get("appVersion")) for part in parts.values()} == {
        (name, "0.0.0", None) for name in parts
    }
    assert {(each["name"], each["version"]) for each in chart["dependencies"]} == {(name, "0.0.0") for name in parts}
    assert {project["version"] for project in projects} == {"0.0.0"}
    assert len(projects) > 4


def test_no_template_of_a_part_asks_for_a_version() -> None:
    """A part's template sees the part's version and not the chart's."""
    asking = [
        str(path)
        for path in CHART.glob("charts/*/templates/**/*")
        if path.is_file() and re.search(r"\.Chart\b|jld\.image", path.read_text())
    ]
    assert asking == []


@pytest.mark.parametrize(("version", "tag"), [("0.2.0", "0.2.0"), ("0.2.0-rc.1+g1a2b3c4", "0.2.0-rc.1_g1a2b3c4")])
def test_images_are_pushed_under_the_tag_that_the_chart_asks_for(
    version: str, tag: str, tmp_path: Path, values: dict[str, Path], monkeypatch: pytest.MonkeyPatch, packing: Packing
) -> None:
    (tmp_path / "Chart.yaml").write_text(f"appVersion: {version}\n")
    monkeypatch.setattr(build, "CHART", tmp_path / "Chart.yaml")
    rendered = render(Question(values["minimal"], chart=packing("--app-version", version)))

    assert build.chart_version() == tag
    pushed = {image.alias.replace(build.REGISTRY, "ghcr.io/my-org", 1) for image in build.chart_images()}
    assert pushed >= set(images(rendered).values())
