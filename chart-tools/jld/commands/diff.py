"""`jld diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jld.command_line.options import CHART, FORMAT
from jld.command_line.report import ExitCode, Format, outcome
from jld.command_line.terminal import styled
from jld.schema.chart import find_chart
from jld.site import yaml_writer
from jld.site.reader import load
from jld.site.tree import Node, plain
from jld.support.errors import SiteError
from jld.support.key_paths import dotted, value_at
from jld.support.masking import masked, masked_data
from jld.values.difference import Change, ChangeKind, changes, differ
from jld.values.sizes import with_computed_sizes

NEW = Annotated[Path, typer.Argument(metavar="NEW", help="A values file or a site file.")]
OLD = Annotated[Path, typer.Argument(metavar="[OLD]", help="What it is compared with.")]
STRICT = Annotated[bool, typer.Option("--exit-code", help="End with 1 when there is a difference.")]
_SIGNS = {
    ChangeKind.added: ("+", "green"),
    ChangeKind.removed: ("-", "red"),
    ChangeKind.changed: ("~", "yellow"),
    ChangeKind.same: ("=", None),
}
_LONG = 200


def diff(
    new: NEW,
    old: OLD = Path("values.yaml"),
    strict: STRICT = False,
    form: FORMAT = Format.text,
    chart: CHART = None,
) -> None:
    """Say what NEW changes, key by key, over the chart's defaults. Of a secret only whether it changed.

    Where one of the files is a site file, which holds no secrets, secrets are not compared.

    Examples:

      jld diff site.yaml                           what will `jld values site.yaml` change?

      jld diff new-values.yaml values.yaml

      jld diff values.yaml <(helm get values jld -o yaml) --exit-code
    """
    with outcome(form) as report:
        schema, defaults = find_chart(chart).schema(), find_chart(chart).defaults()
        trees = [with_computed_sizes(tree, schema, defaults) for tree in _read(old, new)]
        changed = changes(plain(trees[0]), plain(trees[1]), defaults)
        hidden = [file for file, tree in zip((old, new), trees, strict=True) if not _holds_secrets(tree)]
        if hidden:
            changed = [change for change in changed if not change.secret]
        for change in changed:
            report.line(_line(change))
        if not differ(changed):
            report.line(f"{new} changes nothing against {old}")
        if len(hidden) == 1:
            report.line(f"Secrets are not compared: {hidden[0]} holds none")
        report.fact(old=str(old), new=str(new), changes=[_as_data(change) for change in changed])
        report.fact(secretsCompared=not hidden)
        if strict and differ(changed):
            report.code = ExitCode.input_wrong


def _read(*files: Path) -> list[Node]:
    problems, trees = [], []
    for file in files:
        try:
            trees.append(load(file))
        except SiteError as error:
            problems += error.problems
    if problems:
        raise SiteError(problems)
    return trees


def _holds_secrets(tree: Node) -> bool:
    return any(value_at(plain(tree), part, "secret") for part in ("hub", "nginx", "firefly"))


def _line(change: Change) -> str:
    sign, colour = _SIGNS[change.kind]
    head = f"{styled(sign, colour)} {styled(masked(dotted(change.path)))}: "
    if change.secret:
        return f"{head}{change.kind.value} (not shown)"
    match change.kind:
        case ChangeKind.added:
            return head + _short(change.new)
        case ChangeKind.removed:
            return head + _short(change.old)
        case _:
            return f"{head}{_short(change.old)} -> {_short(change.new)}"


def _short(value: Any) -> str:
    text = yaml_writer.inline(masked_data(value)).replace("\n", "\\n")
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."


def _as_data(change: Change) -> dict[str, Any]:
    data: dict[str, Any] = {"key": masked(dotted(change.path)), "change": change.kind.value, "secret": change.secret}
    return data if change.secret else data | masked_data({"old": change.old, "new": change.new})
