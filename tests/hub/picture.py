"""Draws a dashboard's panels with what Prometheus says: a stand-in for Grafana in the documentation."""

import math
from collections.abc import Callable
from html import escape
from typing import Any

from .watched import Prometheus

WIDTH, HEIGHT, LEFT = 300, 110, 34
COLOURS = ("#3b7dd8", "#d9822b", "#3a9d5d", "#c0392b", "#8e5bb5", "#6b7a89", "#c9a227")
STYLE = """
body{margin:0;padding:14px;background:#f4f5f7;font:12px sans-serif;color:#24292f;width:1252px}
h1{font-size:16px;margin:0 0 10px}main{display:grid;grid-template-columns:repeat(4,1fr);gap:10px}
section{background:#fff;border:1px solid #d8dce1;border-radius:4px;padding:8px;min-width:0}
h2{font-size:12px;margin:0 0 4px}p{margin:2px 0 0;font-size:10px;line-height:1.4}i{font-style:normal}
"""
Series = tuple[str, list[tuple[float, float]]]


def page(
    prometheus: Prometheus,
    panels: list[dict[str, Any]],
    queries_of: Callable[[dict[str, Any]], dict[str, str]],
    begin: float,
    end: float,
) -> str:
    """One of HTML, of queries with their legends. Left out is what no query of it finds here."""
    parts = []
    for panel in panels:
        found: list[Series] = []
        for query, legend in queries_of(panel).items():
            told = prometheus.ask("query_range", query=query, start=begin, end=end, step=1)["result"]
            found += [(_named(legend, each["metric"]), _points(each["values"])) for each in told]
        if found:
            parts.append(f"<section><h2>{escape(panel['title'])}</h2>{_drawn(found, begin, end)}</section>")
    return f"<meta charset=utf-8><style>{STYLE}</style><h1>JLD</h1><main>{''.join(parts)}</main>"


def _named(legend: str, labels: dict[str, str]) -> str:
    for name, value in labels.items():
        legend = legend.replace(f"{{{{{name}}}}}", value)
    return legend


def _points(values: list[tuple[float, str]]) -> list[tuple[float, float]]:
    return [(moment, float(text)) for moment, text in values if math.isfinite(float(text))]


def _drawn(found: list[Series], begin: float, end: float) -> str:
    top = max((value for _, points in found for _, value in points), default=0) or 1
    lines, names = [], []
    for number, (name, points) in enumerate(found):
        colour = COLOURS[number % len(COLOURS)]
        places = " ".join(
            f"{LEFT + (moment - begin) / (end - begin) * (WIDTH - LEFT):.1f},{HEIGHT - 4 - value / top * (HEIGHT - 14):.1f}"
            for moment, value in points
        )
        lines.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        names.append(f'<i style="color:{colour}">■</i> {escape(name)}')
    axis = f'<path d="M{LEFT} 6V{HEIGHT - 4}H{WIDTH}" fill="none" stroke="#b8bfc7"/>'
    labels = f'<text x="0" y="14" font-size="10">{top:.3g}</text><text x="0" y="{HEIGHT - 4}" font-size="10">0</text>'
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="100%">{axis}{labels}{"".join(lines)}</svg>'
    return f"{svg}<p>{' &nbsp;'.join(names)}</p>"
