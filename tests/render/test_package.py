"""What is packaged is what lies in the checkout: the hub's Python reaches the cluster byte for byte."""

import json
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from jld.schema.chart import Chart
from rendering import CHART, CHECKOUT, HELMS, Question, helm, render

EXTENSIONS = CHECKOUT / "hub-extensions"
LINKED = ("charts/hub/files/", "charts/logging/files/jldlogging/", "charts/storage/files/")
CONFIG_MAP_LIMIT = 1024 * 1024


def sources() -> dict[str, bytes]:
    """Every file that the hub needs, by its path below hub-extensions."""
    files = [
        *(path for path in EXTENSIONS.glob("jldhub/**/*") if path.suffix != ".pyc"),
        *EXTENSIONS.glob("jupyterhub_config.d/*"),
        EXTENSIONS / "jupyterhub_config.py",
    ]
    return {str(file.relative_to(EXTENSIONS)): file.read_bytes() for file in files if file.is_file()}


@pytest.fixture(scope="module", params=HELMS)
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    done = helm(request.param, "package", CHART, "--destination", folder)
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("jld-*.tgz")
    return archive


def files(package: Path, below: str) -> dict[str, bytes]:
    """What a package holds in a folder."""
    with tarfile.open(package) as archive:
        return {
            member.name.removeprefix(below): file.read()
            for member in archive.getmembers()
            if member.name.startswith(below) and (file := archive.extractfile(member))
        }


def test_the_package_holds_the_hubs_python(package: Path) -> None:

    assert files(package, "jld/charts/hub/files/") == sources()


def test_the_package_holds_the_storages_python(package: Path) -> None:
    folder = CHECKOUT / "storage-extensions" / "jldstorage"

    expected = {str(path.relative_to(folder.parent)): path.read_bytes() for path in folder.rglob("*.py")}
    assert files(package, "jld/charts/storage/files/") == expected | {
        "init_home.py": (EXTENSIONS / "jldhub" / "labs" / "init_home.py").read_bytes()
    }


def test_the_package_holds_nothing_else_from_the_checkout(package: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "chart"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    expected = {line.removeprefix("chart/") for line in tracked.stdout.splitlines()}
    with tarfile.open(package) as archive:
        names = {name.removeprefix("jld/") for name in archive.getnames()}

    assert {name for name in names if not name.startswith(LINKED)} <= expected
    assert not [name for name in names if name.endswith(("values.schema.yaml", "values.global.yaml"))]


def test_the_package_renders_as_the_checkout_does(package: Path, values: dict[str, Path]) -> None:
    checkout = render(Question(values["minimal"], chart=CHART))
    assert render(Question(values["minimal"], chart=package)).text == checkout.text


def test_the_package_is_linted_and_shows_its_values_as_the_checkout_does(
    package: Path, values: dict[str, Path]
) -> None:
    for program in HELMS:
        assert helm(program, "lint", "--strict", package, "--values", values["nfs"]).returncode == 0
        assert helm(program, "show", "values", package).stdout == helm(program, "show", "values", CHART).stdout


def test_the_tool_checks_a_site_with_an_unpacked_package_as_with_the_checkout(package: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "--extract", "--file", package, "--directory", tmp_path], check=True)
    unpacked = Chart(tmp_path / "jld")

    assert (unpacked.defaults(), unpacked.schema()) == (Chart(CHART).defaults(), Chart(CHART).schema())


def test_the_hub_gets_its_python_byte_for_byte(site: Path) -> None:
    rendered = render(Question(site, chart=CHART))
    (hub,) = [pod for pod in rendered.pods if pod.component == "hub"]
    volumes = {volume["name"]: volume for volume in hub.spec["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in hub.containers[0]["volumeMounts"]}
    seen: dict[str, bytes] = {}
    for name in ("python", "config"):
        for source in volumes[name].get("projected", {}).get("sources") or [volumes[name]]:
            data = rendered.one("ConfigMap", source["configMap"]["name"])["data"]
            assert sorted(item["key"] for item in source["configMap"]["items"]) == sorted(data)
            found = {f"{mounts[name]}/{item['path']}": data[item["key"]] for item in source["configMap"]["items"]}
            assert seen.keys().isdisjoint(found)
            seen |= {path: text.encode() for path, text in found.items()}
    extra = yaml.safe_load(site.read_text())["hub"].get("extraConfig", {})
    expected = {f"jupyterhub_config.d/{name}": text.encode() for name, text in extra.items()}
    places = {
        "jldhub": "/etc/jld/python",
        "jupyterhub_config.d": "/etc/jld/config",
        "jupyterhub_config.py": "/etc/jld/config",
    }

    assert seen == {f"{places[path.split('/')[0]]}/{path}": text for path, text in (sources() | expected).items()}


def test_a_sites_file_replaces_ours_of_the_same_name(values: dict[str, Path]) -> None:
    text = "# replaces JLD's own file\n"
    change = f"hub.extraConfig={json.dumps({'40-culling.py': text})}"
    data = render(Question(values["minimal"], (change,))).one("ConfigMap", "jld-hub-config")["data"]

    assert data["40-culling.py"] == text
    assert "10-hub.py" in data


def test_every_config_map_has_room_left(site: Path) -> None:
    """Half of what Kubernetes takes, so that a part can grow before it has to be split."""
    left = {
        each["metadata"]["name"]: CONFIG_MAP_LIMIT // 2
        - sum(len(text.encode()) for text in each.get("data", {}).values())
        for each in render(Question(site, chart=CHART)).of_kind("ConfigMap")
    }

    assert {name: f"{-room} bytes too many" for name, room in left.items() if room < 0} == {}


def test_helpers_are_few_and_all_are_ours_and_used() -> None:
    texts = [path.read_text() for path in CHART.rglob("templates/**/*") if path.is_file()]
    texts += [path.read_text() for path in CHART.rglob("files/*.y*ml")]  # which templates fill in
    helpers = [line.split('"')[1] for text in texts for line in text.splitlines() if "define " in line]

    assert len(helpers) <= 14
    assert [name for name in helpers if not name.startswith("jld.")] == []
    assert [name for name in helpers if not any(f'include "{name}"' in text for text in texts)] == []
