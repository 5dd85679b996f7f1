"""What the chart hands to the hub's Python: the values under their own names, and the names of what was rendered."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from jld.schema.release_name import LONGEST
from jldhub.images.prepuller.settings import ImageSettings, PrepullerSettings
from jldhub.settings.settings import Settings, parse
from rendering import CHECKOUT, HELMS, SITES, VERSION, Question, refusal, render


def test_the_settings_of_a_local_trial(values: dict[str, Path]) -> None:
    settings = render(Question(values["local"])).settings()

    assert settings == {
        "global": {"hostname": "jld.localhost", "port": 8443, "hubRoute": "/", "proxy": {"https": ""}},
        "hub": {
            "auth": {
                "admins": ["alice"],
                "adminAccess": False,
                "blocked": [],
                "refresh": "30m",
                "staleness": "24h",
                "tokenLifetime": "90d",
                "numbers": {"first": 2_000_000_000, "last": 2_099_999_999},
                "dummy": {"users": ["alice", "bob"]},
            },
            "db": {"external": False, "upgrade": False},
            "lab": {
                "images": {},
                "defaultImage": "",
                "typedImages": {"groups": [], "allow": []},
                "pod": {},
                "sizes": {
                    "tiny": {"cpu": 0.5, "memory": "1Gi"},
                    "small": {"cpu": 1, "memory": "2Gi"},
                    "medium": {"cpu": 2, "memory": "4Gi"},
                    "large": {"cpu": 4, "memory": "8Gi"},
                },
                "quota": {"cpu": 0, "memory": "0"},
                "perUser": {"quota": {"cpu": 0, "memory": "0"}, "limitRange": {"cpu": 0, "memory": "0"}},
                "defaultSize": "small",
                "sizeRange": 4,
                "startTimeout": "5m",
                "git": {"push": "public"},
                "tmpSize": "10Gi",
                "provisionHomes": True,
                "notices": {},
                "repositories": [],
                "startsAtOnce": 32,
                "environment": {},
                "files": {},
                "volumes": {},
            },
            "culling": {
                "idleTimeout": "12h",
                "maxAge": "0s",
                "busyLabs": False,
                "people": {},
                "namedServers": {"remove": False},
            },
            "namedServers": {"limit": 0},
            "roles": {},
            "log": {"format": "json", "level": "INFO"},
            "traits": {},
        },
        "storage": {
            "homes": "shared",
            "perPerson": {"storageClass": "", "capacity": "10Gi", "accessMode": "ReadWriteOnce"},
        },
        "names": {
            "namespace": "science",
            "hubUrl": "http://jld-hub.science:8081",
            "frontDoor": ["jld-nginx-api:8001"],
            "withoutProxy": "localhost,127.0.0.1,::1,.svc,.cluster.local,jld.localhost,jld-hub.science",
            "labPod": "jld-lab",
            "labServiceAccount": "jld-lab",
            "labLabels": {
                "app.kubernetes.io/name": "jld",
                "app.kubernetes.io/instance": "jld",
                "app.kubernetes.io/component": "lab",
            },
            "labImage": f"localhost/jld/lab-science:{VERSION}",
            "hubImage": f"localhost/jld/hub:{VERSION}",
            "scraped": False,
            "catalogue": "jld-catalogue",
            "prepuller": "jld-prepuller",
            "imagePullSecrets": [],
            "volumes": {"home": {"claim": "jld-home", "mountPath": "/home", "readOnly": False}},
        },
        "secretDirectory": "/etc/jld/secret",
        "catalogueDirectory": "/etc/jld/catalogue",
        "trustDirectory": "/etc/jld/trust",
    }


@pytest.mark.parametrize("site", SITES)
def test_the_hubs_python_accepts_the_settings(site: str, values: dict[str, Path], tmp_path: Path) -> None:
    rendered = render(Question(values[site]))
    text = rendered.one("ConfigMap", "jld-hub-settings")["data"]["settings.yaml"]
    file = tmp_path / "settings.yaml"
    file.write_text(text)

    assert Settings.load(file).names.namespace == "science"


def test_the_hub_and_the_prepuller_mean_the_same_catalogue(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"]))
    settings = rendered.settings()
    pods = {pod.component: pod for pod in rendered.pods}
    volumes = {volume["name"]: volume for volume in pods["hub"].spec["volumes"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in pods["hub"].containers[0]["volumeMounts"]}

    # No data, which Helm would take back what the controller wrote with.
    assert set(rendered.one("ConfigMap", settings["names"]["catalogue"])) == {"apiVersion", "kind", "metadata"}
    assert volumes[mounts[settings["catalogueDirectory"]]]["configMap"] == {
        "name": settings["names"]["catalogue"],
        "optional": True,
    }
    told = rendered.one("ConfigMap", "jld-prepuller-settings")["data"]["settings.yaml"]
    assert parse(ImageSettings, yaml.safe_load(told)).names.catalogue == settings["names"]["catalogue"]


@pytest.mark.parametrize("name", ["everything", "minimal", "local"])
def test_without_a_prepuller_there_is_nothing_of_it(values: dict[str, Path], name: str) -> None:
    rendered = render(Question(values[name], ("prepuller.enabled=false",)))

    assert {"catalogue", "prepuller"} & set(rendered.settings()["names"]) == set()
    assert [each for each in rendered.objects if "prepull" in str(each["metadata"]["labels"])] == []


def test_who_pulls_nothing_gives_no_right_to_nodes_and_pods(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"], ("prepuller.nodesAtOnce=0", "global.userNamespaces=false")))

    assert len(rendered.one("Role", "jld-prepuller")["rules"]) == 1
    assert [each["metadata"]["name"] for each in rendered.of_kind("ClusterRole") if "prepuller" in str(each)] == []
    assert [each for each in rendered.of_kind("NetworkPolicy") if each["metadata"]["name"] == "jld-prepull"] == []
    assert rendered.settings()["names"]["catalogue"] == "jld-catalogue"


def test_the_prepuller_reads_its_keys_and_names(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"], ("prepuller.nodesAtOnce=25",)))
    document = yaml.safe_load(rendered.one("ConfigMap", "jld-prepuller-settings")["data"]["prepuller.yaml"])
    settings = parse(PrepullerSettings, document)

    assert settings.nodes_at_once == 25
    assert settings.names.pod == "jld-prepull"
    assert settings.names.labels == rendered.one("NetworkPolicy", "jld-prepull")["spec"]["podSelector"]["matchLabels"]
    assert rendered.one("ServiceAccount", settings.names.service_account)
    assert rendered.one("Deployment", settings.names.deployment)


def test_logins_and_authorities_of_registries_are_files_that_may_be_missing(values: dict[str, Path]) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
    changes = (
        f"global.certificateAuthorities={json.dumps(pem)}",
        'global.imagePullSecrets=["registry.login", "other"]',
    )
    rendered = render(Question(values["everything"], changes))
    (pod,) = [pod for pod in rendered.pods if pod.component == "prepuller"]
    (projected,) = [volume["projected"] for volume in pod.spec["volumes"] if volume["name"] == "registries"]

    assert rendered.one("ConfigMap", "jld-trust")["data"] == {"ca.crt": pem}
    assert [next(iter(source.values())) for source in projected["sources"]] == [
        {"name": "jld-trust", "optional": True, "items": [{"key": "ca.crt", "path": "ca.crt"}]},
        *(
            {"name": name, "optional": True, "items": [{"key": ".dockerconfigjson", "path": f"logins/{name}.json"}]}
            for name in ("registry.login", "other")
        ),
    ]


def test_the_hub_finds_the_authorities_that_it_hands_to_labs(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"]))
    (hub,) = [pod for pod in rendered.pods if pod.component == "hub"]
    (volume,) = [volume for volume in hub.spec["volumes"] if volume["name"] == "trust"]
    (mount,) = [mount for mount in hub.containers[0]["volumeMounts"] if mount["name"] == "trust"]

    assert volume["configMap"] == {"name": "jld-trust", "optional": True}
    assert mount == {"name": "trust", "mountPath": rendered.settings()["trustDirectory"], "readOnly": True}


@pytest.mark.parametrize("component", ["hub", "prepuller"])
def test_nothing_in_the_cluster_is_asked_through_the_proxy(values: dict[str, Path], component: str) -> None:
    def proxy(*changes: str) -> dict[str, str]:
        rendered = render(Question(values["everything"], changes))
        (found,) = [pod.containers[0]["env"] for pod in rendered.pods if pod.component == component]
        return {each["name"]: each["value"] for each in found if each["name"].endswith("PROXY")}

    settings = render(Question(values["everything"])).settings()
    past = settings["names"]["withoutProxy"]

    assert proxy() == {
        "HTTPS_PROXY": "http://proxy.example.org:3128",
        "NO_PROXY": f"{past},$(KUBERNETES_SERVICE_HOST)",
    }
    assert {".example.org", "127.0.0.1", ".svc", "jupyter.example.org"} <= set(past.split(","))
    assert urlsplit(settings["names"]["hubUrl"]).hostname in past.split(",")
    assert proxy('global.proxy.https=""') == {}


def test_a_null_takes_a_size_away(values: dict[str, Path]) -> None:
    sizes = render(Question(values["github"])).settings()["hub"]["lab"]["sizes"]

    assert set(sizes) == {"small", "medium", "large", "huge"}


@pytest.mark.parametrize("program", HELMS)
def test_a_null_takes_a_default_away_that_umbrella_and_part_both_hold(values: dict[str, Path], program: str) -> None:
    """Helm lets the part take it away: a default that only the umbrella's values held would come to the schema as null."""
    rendered = render(Question(values["minimal"], ("hub.lab.sizes.tiny=null",), program))

    assert set(rendered.settings()["hub"]["lab"]["sizes"]) == {"small", "medium", "large"}


def test_images_reach_the_hub_as_they_are_written(values: dict[str, Path]) -> None:
    """Above all the backslashes of expressions, which YAML reads twice on this way."""
    written = yaml.safe_load((CHECKOUT / "values" / "everything.yaml").read_text())["hub"]["lab"]
    lab = render(Question(values["everything"])).settings()["hub"]["lab"]

    for key in ("images", "defaultImage", "typedImages", "pod"):
        assert lab[key] == written[key]
    assert lab["sizes"]["gpu"] == written["sizes"]["gpu"]


def test_the_names_are_those_of_rendered_objects(site: Path) -> None:
    rendered = render(Question(site))
    names = rendered.settings()["names"]

    for url in (names["hubUrl"], *(f"http://{api}" for api in names["frontDoor"])):
        address = urlsplit(url)
        service = rendered.one("Service", str(address.hostname).removesuffix(f".{names['namespace']}"))
        assert address.port in [port["port"] for port in service["spec"]["ports"]]
    assert rendered.one("ServiceAccount", names["labServiceAccount"])["automountServiceAccountToken"] is False
    given = yaml.safe_load(site.read_text()).get("storage", {}).get("volumes", {})
    people = rendered.settings()["storage"]["homes"] == "perPerson"
    for name, volume in names["volumes"].items():
        if people and name == "home":
            assert all(
                each["metadata"]["name"] != volume["claim"] for each in rendered.of_kind("PersistentVolumeClaim")
            )
        elif not given.get(name, {}).get("existingClaim"):
            assert rendered.one("PersistentVolumeClaim", volume["claim"])


def test_the_hub_finds_what_it_copies_into_the_namespaces_of_people(values: dict[str, Path]) -> None:
    rendered = render(Question(values["external"]))
    names = rendered.settings()["names"]
    people = names["userNamespaces"]

    assert len(people["prefix"]) + len("-") + 48 <= 63  # a person's name has 48 characters at most, a namespace 63
    assert rendered.one("NetworkPolicy", people["networkPolicy"])
    assert set(people["volumes"]) == set(names["volumes"])
    assert [rendered.one("PersistentVolume", each)["kind"] for each in people["volumes"].values()] != []
    role = rendered.one("ClusterRole", people["owner"])
    copied = next(
        rule for rule in role["rules"] if rule["verbs"] == ["get"] and "persistentvolumes" in rule["resources"]
    )
    assert set(copied["resourceNames"]) == set(people["volumes"].values())


@pytest.mark.parametrize(
    ("namespace", "release"), [("jupyterhub-production", "jld"), ("a", "b"), ("jld-", "x" * LONGEST)]
)
def test_two_releases_never_make_the_same_namespace(values: dict[str, Path], namespace: str, release: str) -> None:
    def prefix(namespace: str, release: str) -> str:
        question = Question(values["external"], namespace=namespace, release=release)
        return str(render(question).settings()["names"]["userNamespaces"]["prefix"])

    assert prefix(namespace, release) != prefix(f"{namespace}2", release)
    assert prefix(namespace, release) not in ("", "-")


def test_a_claim_of_ones_own_reaches_the_labs(values: dict[str, Path]) -> None:
    rendered = render(Question(values["minimal"], ('storage.volumes.home.existingClaim="homes"',)))

    assert rendered.settings()["names"]["volumes"]["home"]["claim"] == "homes"
    assert [each["metadata"]["name"] for each in rendered.of_kind("PersistentVolumeClaim")] == ["jld-hub-db"]


@pytest.mark.parametrize("helm", HELMS)
def test_a_text_that_helm_cannot_write_takes_nothing_with_it(values: dict[str, Path], helm: str) -> None:
    """Helm's toYaml gives nothing for a whole map with a C1 control character in one of its texts, and raises no error."""
    change = 'hub.traits.KubeSpawner.environment={"A": "x\x81"}'
    assert "hub: a text in auth, roles or traits has a control character" in refusal(
        Question(values["minimal"], (change,), program=helm)
    )
