"""`jld init`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jld.command_line import terminal
from jld.command_line.options import CHART, FORMAT
from jld.command_line.report import Format, Report, outcome
from jld.rules.images.registry import images_are_in_a_registry
from jld.schema.chart import find_chart
from jld.secrets import pem_files
from jld.site.reader import load
from jld.site.tree import Node, coalesce, merge, plain, put, tree
from jld.start import secrets_file as secrets_file_of
from jld.start.images import listed_images
from jld.start.interview import Interview
from jld.start.migration import Migration
from jld.start.origin import fitted, migrated
from jld.start.site_file import render_site
from jld.start.z2jh.migration import Z2jhMigration
from jld.support.errors import EnvironmentUnfit, Place, Problem, SiteError
from jld.support.files import PRIVATE, is_file, kind_of, replace_file
from jld.support.key_paths import JsonMap, KeyPath, dotted
from jld.support.masking import masked_name

if TYPE_CHECKING:
    from jld.secrets.certificates import Fault

READABLE = 0o644


class Login(StrEnum):
    """The ways to log in."""

    github = "github"
    cilogon = "cilogon"
    dummy = "dummy"


def _text(*names: str, metavar: str, text: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=text)


def init(
    output: Annotated[Path, _text("-o", "--output", metavar="FILE", text="The new site file.")] = Path("site.yaml"),
    legacy: Annotated[
        Path | None,
        _text(
            "--from",
            metavar="FILE",
            text="Values of Zero to JupyterHub, or a file of the original deploy tool, carried over.",
        ),
    ] = None,
    hostname: Annotated[str, _text("--hostname", metavar="NAME", text="What people type.")] = "",
    login: Annotated[Login | None, typer.Option("--login", help="How people log in. dummy: for local trials.")] = None,
    client_id: Annotated[str, _text("--github-client-id", metavar="ID", text="Of the OAuth app at GitHub.")] = "",
    organizations: Annotated[
        list[str] | None, _text("--organization", metavar="ORG[:TEAM]", text="Members are let in. May be repeated.")
    ] = None,
    cilogon_id: Annotated[str, _text("--cilogon-client-id", metavar="ID", text="Of the hub at CILogon.")] = "",
    providers: Annotated[
        list[str] | None, _text("--identity-provider", metavar="URL", text="EntityID at CILogon. May be repeated.")
    ] = None,
    groups: Annotated[
        list[str] | None, _text("--group", metavar="NAME", text="Members at CILogon are let in. May be repeated.")
    ] = None,
    users: Annotated[list[str] | None, _text("--user", metavar="NAME", text="Let in by name. May be repeated.")] = None,
    admins: Annotated[list[str] | None, _text("--admin", metavar="NAME", text="Administers. May be repeated.")] = None,
    image_registry: Annotated[
        str, _text("--image-registry", metavar="REGISTRY", text="Where JLD's own images were pushed.")
    ] = "",
    images: Annotated[
        list[str] | None, _text("--image", metavar="REF", text="A lab's image, the default first. May be repeated.")
    ] = None,
    storage_class: Annotated[str, _text("--storage-class", metavar="NAME", text="For the home directories.")] = "",
    capacity: Annotated[str, _text("--capacity", metavar="SIZE", text="For all home directories.")] = "",
    existing_claim: Annotated[str, _text("--existing-claim", metavar="NAME", text="Holds the home directories.")] = "",
    file_server: Annotated[str, _text("--file-server", metavar="SIZE", text="Run one, with a disk of this size.")] = "",
    nfs_server: Annotated[str, _text("--nfs-server", metavar="NAME", text="One that exists, for the homes.")] = "",
    home_folder: Annotated[str, _text("--home-folder", metavar="DIR", text="On the only node, for local trials.")] = "",
    certificate: Annotated[Path | None, _text("--certificate", metavar="FILE", text="PEM, with its chain.")] = None,
    key: Annotated[Path | None, _text("--key", metavar="FILE", text="PEM, of the certificate.")] = None,
    letsencrypt: Annotated[
        str, _text("--letsencrypt", metavar="EMAIL", text="A certificate of Let's Encrypt, by cert-manager.")
    ] = "",
    tls_secret: Annotated[str, _text("--tls-secret", metavar="NAME", text="A Secret that holds both.")] = "",
    trusted: Annotated[
        list[str] | None, _text("--trusted-proxy", metavar="NET", text="Of an Ingress's controller. May be repeated.")
    ] = None,
    self_signed: Annotated[bool, typer.Option("--self-signed", help="A certificate for local trials.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    form: FORMAT = Format.text,
    chart: CHART = None,
) -> None:
    """Write a site file: asks on a terminal for what no option says. Elsewhere, and with --format json, an answer that is
    missing is an error.

    With --from the keys of Zero to JupyterHub's values (versions 2 to 5), or of the original deploy tool, become today's, and
    each is listed with what became of it, the former in a file beside the site file too. Secrets go into secrets.yaml beside the
    site file (mode 0600), where `jld values` finds them.

    Examples:

      jld init

      jld init --hostname jupyter.example.org --github-client-id Iv1.8a61f9b3a7aba766 --organization my-org
      --image-registry registry.example.org/jld --storage-class shared --letsencrypt operator@example.org

      jld init --hostname jupyter.example.org --cilogon-client-id cilogon:/client_id/1a2b3c --group lsst_users
      --identity-provider https://idp.ncsa.illinois.edu/idp/shibboleth --tls-secret jupyter-tls --image-registry ghcr.io/my-org

      jld init --hostname jld.localhost --login dummy --user alice --home-folder /var/lib/jld

      jld init --from config.yaml -o site.yaml
    """
    with outcome(form) as report:
        source = find_chart(chart)
        schema = source.schema()
        migration = migrated(load(legacy), schema, legacy, output) if legacy else None
        secrets_file, report_file = output.parent / secrets_file_of.NAME, output.parent / f"{output.stem}-report.txt"
        of_z2jh = isinstance(migration, Z2jhMigration)
        written = [
            output,
            *([secrets_file] if migration and migration.secrets else []),
            *([report_file] if of_z2jh else []),
        ]
        try:
            _refuse_overwriting(written, force)
        finally:
            if not of_z2jh:
                _tell(migration, report)
        used = {Login.github: bool(client_id or organizations), Login.cilogon: bool(cilogon_id or providers or groups)}
        asked = login or (Login.cilogon if used[Login.cilogon] else None)
        chosen_login = asked or Login.github
        _refuse_two_logins(chosen_login, used)
        options_site = _site_of_options(
            {
                ("global", "hostname"): hostname,
                ("global", "imageRegistry"): image_registry,
                ("hub", "auth", "dummy"): {} if login is Login.dummy else None,
                ("hub", "auth", "cilogon"): {} if login is Login.cilogon else None,
                ("hub", "auth", "github", "clientId"): client_id,
                ("hub", "auth", "github", "organizations", "allow"): organizations,
                ("hub", "auth", "cilogon", "clientId"): cilogon_id,
                ("hub", "auth", "cilogon", "identityProviders"): {each: {} for each in providers or ()} or None,
                ("hub", "auth", "cilogon", "groups", "allow"): groups,
                ("hub", "auth", *_USER_KEYS[chosen_login]): users,
                ("hub", "auth", "admins"): admins,
                **listed_images(images or ()),
                ("storage", "mode"): _storage_mode(file_server, nfs_server, home_folder),
                ("storage", "nfs", "capacity"): file_server,
                ("storage", "external", "server"): nfs_server,
                ("storage", "hostPath", "path"): home_folder,
                ("storage", "claim", "storageClass"): storage_class,
                ("storage", "claim", "capacity"): capacity,
                ("storage", "volumes", "home", "existingClaim"): existing_claim,
                ("nginx", "tls", "certificate"): _relative_to_site(certificate, output),
                ("nginx", "tls", "key"): _relative_to_site(key, output),
                ("nginx", "tls", "letsencrypt", "email"): letsencrypt,
                ("nginx", "tls", "existingSecret"): tls_secret,
                ("nginx", "tls", "selfSigned"): self_signed or None,
                ("nginx", "trustedProxies"): trusted,
            }
        )
        person = terminal.Terminal() if form is Format.text and terminal.is_interactive() else None
        files = partial(pem_files.faults, output.absolute().parent, now=datetime.now(UTC))

        def complete(old: JsonMap) -> JsonMap:
            given = plain(merge(tree(_without_other_login(old, asked)), options_site))
            return Interview(given, schema, person, files).complete(source.defaults())

        try:
            site = (
                fitted(migration, complete)
                if isinstance(migration, Z2jhMigration)
                else complete(migration.site if migration else {})
            )
        finally:
            if of_z2jh:
                _tell(migration, report)
        _check_pem_files(list(files(site)), report, carried_over=migration is not None)
        if migration and migration.secrets:
            replace_file(secrets_file, secrets_file_of.rendered(migration.secrets), PRIVATE)
            report.line(f"Wrote {secrets_file}")
            report.fact(secretsFile=str(secrets_file))
            report.warn(*secrets_file_of.unless_ignored(secrets_file))
        if migration and of_z2jh:
            text = "".join(
                f"{line}\n" for line in (*(each.line for each in migration.keys), *map(str, migration.warnings))
            )
            replace_file(report_file, text.encode(), READABLE)
            report.line(f"Wrote {report_file}")
            report.fact(reportFile=str(report_file))
        effective = coalesce(source.defaults(), site)
        report.warn(*(Problem(None, dotted(path), each) for path, each in images_are_in_a_registry(effective)))
        replace_file(output, render_site(site, schema), READABLE)
        report.line(f"Wrote {output}. Next: jld check {output}")
        report.fact(output=str(output))


def _tell(migration: Migration | Z2jhMigration | None, report: Report) -> None:
    """What became of each key."""
    for each in migration.keys if migration else ():
        report.line(each.line)
    if migration:
        report.fact(carried=[asdict(each) for each in migration.keys])
        report.warn(*migration.warnings)


_LOGIN_OPTIONS = {
    Login.github: ("GitHub", "--github-client-id and --organization"),
    Login.cilogon: ("CILogon", "--cilogon-client-id, --identity-provider and --group"),
}
_USER_KEYS = {
    Login.github: ("github", "users", "allow"),
    Login.cilogon: ("cilogon", "users", "allow"),
    Login.dummy: ("dummy", "users"),
}


def _refuse_two_logins(chosen_login: Login, used: dict[Login, bool]) -> None:
    for other, is_used in used.items():
        if is_used and other is not chosen_login:
            name, options = _LOGIN_OPTIONS[other]
            sentence = f"with --login {chosen_login.value} nobody logs in through {name}; leave out {options}"
            raise SiteError([Problem(None, "hub.auth", sentence)])


def _storage_mode(file_server: str, nfs_server: str, home_folder: str) -> str:
    chosen = {"nfs": file_server, "external": nfs_server, "hostPath": home_folder}
    modes = [mode for mode, value in chosen.items() if value]
    if len(modes) > 1:
        sentence = "homes are in one place only; give one of --file-server, --nfs-server and --home-folder"
        raise SiteError([Problem(None, "storage.mode", sentence)])
    return "".join(modes)


def _site_of_options(options: dict[KeyPath, Any]) -> Node:
    """The site that the options describe."""
    site = Node({})
    for path, value in options.items():
        if value not in (None, "", []):
            site = put(site, path, tree(value))
    return site


def _without_other_login(site: JsonMap, login: Login | None) -> JsonMap:
    auth = site.get("hub", {}).get("auth", {})
    if login and login is not Login.github:
        auth.pop("github", None)
    return site


def _relative_to_site(file: Path | None, output: Path) -> str:
    """The path of a PEM file as the site file names it: relative to itself."""
    if file is None:
        return ""
    if not is_file(file):
        raise SiteError.of_file(masked_name(file), "there is no such file; check its name")
    return str(file) if file.is_absolute() else os.path.relpath(file.absolute(), output.absolute().parent)


def _check_pem_files(faults: Sequence[Fault], report: Report, carried_over: bool) -> None:
    """A file that is named now has to be right. One that an old file names may lie on another machine."""
    problems = [Problem(None, f"nginx.tls.{each.about}", each.sentence) for each in faults]
    wrong = [problem for problem, each in zip(problems, faults, strict=True) if not (each.warning or carried_over)]
    if wrong:
        raise SiteError(wrong)
    report.warn(*problems)


def _refuse_overwriting(files: Iterable[Path], force: bool) -> None:
    problems = []
    for file in files:
        if kind := kind_of(file):
            raise EnvironmentUnfit(f"{file}: is {kind}; name a file with -o")
        if os.path.lexists(file) and not force:
            sentence = "this file is there already; name another one with -o, or replace it with --force"
            problems.append(Problem(Place(str(file)), "", sentence))
    if problems:
        raise SiteError(problems)
