"""Names of images, as container runtimes read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.images.registry.reference import InvalidReference, Reference, Repository, parse

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "host", "path", "tag", "digest"),
    [
        ("python", "docker.io", "library/python", "", ""),
        ("python:3.13", "docker.io", "library/python", "3.13", ""),
        ("lsstsqre/sciplat-lab", "docker.io", "lsstsqre/sciplat-lab", "", ""),
        ("docker.io/lsstsqre/sciplat-lab:w_2026_21", "docker.io", "lsstsqre/sciplat-lab", "w_2026_21", ""),
        ("docker.io/python", "docker.io", "library/python", "", ""),
        ("index.docker.io/jupyter/base", "docker.io", "jupyter/base", "", ""),
        ("registry-1.docker.io/jupyter/base", "docker.io", "jupyter/base", "", ""),
        ("quay.io/jupyter/scipy-notebook:2026-11-02", "quay.io", "jupyter/scipy-notebook", "2026-11-02", ""),
        (f"quay.io/a/b@{DIGEST}", "quay.io", "a/b", "", DIGEST),
        (f"quay.io/a/b:x@{DIGEST}", "quay.io", "a/b", "x", DIGEST),
        ("registry.example.org:5000/lab:1", "registry.example.org:5000", "lab", "1", ""),
        ("Registry.Example.org/lab", "registry.example.org", "lab", "", ""),
        ("localhost/lab", "localhost", "lab", "", ""),
        ("localhost:5000/lab", "localhost:5000", "lab", "", ""),
        ("[::1]:5000/lab:1", "[::1]:5000", "lab", "1", ""),
        ("a/b/c/d__e", "docker.io", "a/b/c/d__e", "", ""),
    ],
)
def test_names(text: str, host: str, path: str, tag: str, digest: str) -> None:
    reference = parse(text)

    assert reference == Reference(Repository(host, path), tag, digest)
    assert parse(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            ":1",
            "/lab",
            "quay.io/",
            "quay.io//lab",
            "Lab",
            "quay.io/Lab",
            "a b",
            "https://quay.io/lab",
            "quay.io/lab:",
            "quay.io/lab@",
        ],
        *[
            "quay.io/lab:-x",
            "quay.io/lab@sha256:0a",
            "quay.io/lab@md5:" + "0" * 32,
            "quay.io:99999/lab",
            "quay.io:x/lab",
            "me@quay.io/lab",
        ],
        *[
            "quay.io/" + "a" * 300,
            "quay.io/lab:" + "a" * 129,
            "quay.io/../lab",
            "quay.io/a/../b",
            "quay.io/lab?x=1",
            "quay.io/lab#x",
        ],
    ],
)
def test_names_of_no_image(text: str) -> None:
    with pytest.raises(InvalidReference, match="write"):
        parse(text)


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[a-zA-Z0-9.:/@_-]{0,60}", fullmatch=True)))
def test_whatever_the_name_is_it_is_one_of_an_image_or_refused(text: str) -> None:
    try:
        reference = parse(text)
    except InvalidReference:
        return
    assert parse(str(reference)) == reference
    assert reference.repository.url("tags", "list").path == f"/v2/{reference.repository.path}/tags/list"


def test_docker_hub_has_another_name_for_its_api() -> None:
    assert (
        str(parse("python").repository.url("tags", "list"))
        == "https://registry-1.docker.io/v2/library/python/tags/list"
    )
    assert str(parse("r.example.org:5000/a").repository.url("tags")) == "https://r.example.org:5000/v2/a/tags"
