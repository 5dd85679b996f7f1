"""Claims and volumes hold on to each other and outlive the release."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from manifests import complaints
from rendering import CHART, CHECKOUT, KUBERNETES, Object, Question, refusal, render


def spec(values: Path, *changes: str) -> Object:
    return dict(render(Question(values, changes)).one("PersistentVolumeClaim", "jld-home")["spec"])


def test_whatever_holds_data_is_kept(site: Path) -> None:
    rendered = render(Question(site))
    holders = rendered.of_kind("PersistentVolumeClaim") + rendered.of_kind("PersistentVolume")

    assert holders
    assert [each for each in holders if each["metadata"]["annotations"].get("helm.sh/resource-policy") != "keep"] == []


def test_a_folder_of_the_node_is_pinned_to_its_claim(values: dict[str, Path]) -> None:
    rendered = render(Question(values["local"]))
    (volume,) = rendered.of_kind("PersistentVolume")

    assert volume["metadata"]["name"] == "science.jld-home"
    assert volume["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "capacity": {"storage": "10Gi"},
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": "science",
            "name": "jld-home",
        },
        "hostPath": {"path": "/var/lib/jld/home", "type": "DirectoryOrCreate"},
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
    }
    assert spec(values["local"]) == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Mi"}},
        "storageClassName": "",
        "volumeName": "science.jld-home",
    }


def test_a_claim_asks_for_its_class(values: dict[str, Path]) -> None:
    assert spec(values["github"]) == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "2Ti"}},
        "storageClassName": "shared",
    }


def test_an_empty_class_is_the_clusters_default(values: dict[str, Path]) -> None:
    # storageClassName: "" would mean "no class at all", and wait for ever.
    claim = spec(values["github"], 'storage.claim.storageClass=""', 'storage.claim.accessMode="ReadWriteOnce"')

    assert claim == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Ti"}}}


def test_a_database_of_ones_own_needs_no_claim(values: dict[str, Path]) -> None:
    rendered = render(Question(values["minimal"], ("hub.db.external=true", 'hub.secret.dbUrl="c3FsaXRlOi8v"')))
    (hub,) = [pod for pod in rendered.pods if pod.component == "hub"]
    (state,) = [volume for volume in hub.spec["volumes"] if volume["name"] == "state"]

    assert "emptyDir" in state
    assert [each["metadata"]["name"] for each in rendered.of_kind("PersistentVolumeClaim")] == ["jld-home"]


def volumes(values: Path, *changes: str) -> dict[str, Object]:
    found = render(Question(values, changes)).of_kind("PersistentVolume")
    return {each["metadata"]["name"]: each["spec"] for each in found}


def test_a_file_server_that_exists_is_mounted_by_name_or_address(values: dict[str, Path]) -> None:
    sources = {name: (spec["nfs"], spec["mountOptions"]) for name, spec in volumes(values["external"]).items()}

    options = ["nfsvers=4.2", "hard", "noatime"]
    assert sources == {
        "science.jld-home": ({"server": "nfs.example.org", "path": "/export/jupyter/home"}, options),
        "science.jld-datasets": ({"server": "archive.example.org", "path": "/export/public"}, options),
    }


@pytest.mark.parametrize(("site", "mode"), [("everything", "nfs"), ("external", "external")])
def test_a_volume_is_mounted_with_its_own_options_too(values: dict[str, Path], site: str, mode: str) -> None:
    own = 'storage.volumes.home.mountOptions=["noexec"]'
    options = {name: spec["mountOptions"] for name, spec in volumes(values[site], own).items()}
    of_the_mode = (
        yaml.safe_load(values[site].read_text())["storage"]
        .get(mode, {})
        .get("mountOptions", ["nfsvers=4.2", "hard", "noatime"])
    )

    assert options.pop("science.jld-home") == [*of_the_mode, "noexec"]
    if site == "everything":
        assert options.pop("science.jld-software") == [*of_the_mode, "nocto", "actimeo=600"]
    assert {tuple(each) for each in options.values()} == {tuple(of_the_mode)}


def test_nfs_3_locks_on_its_own_machine(values: dict[str, Path]) -> None:
    change = 'storage.external.mountOptions=["nfsvers=3", "local_lock=all"]'

    assert volumes(values["external"], change)["science.jld-home"]["mountOptions"] == ["nfsvers=3", "local_lock=all"]


def test_with_a_fixed_address_there_is_no_hook_that_makes_volumes(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"]))

    assert rendered.one("Service", "jld-file-server")["spec"]["clusterIP"] == "10.96.12.34"
    assert {name: spec["nfs"]["server"] for name, spec in volumes(values["everything"]).items()} == {
        "science.jld-home": "10.96.12.34",
        "science.jld-scratch": "10.96.12.34",
        "science.jld-software": "10.96.12.34",
    }
    assert [job["metadata"]["name"] for job in rendered.of_kind("Job")] == ["jld-storage-drain"]


def test_the_hook_is_told_the_volumes_that_are_claimed(values: dict[str, Path]) -> None:
    rendered = render(Question(values["nfs"]))
    (told,) = [each for each in rendered.of_kind("ConfigMap") if "address.py" in each.get("data", {})]
    settings = yaml.safe_load(told["data"]["settings.yaml"])

    assert rendered.of_kind("PersistentVolume") == []
    claimed = {volume["spec"]["claimRef"]["name"]: volume["metadata"]["name"] for volume in settings["volumes"]}
    for claim, volume in claimed.items():
        assert rendered.one("PersistentVolumeClaim", claim)["spec"]["volumeName"] == volume
    assert {volume["spec"]["capacity"]["storage"] for volume in settings["volumes"]} == {"475Gi"}
    service = rendered.one("Service", "jld-file-server")
    assert service == settings["service"]


def test_the_hook_may_touch_its_own_volumes_and_no_others(values: dict[str, Path]) -> None:
    rendered = render(Question(values["nfs"]))
    role = rendered.one("ClusterRole", "science.jld-storage-address")

    create, rest = role["rules"]
    assert create == {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": ["create"]}
    assert rest["resourceNames"] == ["science.jld-home", "science.jld-scratch", "science.jld-software"]
    assert role["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"


def test_the_file_server_is_told_what_it_offers(values: dict[str, Path]) -> None:
    rendered = render(Question(values["nfs"]))

    assert yaml.safe_load(rendered.one("ConfigMap", "jld-file-server")["data"]["nfs.yaml"]) == {
        "exports": {
            "home": {"mode": "0755", "readOnly": False},
            "scratch": {"mode": "1777", "readOnly": False},
            "software": {"mode": "0755", "readOnly": False},  # labs cannot write it; whoever fills it can
        },
        "clients": ["10.128.0.0/20"],
        "gracePeriod": 6,
        "leaseLifetime": 6,
    }


def disk(values: Path, *changes: str) -> list[str]:
    """How the file server's disk may be mounted."""
    claim = render(Question(values, changes)).one("PersistentVolumeClaim", "jld-file-server")
    return list(claim["spec"]["accessModes"])


def test_the_disk_is_for_one_node_and_by_value_for_one_pod(values: dict[str, Path]) -> None:
    assert disk(values["nfs"]) == ["ReadWriteOnce"]
    assert disk(values["everything"]) == ["ReadWriteOncePod"]


@pytest.mark.parametrize("mode", ["ReadWriteMany", "ReadOnlyMany", "", "readwriteonce"])
def test_the_disk_is_never_for_many(values: dict[str, Path], mode: str) -> None:
    said = refusal(Question(values["nfs"], (f'storage.nfs.accessMode="{mode}"',)))

    assert "accessMode" in said


def test_labs_see_the_volumes_where_the_site_says(values: dict[str, Path]) -> None:
    assert render(Question(values["everything"])).settings()["names"]["volumes"] == {
        "datasets": {"claim": "datasets", "mountPath": "/datasets", "readOnly": True},
        "home": {"claim": "jld-home", "mountPath": "/home", "readOnly": False},
        "scratch": {"claim": "jld-scratch", "mountPath": "/scratch", "readOnly": False},
        "software": {"claim": "jld-software", "mountPath": "/software", "readOnly": True},
    }


def test_every_hook_ends(values: dict[str, Path]) -> None:
    jobs = render(Question(values["nfs"])).of_kind("Job")

    assert sorted(job["metadata"]["name"] for job in jobs) == ["jld-storage-address", "jld-storage-drain"]
    assert {job["spec"]["activeDeadlineSeconds"] for job in jobs} == {300}


def backup(values: Path, *changes: str) -> Object:
    return dict(render(Question(values, changes)).one("CronJob", "jld-backup")["spec"])


def backup_pod(values: Path, *changes: str) -> Object:
    return dict(backup(values, *changes)["jobTemplate"]["spec"]["template"]["spec"])


def test_without_a_claim_for_archives_there_is_no_backup(values: dict[str, Path]) -> None:
    rendered = render(Question(values["minimal"]))

    assert rendered.of_kind("CronJob") == []
    assert [each for each in rendered.objects if each["metadata"]["name"] == "jld-backup"] == []


def test_a_backup_runs_when_the_site_says_or_when_somebody_asks(values: dict[str, Path]) -> None:
    spoken = ("schedule", "suspend", "timeZone", "concurrencyPolicy")
    scheduled = backup(values["everything"])
    asked = backup(values["minimal"], 'storage.backup.claim="archives"')

    assert [scheduled[each] for each in spoken] == ["30 1 * * *", False, "Etc/UTC", "Forbid"]
    assert [asked[each] for each in spoken] == ["0 2 * * *", True, "Etc/UTC", "Forbid"]
    assert scheduled["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 48 * 3600


def test_a_backup_can_write_nothing_but_archives(values: dict[str, Path]) -> None:
    pod = backup_pod(values["everything"])
    claims = {each["name"]: each.get("persistentVolumeClaim", {}).get("claimName") for each in pod["volumes"]}
    mounts = {each["mountPath"]: each for each in pod["containers"][0]["volumeMounts"]}

    assert {path: claims[each["name"]] for path, each in mounts.items() if not each.get("readOnly")} == {
        "/archives": "archives"
    }
    assert mounts["/archives"]["subPath"] == "jld"  # two releases may have one claim
    assert {path: claims[each["name"]] for path, each in mounts.items() if path.startswith("/volumes")} == {
        "/volumes/home": "jld-home",
        "/volumes/software": "jld-software",
    }
    assert pod["containers"][0]["args"] == ["--keep=14", "home", "software"]


def test_a_volume_on_a_claim_of_the_sites_own_is_backed_up_from_there(values: dict[str, Path]) -> None:
    pod = backup_pod(values["everything"], 'storage.backup.volumes=["datasets"]')

    assert {"name": "volume-datasets", "persistentVolumeClaim": {"claimName": "datasets"}} in pod["volumes"]


def test_the_hubs_database_is_backed_up_on_the_hubs_node(values: dict[str, Path]) -> None:
    rendered = render(Question(values["nfs"]))
    pod = backup_pod(values["nfs"])
    (term,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (hub,) = [each for each in rendered.pods if each.component == "hub"]

    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"].items() <= hub.labels.items()
    assert "--database=/hub/jupyterhub.sqlite" in pod["containers"][0]["args"]
    claim = {"name": "database", "persistentVolumeClaim": {"claimName": "jld-hub-db"}}
    assert claim in pod["volumes"]
    assert rendered.one("PersistentVolumeClaim", "jld-hub-db")["spec"]["accessModes"] == ["ReadWriteOnce"]


@pytest.mark.parametrize("change", ["storage.backup.hubDatabase=false", "hub.db.external=true"])
def test_a_backup_without_the_database_runs_on_any_node(values: dict[str, Path], change: str) -> None:
    pod = backup_pod(values["nfs"], change, 'hub.secret.dbUrl="c3FsaXRlOi8v"')

    assert "affinity" not in pod
    assert pod["containers"][0]["args"] == ["--keep=7", "home"]


def test_the_backup_has_its_program_and_an_uninstall_ends_it(values: dict[str, Path]) -> None:
    rendered = render(Question(values["nfs"], chart=CHART))
    (told,) = [each for each in rendered.of_kind("ConfigMap") if "address.py" in each.get("data", {})]

    folder = CHECKOUT / "storage-extensions" / "jldstorage" / "backup"
    program = {name: text.rstrip() for name, text in rendered.one("ConfigMap", "jld-backup")["data"].items()}
    assert program == {path.name: path.read_text().rstrip() for path in folder.glob("*.py")}
    selector = yaml.safe_load(told["data"]["settings.yaml"])["mountSelector"]
    assert "component in (lab, keepalive, firefly, backup)" in selector


def test_an_uninstall_stops_every_deployment_that_mounts_a_volume(values: dict[str, Path]) -> None:
    """And scales it first, for it would make its pods anew."""
    changes = ('storage.mode="nfs"', "storage.keepalive.enabled=true", 'firefly.volumes=["home"]')
    rendered = render(Question(values["firefly"], changes))
    (told,) = [each for each in rendered.of_kind("ConfigMap") if "address.py" in each.get("data", {})]
    settings = yaml.safe_load(told["data"]["settings.yaml"])
    claims = {each["spec"]["claimRef"]["name"] for each in settings["volumes"]}
    mounting = {
        each["metadata"]["name"]: each["metadata"]["labels"]["app.kubernetes.io/component"]
        for each in rendered.of_kind("Deployment")
        for volume in each["spec"]["template"]["spec"]["volumes"]
        if volume.get("persistentVolumeClaim", {}).get("claimName") in claims
    }
    stopped = re.search(r"component in \((.*)\)", settings["mountSelector"])
    (role,) = [each for each in rendered.of_kind("Role") if each["metadata"]["name"] == "jld-storage-drain"]

    assert set(mounting) == {"jld-keepalive", "jld-firefly"}
    assert stopped
    assert set(mounting.values()) <= set(stopped[1].split(", "))
    assert set(mounting) <= set(settings["deployments"])
    assert settings["deployments"] in [rule.get("resourceNames") for rule in role["rules"]]


def test_what_could_not_be_stopped_is_kept_where_the_hook_may_write(values: dict[str, Path]) -> None:
    rendered = render(Question(values["nfs"]))
    (told,) = [each for each in rendered.of_kind("ConfigMap") if "address.py" in each.get("data", {})]
    report = yaml.safe_load(told["data"]["settings.yaml"])["report"]
    (role,) = [each for each in rendered.of_kind("Role") if each["metadata"]["name"] == "jld-storage-drain"]

    assert (report["kind"], report["metadata"]["name"]) == ("ConfigMap", "jld-drain-report")
    assert "annotations" not in report["metadata"]  # no hook's and no release's, so that nobody deletes it
    assert ["jld-drain-report"] in [rule.get("resourceNames") for rule in role["rules"]]


PAGE = (CHECKOUT / "docs" / "storage.md").read_text()
RECIPES = re.findall(r"^(sed .*) \| kubectl create", PAGE, re.MULTILINE)


def filled_in(command: str) -> Object:
    """The Job that a command of the documentation makes of a recipe."""
    words = ["bash", "-c", f"image=registry.example.org/hub:1; {command}"]
    return dict(yaml.safe_load(subprocess.run(words, cwd=CHECKOUT, capture_output=True, check=True).stdout))


@pytest.mark.parametrize("command", RECIPES)
def test_a_recipe_is_filled_in_and_names_what_the_chart_makes(values: dict[str, Path], command: str) -> None:
    rendered = render(Question(values["nfs"]))
    job = filled_in(command)
    pod = job["spec"]["template"]["spec"]
    backing_up = backup_pod(values["nfs"])

    assert complaints([{**job, "metadata": {"name": "x"}}], KUBERNETES[-1]) == []
    assert not re.search("PERSON|IMAGE", str(job))
    chosen = rendered.one("NetworkPolicy", "jld-backup")["spec"]["podSelector"]["matchLabels"]
    assert chosen.items() <= job["spec"]["template"]["metadata"]["labels"].items()
    sources = [
        {str(value) for each in one["volumes"] for value in each.values() if isinstance(value, dict)}
        for one in (pod, backing_up)
    ]
    assert sources[0] <= sources[1]
    mounted = {each["mountPath"]: each for each in backing_up["containers"][0]["volumeMounts"]}
    shared = [each for each in pod["containers"][0]["volumeMounts"] if each["name"] in ("archives", "python")]
    assert [(each["readOnly"], each.get("subPath")) for each in shared] == [
        (True, mounted[each["mountPath"]].get("subPath")) for each in shared
    ]


def test_the_recipes_restore_one_home_all_homes_and_the_hub() -> None:
    containers = [filled_in(command)["spec"]["template"]["spec"]["containers"][0] for command in RECIPES]

    assert [each["args"] for each in containers] == [["latest", "ada"], ["latest"], ["latest"]]
    assert [each["volumeMounts"][0] for each in containers] == [
        {"name": "homes", "mountPath": "/homes/ada", "subPath": "ada"},
        {"name": "homes", "mountPath": "/homes/"},
        {"name": "database", "mountPath": "/hub"},
    ]
