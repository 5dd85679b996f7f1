"""`jld values` and `jld check`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from jld.command_line import terminal
from jld.command_line.options import CHART, FORMAT, IDENTITY, OUTPUT, SECRETS, SITES
from jld.command_line.outcome import Format, Report, outcome
from jld.schema.chart import Chart, find_chart
from jld.secrets import formats
from jld.support import urls
from jld.support.errors import EnvironmentUnfit, SiteError
from jld.support.files import replace_file
from jld.values import values_file
from jld.values.assembly import Assembled, Sources, assemble
from jld.values.hub_secrets import MissingSecret

BESIDE = ("secrets.yaml", "secrets.yaml.age")
_PLACEHOLDER_IP = "192.0.2.1"  # of no machine at all: what `jld check` takes for one that `jld values` would ask for


def values(
    sites: SITES,
    output: OUTPUT = Path("values.yaml"),
    given: SECRETS = None,
    identity: IDENTITY = None,
    form: FORMAT = Format.text,
    chart: CHART = None,
) -> None:
    """Write the values that the chart is installed with: the site's keys and every secret.

    Secrets that FILE already holds are kept, and missing ones are generated. One that only you can give comes from
    --secrets, else from secrets.yaml beside the site file, else from the environment (JLD_GITHUB_CLIENT_SECRET,
    JLD_DB_URL); on a terminal you are asked for it. On any mistake nothing is written.

    Examples:

      jld values site.yaml

      JLD_GITHUB_CLIENT_SECRET=... jld values site.yaml -o values.yaml

      jld values base.yaml production.yaml -o production-values.yaml

      jld values site.yaml --secrets secrets.yaml.age --identity ~/.config/age/keys.txt

      jld values site.yaml --secrets <(sops decrypt secrets.enc.yaml)
    """
    with outcome(form) as report:
        given = given or _beside(sites, report)
        _refuse_overwriting(output, [*sites, *([given] if given else [])])
        sources = replace(_sources(sites, given, identity, output), free_cluster_ip=_free_cluster_ip)
        found = _assembled(sources, find_chart(chart), asks=form is Format.text and terminal.is_attended())
        report.warn(*found.warnings)
        changed = replace_file(output, values_file.render_values(found.data, values_file.read_note(output)))
        for path in found.generated:
            report.line(f"Generated {path}")
        report.line(f"Wrote {output}" if changed else f"{output} is up to date")
        report.fact(output=str(output), changed=changed, generated=list(found.generated))
        _next_steps(report, found, output)


def check(
    sites: SITES,
    output: OUTPUT = Path("values.yaml"),
    given: SECRETS = None,
    identity: IDENTITY = None,
    form: FORMAT = Format.text,
    chart: CHART = None,
) -> None:
    """Say everything that is wrong with a site, and write nothing.

    Secrets that can be generated may be missing. One that only you can give may not: it is looked for in FILE of an
    earlier `jld values`, and where `jld values` looks for it.

    Examples:

      jld check site.yaml

      jld check values/github.yaml --secrets secrets.yaml

      jld check site.yaml --format json | jq '.mistakes[] | .key, .accepted'
    """
    with outcome(form) as report:
        given = given or _beside(sites, report)
        sources = replace(_sources(sites, given, identity, output), free_cluster_ip=lambda: _PLACEHOLDER_IP)
        found = _assembled(sources, find_chart(chart))
        report.warn(*found.warnings)
        report.line(f"{', '.join(map(str, sites))}: good")


def _assembled(sources: Sources, chart: Chart, asks: bool = False) -> Assembled:
    """The values; when nothing but a person's secrets is missing, and a person is there, with what the person types."""
    now = datetime.now(UTC)
    try:
        return assemble(sources, chart, now)
    except SiteError as error:
        missing = [str(problem.key.split(".")[-1]) for problem in error.problems if isinstance(problem, MissingSecret)]
        if not asks or len(missing) < len(error.problems):
            raise
    return assemble(replace(sources, environment={**sources.environment, **_typed(missing)}), chart, now)


def _typed(names: Sequence[str]) -> Mapping[str, str]:
    """Ask for secrets, without showing what is typed."""
    answers = {}
    for name in names:
        kind = formats.HUB_SECRETS[name]
        answers[formats.environment_variable(name)] = terminal.ask_secret(
            f"hub.secret.{name}", kind.matches, kind.accepted
        )
    return answers


def _beside(sites: Sequence[Path], report: Report) -> Path | None:
    """The secrets file that lies beside a site file; the last one counts, as with the sites."""
    for site in reversed(sites):
        for file in map(site.with_name, BESIDE):
            if file.is_file() and not any(_same(file, other) for other in sites):
                report.line(f"Secrets from {file}")
                report.fact(secretsFile=str(file))
                return file
    return None


def _sources(sites: Sequence[Path], given: Path | None, identity: Path | None, output: Path) -> Sources:
    previous = output if output.exists() and not any(_same(output, site) for site in sites) else None
    return Sources(sites, given, previous, os.environ, identity=identity)


def _free_cluster_ip() -> str:
    from jld.doctor.free_cluster_ip import free_cluster_ip  # loaded here: most sites ask nothing of a cluster
    from jld.doctor.kubectl import Kubectl

    return free_cluster_ip(Kubectl(None, None))


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _refuse_overwriting(output: Path, inputs: Sequence[Path]) -> None:
    """A file that a person wrote is never replaced."""
    if any(_same(output, file) for file in inputs):
        sentence = "this is also an input, and would be overwritten; name another file with -o"
        raise SiteError.of_file(output, sentence)
    if output.is_dir():
        raise EnvironmentUnfit(f"{output}: is a folder; name a file with -o")
    try:
        foreign = output.is_file() and not values_file.is_generated(output.read_bytes())
    except OSError as error:
        raise EnvironmentUnfit(f"{output}: cannot be read ({error.strerror}); name another file with -o") from None
    if foreign:
        sentence = (
            "`jld values` did not write this file, and would overwrite it; move it away, or name another file with -o"
        )
        raise SiteError.of_file(output, sentence)


_WAYS = {"github", "cilogon", "other"}


def _next_steps(report: Report, found: Assembled, output: Path) -> None:
    hostname, port, route = (found.effective["global"][name] for name in ("hostname", "port", "hubRoute"))
    auth = found.effective["hub"]["auth"]
    address, callback = urls.external_url(hostname, port), urls.oauth_callback(hostname, port, route)
    report.line(f"Address: {address}{route.rstrip('/')}")
    report.fact(address=f"{address}{route.rstrip('/')}")
    if "dummy" not in auth:
        provider = {"github": "GitHub", "cilogon": "CILogon"}.get(next(iter(_WAYS & auth.keys())), "the login provider")
        report.line(f"Register this callback at {provider}: {callback}")
        report.fact(callback=callback)
    else:
        report.line(f"Log in as {' or '.join(auth['dummy']['users'])}; `jld password {output}` prints the password.")
