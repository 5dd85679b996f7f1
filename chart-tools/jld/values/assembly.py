"""From site files to the values that the chart is installed with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any

from jld.rules import between_keys
from jld.schema import slips, unchosen, validation
from jld.schema.chart import Chart
from jld.site import encrypted
from jld.site.reader import load
from jld.site.tree import Node, find, merge, plain
from jld.support.errors import Problem, SiteError
from jld.support.key_paths import JsonMap, value_at
from jld.values.database import complete_database_ports
from jld.values.draft import Draft
from jld.values.log_shipping import complete_log_shipping
from jld.values.misplaced import legacy_file, unknown_keys_of_secrets_file
from jld.values.pem import rewrite_authorities
from jld.values.site_secrets import (
    collect_hub_secrets,
    complete_firefly_password,
    complete_hub_secrets,
    complete_service_tokens,
)
from jld.values.sizes import with_computed_sizes
from jld.values.storage import complete_storage
from jld.values.tls import complete_certificate


@dataclass(frozen=True)
class Sources:
    """Where values and secrets come from. A later one wins: previous output, site, environment, secrets file."""

    sites: Sequence[Path]
    secrets_file: Path | None = None
    previous: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    free_cluster_ip: Callable[[], str] | None = None  # asks the cluster; None where nothing may be asked
    identity: Path | None = None  # opens a secrets file that is encrypted


@dataclass(frozen=True)
class Assembled:
    """The values of a site that is right, and complete."""

    data: JsonMap  # what is written: the site's own keys and the secrets
    effective: JsonMap  # the same over the chart's defaults
    warnings: Sequence[Problem]
    generated: Sequence[str]  # key paths of the secrets that were generated now


def assemble(sources: Sources, chart: Chart, now: datetime) -> Assembled:
    """Merge, complete and validate. Raises `SiteError` with every mistake of all files."""
    draft = _read(sources, chart)
    written = draft.site
    draft.site = with_computed_sizes(draft.site, draft.schema, draft.defaults)
    collect_hub_secrets(draft)
    complete_certificate(draft, now)
    rewrite_authorities(draft)
    complete_hub_secrets(draft)
    complete_database_ports(draft)
    complete_service_tokens(draft)
    complete_firefly_password(draft)
    complete_log_shipping(draft, now)
    complete_storage(draft, sources.free_cluster_ip)
    effective = draft.effective()
    of_rules = between_keys.violations(draft.site, effective)
    draft.problems += validation.problems(draft.site, effective, draft.schema, of_rules)
    draft.problems += of_rules
    if draft.problems:
        raise SiteError(draft.problems)
    draft.warnings += unchosen.warnings(written, effective, draft.defaults, draft.schema)
    draft.warnings += between_keys.warnings(written, effective)
    data = _without_idle_nulls(plain(draft.site), draft.defaults)
    for part in ("hub", "nginx", "firefly", "logging"):
        if isinstance(value_at(data, part, "secret"), dict):
            data[part]["secret"] = dict(sorted(data[part]["secret"].items()))
    return Assembled(data, effective, sorted(draft.warnings, key=lambda warning: warning.order), draft.generated)


def _read(sources: Sources, chart: Chart) -> Draft:
    """The files of `sources`. Raises `SiteError` when one of them cannot be read."""
    problems: list[Problem] = []

    def read(load_file: Callable[[Path], Node], file: Path | None) -> Node | None:
        try:
            return load_file(file) if file else None
        except SiteError as error:
            problems.extend(error.problems)
            return None

    draft = Draft(chart.schema(), chart.defaults(), Node({}), environment=sources.environment, problems=problems)
    roots = [root for file in sources.sites if (root := read(load, file))]
    draft.secrets_file = (
        read(lambda file: encrypted.load_secrets_file(file, sources.identity), sources.secrets_file)
        or draft.secrets_file
    )
    draft.previous = read(load, sources.previous) or draft.previous
    if problems:
        raise SiteError(problems)
    problems += [problem for root in roots if (problem := legacy_file(root))]
    meant = [slips.corrected(root, draft.schema) for root in roots]
    problems += [problem for _, found in meant for problem in found]
    draft.site = reduce(merge, [root for root, _ in meant])
    problems += unknown_keys_of_secrets_file(draft.secrets_file)
    if find(draft.secrets_file, ("sops",)):
        raise SiteError(problems)
    return draft


def _without_idle_nulls(data: Any, defaults: Any) -> Any:
    """Without the nulls that take nothing away: Helm would not drop those, but hand them to schema and templates."""
    if not isinstance(data, dict):
        return data
    known = defaults if isinstance(defaults, dict) else {}
    return {
        key: _without_idle_nulls(value, known.get(key))
        for key, value in data.items()
        if value is not None or known.get(key) is not None
    }
