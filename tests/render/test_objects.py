"""Every object is one that the Kubernetes API takes, under a name that it takes, and the same every time."""

import json
from pathlib import Path

import pytest
import yaml
from jld.schema.release_name import LONGEST
from manifests import complaints
from rendering import CHART, HELMS, KUBERNETES, Question, helm, refusal, render


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_object_passes_the_strict_schema(site: Path, version: str) -> None:
    objects = render(Question(site)).objects

    assert len(objects) > 20
    assert complaints(objects, version) == []


def test_the_version_of_kubernetes_changes_nothing(site: Path) -> None:
    """So that what one version renders is looked at with the schemas of all."""
    oldest, newest = (render(Question(site, kubernetes=version)).text for version in (KUBERNETES[0], KUBERNETES[-1]))

    assert oldest == newest


def test_the_strict_schema_sees_a_misspelt_key(values: dict[str, Path]) -> None:
    service = json.loads(json.dumps(render(Question(values["minimal"])).one("Service", "jld-hub")))
    service["spec"]["port"] = service["spec"].pop("ports")

    assert complaints([service], KUBERNETES[0]) != []


def test_two_renders_are_the_same_bytes(site: Path) -> None:
    assert render(Question(site)).text == render(Question(site, repetition=1)).text


def test_both_helms_render_the_same_objects(site: Path) -> None:
    first, second = (render(Question(site, program=program)).objects for program in HELMS)

    assert first == second


def test_an_older_kubernetes_is_refused(values: dict[str, Path]) -> None:
    assert "1.30" in refusal(Question(values["minimal"], kubernetes="1.29.0"))


def test_names_that_look_like_something_else_stay_names(values: dict[str, Path]) -> None:
    objects = (
        'hub.metrics.scrapers=[{"namespace": "8"}]',
        'hub.secret.metricsToken="N2U3ZTdlN2U3ZTdl"',
        'storage.volumes={"true": {"mountPath": "/data"}}',
        'storage.nfs={"storageClass": "9", "provisioner": "10"}',
        'global.hostname="5"',
    )
    ingress = ('nginx.mode="ingress"', 'nginx.trustedProxies=["10.0.0.0/8"]', 'nginx.ingress={"className": "7"}')
    rendered = render(Question(values["nfs"], (*objects, *ingress)))

    assert complaints(rendered.objects, KUBERNETES[-1]) == []
    assert set(rendered.settings()["names"]["volumes"]) >= {"home", "true"}


@pytest.mark.parametrize("program", HELMS)
def test_lint_is_clean(site: Path, program: str) -> None:
    done = helm(program, "lint", "--strict", CHART, "--values", site)

    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize("program", HELMS)
def test_lint_sees_a_mistake(values: dict[str, Path], program: str) -> None:
    done = helm(program, "lint", CHART, "--values", values["minimal"], "--set", "hub.culling.idleTimeout=12hours")

    assert done.returncode == 1
    assert "/hub/culling/idleTimeout" in done.stdout


@pytest.mark.parametrize("program", HELMS)
def test_helm_shows_every_value_with_what_it_means(program: str) -> None:
    shown = helm(program, "show", "values", CHART).stdout

    assert shown.strip() == (CHART / "values.yaml").read_text().strip()


def test_names_of_a_long_release_fit(values: dict[str, Path]) -> None:
    objects = render(Question(values["local"], release="r" * 40, namespace="n" * 63)).objects

    # These belong to the whole cluster, so that their names hold the namespace, or hold a digest. Kubernetes takes as many.
    limits = dict.fromkeys((*CLUSTER_WIDE, "ConfigMap"), 253)
    long = [
        each["metadata"]["name"] for each in objects if len(each["metadata"]["name"]) > limits.get(each["kind"], 63)
    ]
    assert long == []


def test_labels_of_the_longest_release_fit(values: dict[str, Path]) -> None:
    objects = render(Question(values["local"], release="r" * LONGEST)).objects

    assert complaints(objects, KUBERNETES[-1]) == []
    assert [value for each in objects for value in each["metadata"]["labels"].values() if len(value) > 63] == []
    # Names of Services and of pods' host names become DNS labels.
    assert [name for each in objects if each["kind"] == "Service" if len(name := each["metadata"]["name"]) > 63] == []


CLUSTER_WIDE = ("PersistentVolume", "ClusterRole", "ClusterRoleBinding", "PriorityClass")


@pytest.mark.parametrize("site", ["local", "external"])
def test_two_releases_share_no_object(values: dict[str, Path], site: str) -> None:
    def names(question: Question) -> set[tuple[str, str, str]]:
        return {
            (each["kind"], "" if each["kind"] in CLUSTER_WIDE else question.namespace, each["metadata"]["name"])
            for each in render(question).objects
        }

    here = names(Question(values[site], release="jld", namespace="one"))

    assert not here & names(Question(values[site], release="other", namespace="one"))
    assert not here & names(Question(values[site], release="jld", namespace="two"))


@pytest.mark.parametrize("site", ["local", "external", "nfs"])
def test_two_releases_share_no_cluster_wide_name_however_their_own_names_are_put_together(
    values: dict[str, Path], site: str
) -> None:
    """`prod-jld` in `jld` and `jld` in `jld-prod` say the same when they are joined with a hyphen."""

    def names(release: str, namespace: str) -> set[tuple[str, str]]:
        question = Question(values[site], release=release, namespace=namespace)
        objects = [each for each in render(question).objects if each["kind"] in CLUSTER_WIDE]
        found = {(each["kind"], each["metadata"]["name"]) for each in objects}
        assert found
        return found

    assert not names("prod-jld", "jld") & names("jld", "jld-prod")


def test_nothing_but_volumes_rights_and_what_a_hook_has_while_it_runs_is_cluster_wide(site: Path) -> None:
    cluster_wide = {*CLUSTER_WIDE, "Namespace", "StorageClass", "CustomResourceDefinition"} - {"PersistentVolume"}
    found = [each for each in render(Question(site)).objects if each["kind"] in cluster_wide]
    lasting = {each["kind"] for each in found if "helm.sh/hook" not in each["metadata"].get("annotations", {})}

    # A class is made only where a site says of what: `storage.nfs.provisioner`. Namespaces of people are the whole cluster's, and nodes.
    text = site.read_text()
    assert lasting == (
        {"ClusterRole", "ClusterRoleBinding"}
        | ({"StorageClass"} if "provisioner" in text else set())
        | ({"PriorityClass"} if "placeholders:\n    counts: {}" not in text and "placeholders:" in text else set())
        | ({"Namespace"} if "purge: remove" in text else set())  # which holds nothing that has to last
    )
    without = [each["kind"] for each in render(Question(site, ("prepuller.enabled=false",))).objects]
    assert ("ClusterRole" in {*without} - {each["kind"] for each in found if "helm.sh/hook" in str(each)}) is (
        "userNamespaces: true" in text or "podLabels: true" in text
    )


def test_kubectl_apply_takes_every_object(site: Path) -> None:
    """Without `--server-side` it writes the whole object into an annotation, and the API server takes no more than 256 KiB of them."""
    large = {
        f"{each['kind']} {each['metadata']['name']}": len(json.dumps(each, ensure_ascii=False).encode())
        for each in render(Question(site, chart=CHART)).objects
    }
    assert {name: size for name, size in large.items() if size > 250 * 1024} == {}


def test_every_object_is_labelled(site: Path) -> None:
    wanted = {
        "app.kubernetes.io/name": "jld",
        "app.kubernetes.io/instance": "jld",
        "app.kubernetes.io/managed-by": "Helm",
    }
    unlabelled = [
        (each["kind"], each["metadata"]["name"])
        for each in render(Question(site)).objects
        if not wanted.items() <= each["metadata"]["labels"].items()
    ]

    assert unlabelled == []


def test_every_service_and_policy_finds_its_pods(site: Path) -> None:
    rendered = render(Question(site))
    labels = [pod.labels for pod in rendered.pods] + [rendered.settings()["names"]["labLabels"]]
    prepuller = yaml.safe_load(rendered.one("ConfigMap", "jld-prepuller-settings")["data"]["prepuller.yaml"])
    labels.append(prepuller["names"]["labels"])
    for issuer in rendered.of_kind("Issuer"):  # cert-manager makes the pod
        solvers = issuer["spec"]["acme"]["solvers"]
        labels += [each["http01"]["ingress"]["podTemplate"]["metadata"]["labels"] for each in solvers]
    selectors = [each["spec"]["selector"] for each in rendered.of_kind("Service")]
    selectors += [each["spec"]["podSelector"].get("matchLabels", {}) for each in rendered.of_kind("NetworkPolicy")]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in rendered.of_kind("Deployment")]

    assert [selector for selector in selectors if not any(selector.items() <= each.items() for each in labels)] == []


def test_every_volume_mount_and_service_port_leads_somewhere(site: Path) -> None:
    rendered = render(Question(site))
    existing = {
        "jupyter-tls",
        "firefly-admin",
        "datasets",
        "archives",
        "jld-certificate",
        "directory-ca",
    }  # of the site's own, and cert-manager's
    there = {(each["kind"], each["metadata"]["name"]) for each in rendered.objects}
    for pod in rendered.pods:
        volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
        assert {mount["name"] for each in pod.containers for mount in each.get("volumeMounts", [])} == set(volumes)
        for volume in volumes.values():
            if "configMap" in volume and not volume["configMap"].get("optional"):
                name = volume["configMap"]["name"]
                assert ("ConfigMap", name) in there or name in existing
            if "secret" in volume and volume["secret"]["secretName"] not in existing:
                assert ("Secret", volume["secret"]["secretName"]) in there
            if "persistentVolumeClaim" in volume:
                name = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", name) in there or name in existing
    ports = {
        (pod.component, port["name"])
        for pod in rendered.pods
        for each in pod.containers
        for port in each.get("ports", [])
    }
    for service in rendered.of_kind("Service"):
        component = service["spec"]["selector"]["app.kubernetes.io/component"]
        assert component == "proof" or {(component, port["targetPort"]) for port in service["spec"]["ports"]} <= ports
