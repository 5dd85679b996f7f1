"""A stand-in for GitHub: its OAuth and REST endpoints as a login meets them, for people from a file.

    python github.py --port 8080 --people people.json

Needs tornado and nothing else, so that it runs in the hub's image too. It answers at `/` as api.github.com does and below
`/api/v3` as GitHub Enterprise does. POST `/_control` makes it fail; see `Control`.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import secrets
import ssl
import time
from html import escape
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode

from tornado import httputil, web

CODE_SECONDS = 600
RESTRICTED = (
    "Although you appear to have the correct authorization credentials, the `{}` organization has enabled OAuth App "
    "access restrictions, meaning that data access to third-parties is limited."
)


class World:
    """Who exists, which codes and tokens are out, and how GitHub feels today."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.client: dict[str, str] = document["client"]
        self.document = document
        self.organizations = {name.lower(): {"login": name, **org} for name, org in document["organizations"].items()}
        self.requests: list[str] = []
        self.reset()

    def reset(self) -> None:
        """As on the first day."""
        self.people = {person["login"].lower(): dict(person) for person in self.document["people"]}
        self.scopes: list[str] | None = None  # what is granted of what was asked for; None is everything
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.mode: dict[str, Any] = {"mode": "ok"}

    @property
    def teams(self) -> set[str]:
        return {team for person in self.people.values() for team in person.get("teams", [])}

    def rename(self, old: str, new: str) -> None:
        """The account, its number and its tokens stay; the name is free for somebody else."""
        person = self.people.pop(old.lower())
        self.people[new.lower()] = {**person, "login": new}
        for token in self.tokens.values():
            if token["login"].lower() == old.lower():
                token["login"] = new

    def membership(self, login: str, organization: str) -> str | None:
        """`public`, `private`, `pending` or None."""
        person = self.people.get(login.lower(), {"organizations": {}})
        memberships: dict[str, str] = person["organizations"]
        return {name.lower(): kind for name, kind in memberships.items()}.get(organization.lower())

    def is_member(self, login: str, organization: str) -> bool:
        return self.membership(login, organization) in ("public", "private")

    def in_team(self, login: str, organization: str, team: str) -> bool:
        teams = self.people.get(login.lower(), {}).get("teams", [])
        return f"{organization}:{team}".lower() in (entry.lower() for entry in teams)


class Handler(web.RequestHandler):
    @property
    def world(self) -> World:
        return self.application.settings["world"]  # type: ignore[no-any-return]

    async def prepare(self) -> None:
        self.world.requests.append(f"{self.request.method} {self.request.path}")
        mode = self.world.mode
        if not self.request.path.startswith(mode.get("path", "/")):
            return
        if mode["mode"] == "error":
            self.fail(mode.get("status", 500), "Server Error")
        elif mode["mode"] == "slow":
            await asyncio.sleep(mode["seconds"])
        elif mode["mode"] == "rate-limit":
            self.set_header("X-RateLimit-Limit", "5000")
            self.set_header("X-RateLimit-Remaining", "0")
            self.set_header("X-RateLimit-Reset", str(int(time.time()) + 3600))
            self.fail(403, "API rate limit exceeded for user ID 1.")
        elif mode["mode"] == "secondary-rate-limit":
            self.set_header("Retry-After", "60")
            self.fail(mode.get("status", 403), "You have exceeded a secondary rate limit. Please wait a few minutes.")
        elif mode["mode"] == "not-modified":
            if self.request.headers.get("Cache-Control") != "no-cache":
                self.set_status(304)
                self.finish()
        elif mode["mode"] == "drop":
            self.detach().close()
        elif mode["mode"] == "garbage":
            self.finish(mode.get("body", "<html>Unicorn!</html>"))

    def fail(self, status: int, message: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps({"message": message, "documentation_url": "https://docs.github.com/rest"}))

    def answer(self, document: object, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(document))


class Authorize(Handler):
    """The page where people agree. GET shows a button for each person, POST presses one."""

    def get(self) -> None:
        if self.get_argument("client_id", "") != self.world.client["id"]:
            self.fail(404, "Not Found")
        elif (hint := self.get_argument("login", "")).lower() in self.world.people:
            self._agree(hint)
        else:
            buttons = "".join(
                f'<p><button name="login" value="{login}">Continue as {login}</button></p>'
                for login in (escape(person["login"]) for person in self.world.people.values())
            )
            action = escape(self.request.uri or "")
            self.finish(
                f'<!doctype html><title>Sign in to GitHub</title><form method="post" action="{action}">{buttons}'
                '<p><button name="login" value="">Cancel</button></p></form>'
            )

    def post(self) -> None:
        login = self.get_body_argument("login", "")
        if not login:
            self._return(error="access_denied", error_description="The user has denied your application access.")
        elif login.lower() not in self.world.people:
            self.fail(404, "Not Found")
        else:
            self._agree(login)

    def _agree(self, login: str) -> None:
        if self.get_query_argument("redirect_uri", self.world.client["callback"]) != self.world.client["callback"]:
            self._return(error="redirect_uri_mismatch", error_description="The redirect_uri is not associated.")
            return
        if self.get_query_argument("code_challenge", "") and self.get_query_argument("code_challenge_method") != "S256":
            self.fail(400, "code_challenge_method must be S256")
            return
        code = secrets.token_hex(10)
        scope = self.get_query_argument("scope", "").replace(",", " ").split()
        self.world.codes[code] = {
            "login": login,
            "scopes": sorted({each for each in scope if self.world.scopes is None or each in self.world.scopes}),
            "challenge": self.get_query_argument("code_challenge", ""),
            "expires": time.monotonic() + CODE_SECONDS,
        }
        self._return(code=code)

    def _return(self, **parameters: str) -> None:
        parameters["state"] = self.get_query_argument("state", "")
        self.redirect(httputil.url_concat(self.world.client["callback"], parameters))


class AccessToken(Handler):
    """Code against token. Mistakes are a 200 with an `error`, as at GitHub."""

    def post(self) -> None:
        given = self._parameters()
        code = self.world.codes.pop(given.get("code", ""), None)  # a code is good for one attempt
        if (given.get("client_id"), given.get("client_secret")) != (
            self.world.client["id"],
            self.world.client["secret"],
        ):
            self._error("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
        elif code is None or code["expires"] < time.monotonic() or not _verifies(code, given.get("code_verifier", "")):
            self._error("bad_verification_code", "The code passed is incorrect or expired.")
        elif given.get("redirect_uri", self.world.client["callback"]) != self.world.client["callback"]:
            self._error("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL.")
        else:
            token = f"gho_{secrets.token_hex(18)}"
            self.world.tokens[token] = {"login": code["login"], "scopes": code["scopes"]}
            self._reply({"access_token": token, "token_type": "bearer", "scope": ",".join(code["scopes"])})

    def _parameters(self) -> dict[str, str]:
        if self.request.headers.get("Content-Type", "").startswith("application/json"):
            document: dict[str, str] = json.loads(self.request.body)
            return document
        given = {name: values[0] for name, values in parse_qs(self.request.body.decode()).items()}
        scheme, _, encoded = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            given["client_id"], _, given["client_secret"] = base64.b64decode(encoded).decode().partition(":")
        return given

    def _error(self, error: str, description: str) -> None:
        self._reply({"error": error, "error_description": description, "error_uri": "https://docs.github.com/apps"})

    def _reply(self, document: dict[str, str]) -> None:
        if "json" in self.request.headers.get("Accept", ""):
            self.answer(document)
        else:
            self.set_header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
            self.finish(urlencode(document))


def _verifies(code: dict[str, Any], verifier: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return not code["challenge"] or digest == code["challenge"]


class Api(Handler):
    """A REST endpoint: the token tells who asks, and its scopes what may be seen."""

    needs: ClassVar[set[str]] = set()
    token: dict[str, Any]

    async def prepare(self) -> None:
        await super().prepare()
        if self._finished:
            return
        scheme, _, value = self.request.headers.get("Authorization", "").partition(" ")
        token = self.world.tokens.get(value) if scheme.lower() in ("bearer", "token") else None
        if token is None:
            self.fail(401, "Bad credentials" if value else "Requires authentication")
            return
        self.token = token
        if self.person.get("suspended"):
            self.fail(403, "Sorry. Your account was suspended.")
            return
        self.set_header("X-OAuth-Scopes", ", ".join(token["scopes"]))
        if self.needs and not self.needs & set(token["scopes"]):
            self.fail(403, "You need at least one of these scopes: " + ", ".join(sorted(self.needs)))

    @property
    def person(self) -> dict[str, Any]:
        person: dict[str, Any] = self.world.people[self.token["login"].lower()]
        return person

    @property
    def reads_organizations(self) -> bool:
        return bool({"read:org", "write:org", "admin:org"} & set(self.token["scopes"]))

    def pages(self, entries: list[Any]) -> None:
        size = min(100, int(self.get_query_argument("per_page", "30")))
        page = int(self.get_query_argument("page", "1"))
        last = max(1, -(-len(entries) // size))
        base = f"{self.request.protocol}://{self.request.host}{self.request.path}"
        links = {"next": page + 1, "last": last} if page < last else {}
        links |= {"first": 1, "prev": page - 1} if page > 1 else {}
        if links:
            link = (f'<{base}?{urlencode({"per_page": size, "page": n})}>; rel="{rel}"' for rel, n in links.items())
            self.set_header("Link", ", ".join(link))
        self.answer(entries[(page - 1) * size : page * size])


class User(Api):
    def get(self) -> None:
        person = self.person
        self.answer(
            {
                "login": person["login"],
                "id": person["id"],
                "type": "User",
                "name": person.get("name"),
                "email": person["email"] if person.get("emailIsPublic") else None,
                "html_url": f"https://github.com/{person['login']}",
            }
        )


class Emails(Api):
    needs: ClassVar[set[str]] = {"user", "user:email"}

    def get(self) -> None:
        address, verified = self.person["email"], not self.person.get("emailIsUnverified", False)
        more = [
            {"email": f"old-{n}@example.org", "primary": False, "verified": True, "visibility": None}
            for n in range(self.person.get("oldAddresses", 0))
        ]
        noreply = f"{self.person['id']}+{self.person['login']}@users.noreply.github.com"
        self.pages(
            [
                {"email": noreply, "primary": False, "verified": True, "visibility": None},
                *more,
                {"email": address, "primary": True, "verified": verified, "visibility": "private"},
            ]
        )


class Organizations(Api):
    needs: ClassVar[set[str]] = {"user", "read:org"}

    def get(self) -> None:
        mine = [
            {"login": org["login"], "id": org["id"]}
            for name, org in self.world.organizations.items()
            if self.world.is_member(self.person["login"], name) and not org.get("restricted")
        ]
        self.pages(mine)


class Teams(Api):
    needs: ClassVar[set[str]] = {"user", "repo", "read:org"}

    def get(self) -> None:
        teams = [entry.split(":") for entry in self.person.get("teams", [])]
        ids = {name: n for n, name in enumerate(sorted(self.world.teams), 1000001)}
        self.pages(
            [
                {"slug": team, "name": team, "id": ids[f"{org}:{team}"], "organization": {"login": org}}
                for org, team in teams
            ]
        )


class OwnMembership(Api):
    needs: ClassVar[set[str]] = {"user", "read:org"}

    def get(self, organization: str) -> None:
        membership = self.world.membership(self.person["login"], organization)
        if membership is None:
            self.fail(404, "Not Found")
        else:
            state = "pending" if membership == "pending" else "active"
            self.answer({"state": state, "role": "member", "organization": {"login": organization}})


class Member(Api):
    """204 member, 404 none, 302 when the asker may only see who is a member in public."""

    def get(self, organization: str, login: str) -> None:
        found = self.world.organizations.get(organization.lower())
        if found is None:
            self.fail(404, "Not Found")
        elif found.get("restricted"):
            self.fail(403, RESTRICTED.format(organization))
        elif not (self.reads_organizations and self.world.is_member(self.person["login"], organization)):
            self.redirect(self.request.path.replace("/members/", "/public_members/"), status=302)
        elif self.world.is_member(login, organization):
            self.set_status(204)
        else:
            self.fail(404, "User does not exist or is not a member of the organization")


class PublicMember(Api):
    def get(self, organization: str, login: str) -> None:
        if self.world.membership(login, organization) == "public":
            self.set_status(204)
        else:
            self.fail(404, "Not Found")


class TeamMember(Api):
    """Seen by members of the organization only. `members` is the older way to ask, `memberships` the newer one."""

    def get(self, organization: str, team: str, way: str, login: str) -> None:
        sees = self.reads_organizations and self.world.is_member(self.person["login"], organization)
        if not sees or not self.world.in_team(login, organization, team):
            self.fail(404, "Not Found")
        elif way == "members":
            self.set_status(204)
        else:
            self.answer({"state": "active", "role": "member"})


class Control(web.RequestHandler):
    """POST {"mode": "ok"} or "error" (+ status), "slow" (+ seconds), "rate-limit", "secondary-rate-limit" (+ status),
    "not-modified", "drop", "garbage" (+ body); + "path" for a part only.

    POST {"revoke": login} ends a person's tokens; {"person": {...}} replaces a person; {"rename": [old, new]};
    {"scopes": [...]} grants no others, {"scopes": null} all; {"reset": true} makes everything as it was at the start. GET tells mode and requests.
    """

    def get(self) -> None:
        world: World = self.application.settings["world"]
        self.write({"mode": world.mode, "requests": world.requests})

    def post(self) -> None:
        world: World = self.application.settings["world"]
        order = json.loads(self.request.body)
        if order.get("reset"):
            world.reset()
        if "mode" in order:
            world.mode = order
        if "revoke" in order:
            world.tokens = {k: v for k, v in world.tokens.items() if v["login"].lower() != order["revoke"].lower()}
        if "person" in order:
            world.people[order["person"]["login"].lower()] = order["person"]
        if "rename" in order:
            world.rename(*order["rename"])
        if "scopes" in order:
            world.scopes = order["scopes"]
        world.requests.clear()
        self.write({"mode": world.mode})


def application(document: dict[str, Any]) -> web.Application:
    api: list[tuple[str, type[Api]]] = [
        ("/user", User),
        ("/user/emails", Emails),
        ("/user/orgs", Organizations),
        ("/user/teams", Teams),
        ("/user/memberships/orgs/([^/]+)", OwnMembership),
        ("/orgs/([^/]+)/members/([^/]+)", Member),
        ("/orgs/([^/]+)/public_members/([^/]+)", PublicMember),
        ("/orgs/([^/]+)/teams/([^/]+)/(members|memberships)/([^/]+)", TeamMember),
    ]
    return web.Application(
        [
            ("/login/oauth/authorize", Authorize),
            ("/login/oauth/access_token", AccessToken),
            ("/_control", Control),
            *((f"(?:/api/v3)?{path}", handler) for path, handler in api),
        ],
        world=World(document),
    )


async def serve(arguments: argparse.Namespace, document: dict[str, Any]) -> None:
    port, address = arguments.port, arguments.address
    github = application(document)
    github.listen(port, address)
    if arguments.tls_port:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(arguments.certificate, arguments.key)
        github.listen(arguments.tls_port, address, ssl_options=tls)
    print(f"GitHub's stand-in listens on {address or '*'}:{port}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--address", default="")
    parser.add_argument("--people", type=Path, required=True, help="JSON; see tests/standins/people.json")
    parser.add_argument("--tls-port", type=int, help="where it answers over TLS too, with --certificate and --key")
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments, json.loads(arguments.people.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
