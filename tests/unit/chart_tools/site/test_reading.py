"""Site files that are damaged, hostile, or written in ways that YAML reads differently than people do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jld.site.reader import MAX_BYTES, load
from jld.site.tree import plain
from jld.support.errors import SiteError
from jld.values.values_file import render_values

ABSURD = "more than 40 levels deep or 20000 values long; this is not a site file"
BOMB = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
HOSTILE: dict[str, tuple[str | bytes, list[str]]] = {
    "binary": (b"global: \xff\xfe\x00", ["s.yaml:1:9: not UTF-8 text; save the file as UTF-8"]),
    "a control character": (
        "a: b\nc: \x07\n",
        ["s.yaml:2:4: a character that YAML does not allow; save the file as plain text"],
    ),
    "too large": (b"#" * (MAX_BYTES + 1), ["s.yaml: larger than 1024 KiB; this is not a site file"]),
    "deep": ("[" * 5000, [f"s.yaml:1:41: {ABSURD}"]),
    "deep maps": ("{a: " * 5000, [f"s.yaml:1:158: {ABSURD}"]),
    "a bomb of aliases": (BOMB, [f"s.yaml:1:26: a4[0][6][8][8][8]: {ABSURD}"]),
    "an alias of itself": (
        "a: &a [*a]\n",
        ["s.yaml:1:4: a[0]: an alias stands inside what it names; write the value out"],
    ),
    "an unknown alias": (
        "a: *secret\n",
        [
            "s.yaml:1:4: an unquoted `*` or `&` starts an alias that is not there or not finished; put the text in quotes"
        ],
    ),
    "a tag": (
        "a: !secret b\n",
        ["s.yaml:1:4: a: an unquoted `!` starts a tag, which is not accepted; remove it, or put the text in quotes"],
    ),
    "a tab": ("a:\n\tb: 1\n", ["s.yaml:2:1: a tab; YAML is indented with spaces only"]),
    "keys twice": (
        "a: 1\nb: {c: 1, c: 2}\na: 2\n",
        [
            "s.yaml:2:11: b.c: written twice, first on line 2; keep one of the two",
            "s.yaml:3:1: a: written twice, first on line 1; keep one of the two",
        ],
    ),
    "two documents": (
        "a: 1\n---\nb: 1\n",
        ["s.yaml:3:1: a second document starts here, and Helm would ignore it; keep one, without `---` between"],
    ),
    "a merge key": (
        "a: &a {b: 1}\nc: {<<: *a}\n",
        ["s.yaml:2:5: c: the merge key `<<` is not accepted; write the keys out, or use a second site file"],
    ),
    "a key that is a number": ("1: a\n", ["s.yaml:1:1: YAML does not read this key as text; put it in quotes"]),
    "a key that is a map": (
        "{a: b}: c\n",
        ["s.yaml:1:1: a key that is not a plain name; put text that starts with { or [ in quotes"],
    ),
    "a list": ("- a\n", ["s.yaml:1:1: there are no keys here; write keys and values, like `global:`"]),
    "half a character": (
        'a: "\\ud800"\n"\\udc00": 1\n',
        [
            "s.yaml:1:4: a: an escape that stands for half a character; write the character itself",
            "s.yaml:2:1: an escape that stands for half a character; write the character itself",
        ],
    ),
    "infinity": ("a: .inf\n", ["s.yaml:1:4: a: this is not a finite number; write another number, or text in quotes"]),
    "a colon in text": (
        "a: b: c\n",
        [
            "s.yaml:1:5: a second `key:` on one line, or indentation that fits nothing above; "
            "put text that holds `: ` in quotes"
        ],
    ),
}


@pytest.mark.parametrize(("content", "sentences"), HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_read_is_a_sentence(
    content: str | bytes, sentences: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("s.yaml")
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SiteError) as caught:
        load(file)
    assert list(map(str, caught.value.problems)) == sentences


def test_a_missing_file_and_a_folder_are_sentences(tmp_path: Path) -> None:
    for file, sentence in (
        (tmp_path / "none.yaml", "there is no such file; check its name"),
        (tmp_path, "this is a folder; name the file in it"),
    ):
        with pytest.raises(SiteError) as caught:
            load(file)
        assert str(caught.value) == f"{file}: {sentence}"


def test_an_empty_file_and_one_of_comments_are_empty_sites(tmp_path: Path) -> None:
    for text in ("", "\n", "# nothing yet\n", "---\n"):
        (tmp_path / "s.yaml").write_text(text)
        assert plain(load(tmp_path / "s.yaml")) == {}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", True),
        ("off", False),
        ("~", None),
        ("0x1F", 31),
        ("017", 15),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("1234e5", 123400000.0),
        (".5", 0.5),
        ("1.10", 1.1),
        ("1.2.3", "1.2.3"),
        ("12:30:45", "12:30:45"),
        ("2026-11-22", "2026-11-22"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("org:team", "org:team"),
    ],
)
def test_unquoted_scalars_mean_what_helm_reads(written: str, value: object, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(f"a: {written}\n")
    read = plain(load(tmp_path / "s.yaml"))["a"]
    assert (read, type(read)) == (value, type(value))


def test_anchors_and_aliases_are_written_out(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("a: &x {b: [1]}\nc: *x\n")
    assert plain(load(tmp_path / "s.yaml")) == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_nothing_of_a_secrets_file_is_repeated(github_desk: Any) -> None:
    for content in (
        "hunter2",
        "hub: {secret: {githubClientSecret: !hunter2}}",
        "hub: {secret: {githubClientSecret: *hunter2}}",
        "hub: {secret: {githubClientSecret: [hunter2]}}",
        "hub: {secret: {githubClientSecret: 'hunter2 hunter2'}}",
        "hub: {secret: {githubClientSecret: hunter2: hunter2}}",
        "hub: {secret: hunter2}",
        "hub: hunter2",
    ):
        github_desk.write("secrets.yaml", content)
        result = github_desk.run("values", "site.yaml", "--secrets", "secrets.yaml")
        assert result.exit_code == 1
        assert "hunter2" not in result.output
        assert isinstance(result.exception, SystemExit)


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
WORDS = st.sampled_from(
    ["yes", "1e3", "0o17", "1.10", "null", "2026-01-01", "12:30", "=", "<<", "*a", "a\nb\n", " a ", "y"]
)
DATA = st.recursive(
    SCALARS | TEXTS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | WORDS, inner, max_size=3),
)


@given(st.dictionaries(TEXTS | WORDS, DATA, max_size=4))
def test_what_is_written_is_read_back_the_same(data: dict[str, Any]) -> None:
    content = render_values(data)
    assert yaml.safe_load(content) == data


@example({"\n\x85": "a\n\x85b", "c": "\n\u2028"})
@given(st.dictionaries(TEXTS | WORDS, DATA, max_size=4))
def test_the_tool_reads_its_own_writing(tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]) -> None:
    file = tmp_path_factory.getbasetemp() / "written.yaml"
    file.write_bytes(render_values(data))
    assert plain(load(file)) == data
