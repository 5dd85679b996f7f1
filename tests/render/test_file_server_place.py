"""Where the file server runs, what may end it, and before whom it is served."""

from pathlib import Path

import pytest
from rendering import Object, Question, render

LABS = {
    "app.kubernetes.io/name": "jld",
    "app.kubernetes.io/instance": "jld",
    "app.kubernetes.io/component": "lab",
}


def template(values: Path, *changes: str) -> Object:
    return dict(render(Question(values, changes)).one("Deployment", "jld-file-server")["spec"]["template"])


def test_the_server_is_put_where_the_site_says(values: dict[str, Path]) -> None:
    pod = template(values["everything"])["spec"]

    assert pod["priorityClassName"] == "system-cluster-critical"
    assert pod["nodeSelector"] == {"pool": "platform"}  # of global.pod, as the next but one
    assert pod["tolerations"] == [
        {"key": "services", "operator": "Equal", "value": "yes", "effect": "NoExecute", "tolerationSeconds": 60}
    ]
    assert labels_kept_away(pod) == [{"app": "noisy"}]


def test_by_itself_it_goes_anywhere_but_rather_not_to_labs(values: dict[str, Path]) -> None:
    pod = template(values["nfs"])["spec"]

    assert not {"priorityClassName", "nodeSelector", "tolerations"} & set(pod)
    assert set(pod["affinity"]) == {"podAntiAffinity"}
    # A must would keep it from starting when its node is lost and labs are on all others.
    assert set(pod["affinity"]["podAntiAffinity"]) == {"preferredDuringSchedulingIgnoredDuringExecution"}


def test_a_sites_own_affinity_holds_besides(values: dict[str, Path]) -> None:
    pod = template(values["everything"], "storage.nfs.awayFromLabs=true")["spec"]

    assert labels_kept_away(pod) == [LABS, {"app": "noisy"}]
    assert "nodeAffinity" in pod["affinity"]


def labels_kept_away(pod: Object) -> list[dict[str, str]]:
    wishes = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    return [wish["podAffinityTerm"]["labelSelector"]["matchLabels"] for wish in wishes]


@pytest.mark.parametrize("apart", [False, True])
def test_what_it_keeps_away_from_are_the_labs_wherever_they_are(values: dict[str, Path], apart: bool) -> None:
    question = Question(values["nfs"], (f"global.userNamespaces={str(apart).lower()}",))
    (wish,) = template(question.values, *question.changes)["spec"]["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    term = wish["podAffinityTerm"]
    names = render(question).settings()["names"]

    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"] == names["labLabels"] == LABS
    assert ("namespaceSelector" in term) is apart
    if apart:
        assert term["namespaceSelector"]["matchLabels"].items() <= names["userNamespaces"]["labels"].items()


def test_autoscalers_leave_it_where_it_is_unless_the_site_says_otherwise(values: dict[str, Path]) -> None:
    kept = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}
    own = template(values["everything"])["metadata"]["annotations"]

    assert kept.items() <= template(values["nfs"])["metadata"]["annotations"].items()
    of_all = {"linkerd.io/inject"}
    assert set(own) - of_all == {"cluster-autoscaler.kubernetes.io/safe-to-evict", "example.org/owner"}


def test_a_drain_evicts_it_unless_the_site_says_otherwise(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"]))
    budget = rendered.one("PodDisruptionBudget", "jld-file-server")["spec"]
    labels = template(values["everything"])["metadata"]["labels"]

    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (0, "AlwaysAllow")
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    others = [
        render(Question(values["nfs"])),
        render(Question(values["minimal"], ("storage.nfs.podDisruptionBudget=true",))),
    ]
    named = [each["metadata"]["name"] for other in others for each in other.of_kind("PodDisruptionBudget")]
    assert "jld-file-server" not in named
