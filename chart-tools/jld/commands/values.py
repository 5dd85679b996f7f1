"""`jld values` and `jld check`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from jld.command_line import terminal
from jld.command_line.options import CHART, FORMAT, IDENTITY, OUTPUT, SECRETS, SITES
from jld.command_line.report import Format, Report, outcome
from jld.schema.chart import Chart, find_chart
from jld.secrets import formats
from jld.support import urls
from jld.support.errors import SiteError
from jld.support.files import is_file, replace_file
from jld.support.key_paths import dotted
from jld.values import values_file
from jld.values.assembly import Assembled, Sources, assemble
from jld.values.site_secrets import MissingSecret

SECRETS_FILES = ("secrets.yaml", "secrets.yaml.age")
_PLACEHOLDER_IP = "192.0.2.1"  # of no machine at all: what `jld check` takes for one that `jld values` would ask for


def values(
    sites: SITES,
    output: OUTPUT = Path("values.yaml"),
    secrets_file: SECRETS = None,
    identity: IDENTITY = None,
    form: FORMAT = Format.text,
    chart: CHART = None,
) -> None:
    """Write the values that the chart is installed with: the site's keys and every secret.

    Secrets that FILE already holds are kept, and missing ones are generated. One that only you can give comes from
    --secrets, else from secrets.yaml beside the site file, else from the environment (JLD_GITHUB_CLIENT_SECRET,
    JLD_DB_URL, JLD_BROKER_PASSWORD); on a terminal you are asked for it. On any mistake nothing is written.

    Examples:

      jld values site.yaml

      JLD_GITHUB_CLIENT_SECRET=... jld values site.yaml -o values.yaml

      jld values base.yaml production.yaml -o production-values.yaml

      jld values site.yaml --secrets secrets.yaml.age --identity ~/.config/age/keys.txt

      jld values site.yaml --secrets <(sops decrypt secrets.enc.yaml)
    """
    with outcome(form) as report:
        secrets_file = secrets_file or _secrets_file_beside(sites, report)
        _refuse_overwriting(output, [*sites, *([secrets_file] if secrets_file else [])])
        sources = replace(_sources(sites, secrets_file, identity, output), free_cluster_ip=_free_cluster_ip)
        assembled = _assemble(sources, find_chart(chart), interactive=form is Format.text and terminal.is_interactive())
        report.warn(*assembled.warnings)
        changed = replace_file(output, values_file.render_values(assembled.data, values_file.read_note(output)))
        for path in assembled.generated:
            report.line(f"Generated {path}")
        report.line(f"Wrote {output}" if changed else f"{output} is up to date")
        report.fact(output=str(output), changed=changed, generated=list(assembled.generated))
        _next_steps(report, assembled, output)
        _propose_clients(report, assembled)


def check(
    sites: SITES,
    output: OUTPUT = Path("values.yaml"),
    secrets_file: SECRETS = None,
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
        secrets_file = secrets_file or _secrets_file_beside(sites, report)
        sources = replace(_sources(sites, secrets_file, identity, output), free_cluster_ip=lambda: _PLACEHOLDER_IP)
        assembled = _assemble(sources, find_chart(chart))
        report.warn(*assembled.warnings)
        report.line(f"{', '.join(map(str, sites))}: good")


def _assemble(sources: Sources, chart: Chart, interactive: bool = False) -> Assembled:
    """The values; when nothing but a person's secrets is missing, and a person is there, with what the person types."""
    now = datetime.now(UTC)
    try:
        return assemble(sources, chart, now)
    except SiteError as error:
        missing = [str(problem.key.split(".")[-1]) for problem in error.problems if isinstance(problem, MissingSecret)]
        if not interactive or len(missing) < len(error.problems):
            raise
    return assemble(replace(sources, environment={**sources.environment, **_ask_for_secrets(missing)}), chart, now)


def _ask_for_secrets(names: Sequence[str]) -> Mapping[str, str]:
    """Ask for secrets, without showing what is typed, and return them as environment variables give them."""
    environment = {}
    for name in names:
        path, secret = formats.given_by_a_person(name)
        environment[formats.environment_variable(name)] = terminal.ask_secret(
            dotted(path), secret.matches, secret.accepted
        )
    return environment


def _secrets_file_beside(sites: Sequence[Path], report: Report) -> Path | None:
    """The secrets file that lies beside a site file; the last one counts, as with the sites."""
    for site in reversed(sites):
        for file in map(site.parent.joinpath, SECRETS_FILES):
            if is_file(file) and not any(_same(file, other) for other in sites):
                report.line(f"Secrets from {file}")
                report.fact(secretsFile=str(file))
                return file
    return None


def _sources(sites: Sequence[Path], secrets_file: Path | None, identity: Path | None, output: Path) -> Sources:
    previous = output if is_file(output) and not any(_same(output, site) for site in sites) else None
    return Sources(sites, secrets_file, previous, os.environ, identity=identity)


def _free_cluster_ip() -> str:
    from jld.doctor.free_cluster_ip import free_cluster_ip  # loaded here: most sites ask nothing of a cluster
    from jld.doctor.kubectl import Kubectl

    return free_cluster_ip(Kubectl(None, None))


def _propose_clients(report: Report, assembled: Assembled) -> None:
    """Whom the file server may serve, where the site does not say it and the cluster can be asked.

    It is not written into the values: the nodes of now need not be those of tomorrow, and a network that they are not in
    locks them out.
    """
    storage = assembled.effective["storage"]
    if storage["mode"] != "nfs" or storage["nfs"]["clients"] or storage["nfs"]["networkPolicy"] == "cilium":
        return
    from jld.doctor.facts import NoResponse
    from jld.doctor.file_server import proposed_clients
    from jld.doctor.kubectl import Kubectl

    nodes = Kubectl(None, None).objects("nodes")
    proposed = [] if isinstance(nodes, NoResponse) else proposed_clients(nodes)
    if proposed:
        report.line(
            f"The nodes of the cluster are in {', '.join(proposed)}: name these networks, and those of nodes that may "
            "join, in storage.nfs.clients; `jld doctor` checks them."
        )
        report.fact(proposedClients=proposed)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _refuse_overwriting(output: Path, inputs: Sequence[Path]) -> None:
    """A file that a person wrote is never replaced."""
    if any(_same(output, file) for file in inputs):
        sentence = "this is also an input, and would be overwritten; name another file with -o"
        raise SiteError.of_file(output, sentence)
    if values_file.is_by_hand(output):
        sentence = (
            "`jld values` did not write this file, and would overwrite it; move it away, or name another file with -o"
        )
        raise SiteError.of_file(output, sentence)


_PROVIDERS = {"github", "cilogon", "other"}


def _next_steps(report: Report, assembled: Assembled, output: Path) -> None:
    hostname, port, route = (assembled.effective["global"][name] for name in ("hostname", "port", "hubRoute"))
    auth = assembled.effective["hub"]["auth"]
    address, callback = urls.external_url(hostname, port), urls.oauth_callback(hostname, port, route)
    report.line(f"Address: {address}{route.rstrip('/')}")
    report.fact(address=f"{address}{route.rstrip('/')}")
    if "dummy" not in auth:
        provider = {"github": "GitHub", "cilogon": "CILogon"}.get(
            next(iter(_PROVIDERS & auth.keys())), "the login provider"
        )
        report.line(f"Register this callback at {provider}: {callback}")
        report.fact(callback=callback)
    else:
        report.line(f"Log in as {' or '.join(auth['dummy']['users'])}; `jld password {output}` prints the password.")
