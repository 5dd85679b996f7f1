"""A release's name of which objects could not be made is refused before anything is, and every other makes names that the API takes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jld.schema.release_name import LONGEST, refusal
from rendering import CHART, HELMS, SITES, Question, Render, helm, render

DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")  # as Services have it; the others may begin with a digit
DNS_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
# What the API takes as names of Services, and what becomes a label or the host name of a pod: `batch.kubernetes.io/job-name`, a Deployment's pods.
MADE_LABELS = {"Service", "Job", "Deployment", "StatefulSet", "DaemonSet", "Pod"}
LONGEST_PERSON = "x" * 48  # KubeSpawner shortens what follows `names.labPod` to that

GOOD = ["jld", "a", "jld-2", "a--b", "x9", "r" * LONGEST]
BAD = ["1jld", "my.rel", "r" * 53, "r" * (LONGEST + 1), "0", "a.b", "9-9", f"{'r' * 30}.{'r' * 10}"]
# Helm itself refuses these; the tool, which asks no Helm, does so too.
REFUSED_BY_HELM = ["jld-", "-jld", "JLD", "jld_2", "my rel", ".jld", "r" * 54, "é"]


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_is_refused_with_a_sentence(values: dict[str, Path], name: str, program: str) -> None:
    done = helm(program, "template", *Question(values["minimal"], release=name).arguments())

    assert (done.returncode, done.stdout) == (1, "")
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert "(jld/templates/release-name.yaml:" in error
    assert error.endswith(f": the release's name: {refusal(name)}")


@pytest.mark.parametrize("name", [*BAD, *REFUSED_BY_HELM, "", "jld\n"])
def test_the_tool_refuses_a_bad_name_with_the_same_sentence(name: str) -> None:
    assert f"so write at most {LONGEST} lower case letters, digits and -, a letter first, like jld" in refusal(name)


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_is_accepted(values: dict[str, Path], name: str, program: str) -> None:
    assert refusal(name) == ""
    assert render(Question(values["minimal"], release=name, program=program)).objects != []


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("name", REFUSED_BY_HELM)
def test_helm_refuses_what_the_chart_need_not(values: dict[str, Path], name: str, program: str) -> None:
    done = helm(program, "template", "--namespace=science", "--values", values["minimal"], "--", name, CHART)

    assert done.returncode == 1
    assert "release name" in done.stderr


def test_the_longest_name_is_what_the_longest_object_leaves(values: dict[str, Path]) -> None:
    """Whoever adds an object with a longer name lowers the limit: here, in the template, and in what both say."""
    suffixes = {
        each["metadata"]["name"].removeprefix("jld")
        for site in SITES
        for each in render(Question(values[site])).objects
        if each["kind"] in MADE_LABELS
    }

    assert LONGEST + max(map(len, suffixes)) == 63


def bad_names(rendered: Render) -> Iterator[str]:
    """Names and labels that the API refuses, or that fit nowhere where it needs them."""
    for each in rendered.objects:
        name = each["metadata"]["name"]
        if each["kind"] in MADE_LABELS and not DNS_LABEL.fullmatch(name):
            yield f"{each['kind']} {name}"
        if not DNS_NAME.fullmatch(name) or len(name) > 253:
            yield f"{each['kind']} {name}"
        yield from (value for value in each["metadata"]["labels"].values() if not LABEL_VALUE.fullmatch(value))
    names = rendered.settings()["names"]
    lab = f"{names['labPod']}-{LONGEST_PERSON}"  # its Secret has the same name
    if not DNS_NAME.fullmatch(lab) or len(lab) > 253:
        yield lab
    yield from (value for value in names["labLabels"].values() if not LABEL_VALUE.fullmatch(value))
    if people := names.get("userNamespaces"):
        namespace = f"{people['prefix']}-{LONGEST_PERSON}"
        if len(namespace) > 63 or not DNS_NAME.fullmatch(namespace) or "." in namespace:
            yield namespace
        yield from (name for name in people["volumes"].values() if not DNS_NAME.fullmatch(name) or len(name) > 200)


@pytest.mark.parametrize("program", HELMS)
def test_the_longest_name_makes_names_that_are_valid(site: Path, program: str) -> None:
    longest = Question(site, release="r" * LONGEST, namespace="n" * 63, program=program)

    assert list(bad_names(render(longest))) == []


def test_a_name_that_does_not_fit_would_be_seen(values: dict[str, Path]) -> None:
    text = render(Question(values["nfs"], release="r" * LONGEST)).text

    assert list(bad_names(Render(text.replace("r" * LONGEST, "r" * (LONGEST + 1))))) != []
    assert list(bad_names(Render(text.replace("r" * LONGEST, "my.rel")))) != []
    assert list(bad_names(Render(text.replace("r" * LONGEST, "1jld")))) != []


NAMES = st.one_of(
    st.from_regex(r"[a-z][a-z0-9-]{0,52}", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{0,53}", fullmatch=True),
    st.text(st.sampled_from("ab1-"), min_size=LONGEST - 1, max_size=LONGEST + 1),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, site=st.sampled_from(["nfs", "external", "firefly", "local"]), program=st.sampled_from(HELMS))
def test_what_is_accepted_makes_names_that_are_valid_and_the_rest_is_refused(
    values: dict[str, Path], name: str, site: str, program: str
) -> None:
    question = Question(values[site], release=name, namespace="n" * 63, program=program)
    if refusal(name):
        # As an argument that cannot be an option, which Helm would have taken for one.
        done = helm(program, "template", "--namespace=science", "--values", values[site], "--", name, CHART)
        assert (done.returncode, done.stdout) == (1, "")
    else:
        assert list(bad_names(render(question))) == []
