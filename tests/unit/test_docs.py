"""What the documentation names is there: files, headings, targets, commands, keys, and sites that can be installed."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
import yaml
from jld.cli import app as jld
from jld.schema.chart import Chart
from jld.schema.validation import key_paths, key_rule
from jlddev.cli import app as jlddev
from typer.testing import CliRunner

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
SCHEMA = Chart(CHECKOUT / "chart").schema()
KEYS = set(key_paths(SCHEMA))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
FOLDERS = "chart|chart-tools|hub-extensions|storage-extensions|dev-tools|images|values|tests|docs"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GITHUB_SECRET = "a-client-secret-made-up-for-tests"


def fenced(text: str) -> list[tuple[str, str]]:
    """The fenced blocks: language and content."""
    return FENCE.findall(text)


def spans(text: str) -> list[str]:
    """What stands in backticks inside a line."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def commands(text: str) -> Iterator[list[str]]:
    """Every command of blocks and spans as its words, without variables in front and comments behind."""
    blocks = [line for language, block in fenced(text) if language != "yaml" for line in block.splitlines()]
    for line in [*blocks, *spans(text)]:
        for part in re.split(r"&&|;|\|", re.sub(r"\s#.*", "", line)):
            words = re.findall(r"(?:\"[^\"]*\"|\S)+", part)  # quotes hold a word together
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words.pop(0)
            if words:
                yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def headings(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path, text: str) -> Iterator[str]:
    for target, anchor in re.findall(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)", FENCE.sub("", text)):
        file = (page.parent / target) if target else page
        if re.match(r"[a-z]+:", target):
            continue
        if not file.exists():
            yield target
        elif anchor and anchor not in headings(file):
            yield f"{target}#{anchor}"


def missing_files(page: Path, text: str) -> Iterator[str]:
    for span in spans(text):
        if re.fullmatch(rf"({FOLDERS})/[\w./*-]*", span) and not any(CHECKOUT.glob(span.rstrip("/"))):
            yield span


def missing_targets(page: Path, text: str) -> Iterator[str]:
    for name, *words in commands(text):
        if name == "make":
            yield from (word for word in words if "=" not in word and word not in TARGETS)


def missing_commands(page: Path, text: str) -> Iterator[str]:
    tools = {"jld": typer.main.get_group(jld), "jlddev": typer.main.get_group(jlddev)}
    for name, *words in commands(text):
        if name not in tools or not words:
            continue
        command = tools[name].commands.get(words[0])
        options = {option for each in command.params for option in each.opts} if command else set()
        if command is None:
            yield f"{name} {words[0]}"
        else:
            yield from (f"{name} {words[0]} {word}" for word in words if word[0] == "-" and word not in options)


def missing_keys(page: Path, text: str) -> Iterator[str]:
    for span in spans(text):
        if not re.fullmatch(r"(global|hub|storage|nginx)(\.\w+)+(: .+)?", span):
            continue
        path = tuple(span.partition(":")[0].split("."))
        if (
            path not in KEYS
            and not key_rule(SCHEMA, path)
            and not isinstance(key_rule(SCHEMA, path[:-1]).get("additionalProperties"), dict)
        ):
            yield span


CHECKS = (broken_links, missing_files, missing_targets, missing_commands, missing_keys)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_the_documentation_names_is_there(check: Callable[[Path, str], Iterator[str]], page: Path) -> None:
    assert list(check(page, page.read_text())) == []


@pytest.mark.parametrize(
    ("check", "text", "found"),
    [
        (broken_links, "[a](docs/nothing.md), [b](https://example.org), [c](docs/user.md)", "docs/nothing.md"),
        (broken_links, "[a](docs/user.md#nowhere)", "docs/user.md#nowhere"),
        (missing_files, "`tests/nothing.py` and `tests/unit`", "tests/nothing.py"),
        (missing_targets, "```\nA=b make up rubbish SITE=x # make nothing\n```\n", "rubbish"),
        (missing_commands, "`.venv/bin/jld rubbish`, `jld check site.yaml`, `helm test jld --logs`", "jld rubbish"),
        (missing_commands, "`jld values site.yaml --rubbish x`", "jld values --rubbish"),
        (missing_keys, "`hub.auth.gitlab`, `hub.auth.github`, `nginx.tls.selfSigned: true`", "hub.auth.gitlab"),
    ],
)
def test_a_slip_is_found(check: Callable[[Path, str], Iterator[str]], text: str, found: str) -> None:
    assert list(check(CHECKOUT / "README.md", text)) == [found]


def test_the_image_in_the_documentation_is_the_one_that_tests_run() -> None:
    page = (CHECKOUT / "docs" / "own-image.md").read_text()
    (example,) = [block for language, block in fenced(page) if language == "dockerfile"]
    run = (CHECKOUT / "tests" / "images" / "on-lab" / "Dockerfile").read_text()
    assert example == run.replace("ARG BASE\nFROM ${BASE}\n", "FROM registry.example.org/jld/lab:VERSION\n")


def site_blocks() -> Iterator[tuple[str, str]]:
    """Every YAML block with the keys of a site file, and the page it stands on."""
    for page in PAGES:
        for language, block in fenced(page.read_text()):
            if language == "yaml" and set(yaml.safe_load(block)) <= set(SCHEMA["properties"]):
                yield page.name, block


@pytest.mark.parametrize(("page", "block"), list(site_blocks()))
def test_a_site_in_the_documentation_is_good(page: str, block: str, tmp_path: Path) -> None:
    """A whole site by itself; a part of one over values/minimal.yaml; secrets as a file that `--secrets` names."""
    written = tmp_path / "written.yaml"
    written.write_text(block)
    keys = yaml.safe_load(block)
    site = yaml.safe_load((CHECKOUT / "values" / "minimal.yaml").read_text())
    if "tls" in keys.get("nginx", {}):
        del site["nginx"]  # a site has one certificate
    minimal = str(tmp_path / "minimal.yaml")
    Path(minimal).write_text(yaml.safe_dump(site))
    if set(keys.get("hub", {})) == {"secret"}:
        words = [minimal, "--secrets", str(written)]
    else:
        words = [*([] if "hostname" in keys.get("global", {}) else [minimal]), str(written)]
        if keys.get("hub", {}).get("db", {}).get("external"):
            (tmp_path / "secrets.yaml").write_text("hub: {secret: {dbUrl: postgresql://db.example.org/jld}}")
            words += ["--secrets", str(tmp_path / "secrets.yaml")]
    environment = {f"JLD_{way}_CLIENT_SECRET": GITHUB_SECRET for way in ("GITHUB", "CILOGON", "OTHER")}
    chart = str(CHECKOUT / "chart")
    output = str(tmp_path / "values.yaml")
    result = CliRunner().invoke(jld, ["check", *words, "--chart", chart, "--output", output], env=environment)
    assert (result.exit_code, result.stderr) == (0, "")
