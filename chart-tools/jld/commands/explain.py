"""`jld explain`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jld.command_line.options import CHART, FORMAT
from jld.command_line.report import Format, Report, outcome
from jld.command_line.terminal import styled
from jld.explain.keys import Key, describe_key, parse_key, suggestions
from jld.schema import legacy_keys
from jld.schema.chart import find_chart
from jld.schema.z2jh.table import messages
from jld.site import yaml_writer
from jld.support.errors import Problem, SiteError
from jld.support.key_paths import JsonMap, KeyPath

NAME = Annotated[str, typer.Argument(metavar="[KEY]", help="A key as the tool writes it. Left out: the top.")]


def explain(key: NAME = "", form: FORMAT = Format.text, chart: CHART = None) -> None:
    """Say what a key of a site file means: its type, its default, what it accepts, and an example.

    Examples:

      jld explain                            what is there?

      jld explain hub.culling                the keys of a section

      jld explain hub.culling.idleTimeout    one key

      jld explain hub.lab.sizes.huge         what an entry of your own may hold
    """
    with outcome(form) as report:
        schema = find_chart(chart).schema()
        described = describe_key(schema, parse_key(key))
        if described is None or (key and not described.path):
            raise SiteError([_unknown(schema, key)])
        _print(report, schema, described)


def _unknown(schema: JsonMap, key: str) -> Problem:
    today = legacy_keys.current_key(key)
    if today:
        sentence = f"there is no such key; the original deploy tool's {key} is now {today}"
        return Problem(None, key, sentence, suggestion=today)
    for _, _, sentence, now in messages(None, parse_key(key)):
        return Problem(None, key, sentence, suggestion=now)
    close = suggestions(schema, key)
    if close:
        return Problem(None, key, f"there is no such key; did you mean {' or '.join(close[:3])}?", suggestion=close[0])
    return Problem(None, key, "there is no such key; `jld explain` lists what there is")


def _print(report: Report, schema: JsonMap, key: Key) -> None:
    below = [child for name in key.keys if (child := describe_key(schema, (*key.path, name)))]
    report.fact(key=key.name or None, description=key.description, type=key.type, accepted=key.accepted or None)
    report.fact(rule=key.rule or None, since=key.since, keys={child.path[-1]: child.description for child in below})
    report.fact(**({"default": key.default} if key.has_default else {}), example=key.example)
    if key.name:
        report.line(styled(key.name))
    report.line(key.description)
    rows = [] if below else [("type", key.type)]
    rows += [("default", yaml_writer.inline(key.default))] if key.has_default else []
    rows += [("accepted", key.accepted)] if key.accepted else []
    rows += [("rule", key.rule)] if key.rule else []
    rows += [("left out", "nothing is set")] if not key.has_default and not below else []
    rows += [("since", key.since)] if key.name else []
    report.line("")
    _table(report, rows)
    if rows and below:
        report.line("")
    _table(report, [(str(child.path[-1]), child.description) for child in below])
    if key.example is not None:
        report.line("\nExample:\n")
        report.line(yaml_writer.block(_nested(key.path, key.example)).rstrip("\n"))


def _table(report: Report, rows: list[tuple[str, str]]) -> None:
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        report.line(f"  {styled(name)}{' ' * (width - len(name))}  {text}")


def _nested(path: KeyPath, value: Any) -> Any:
    """`value` where a site file has it."""
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return value
