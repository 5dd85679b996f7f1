"""A stand-in for CILogon: an OpenID Connect provider with CILogon's paths and claims, for people from a file.

    python cilogon.py --port 8080 --people cilogon-people.json

It speaks discovery, authorization code with PKCE, signed ID tokens with their key set, refresh tokens and userinfo. Needs tornado,
PyJWT and cryptography, which JupyterHub and oauthenticator bring. POST `/_control` makes it fail; see `Control`.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import secrets
import time
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from tornado import httputil, web

CODE_SECONDS = 600


class World:
    """Who exists, what is out, and how CILogon feels today. A person is the claims that userinfo tells."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.client: dict[str, str] = document["client"]
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.requests: list[str] = []
        self.reset()

    def reset(self) -> None:
        """As on the first day."""
        self.people: dict[str, dict[str, Any]] = json.loads(json.dumps(self.document["people"]))
        self.codes: dict[str, dict[str, Any]] = {}
        self.access: dict[str, dict[str, Any]] = {}
        self.refresh: dict[str, str] = {}
        self.mode: dict[str, Any] = {"mode": "ok"}
        self.lives = 900  # seconds of an access token
        self.gives_refresh_tokens = True


class Handler(web.RequestHandler):
    @property
    def world(self) -> World:
        return self.application.settings["world"]  # type: ignore[no-any-return]

    @property
    def issuer(self) -> str:
        return f"{self.request.protocol}://{self.request.host}"

    async def prepare(self) -> None:
        self.world.requests.append(f"{self.request.method} {self.request.path}")
        mode = self.world.mode
        if not self.request.path.startswith(mode.get("path", "/")):
            return
        if mode["mode"] == "error":
            self.fail(mode.get("status", 500), "server_error")
        elif mode["mode"] == "slow":
            await asyncio.sleep(mode["seconds"])
        elif mode["mode"] == "drop":
            self.detach().close()
        elif mode["mode"] == "garbage":
            self.finish(mode.get("body", "<html>Maintenance</html>"))

    def fail(self, status: int, error: str, description: str = "") -> None:
        self.set_status(status)
        self.answer({"error": error} | ({"error_description": description} if description else {}))

    def answer(self, document: object) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(document))


class Discovery(Handler):
    def get(self) -> None:
        self.answer(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/oauth2/token",
                "userinfo_endpoint": f"{self.issuer}/oauth2/userinfo",
                "jwks_uri": f"{self.issuer}/oauth2/certs",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )


class Certificates(Handler):
    def get(self) -> None:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.world.key.public_key()))
        self.answer({"keys": [{**key, "kid": "1", "use": "sig", "alg": "RS256"}]})


class Authorize(Handler):
    """The page where people choose who they are. Who CILogon shows depends on `selected_idp`."""

    def get(self) -> None:
        if self.get_argument("client_id", "") != self.world.client["id"]:
            self.fail(400, "invalid_client")
        elif "openid" not in self.get_argument("scope", "").split():
            self.fail(400, "invalid_scope", "The scope must have openid.")
        else:
            buttons = "".join(
                f'<p><button name="login" value="{escape(login)}">Continue as {escape(login)}</button></p>'
                for login in self.world.people
            )
            self.finish(
                f'<!doctype html><title>CILogon</title><form method="post" action="{escape(self.request.uri or "")}">{buttons}</form>'
            )

    def post(self) -> None:
        login = self.get_body_argument("login", "")
        if login not in self.world.people:
            self._return(error="access_denied", error_description="The user has denied the request.")
            return
        if self.get_query_argument("redirect_uri", "") != self.world.client["callback"]:
            self.fail(400, "invalid_request", "The redirect_uri is not registered.")
            return
        code = secrets.token_hex(16)
        self.world.codes[code] = {
            "login": login,
            "challenge": self.get_query_argument("code_challenge", ""),
            "nonce": self.get_query_argument("nonce", ""),
            "expires": time.monotonic() + CODE_SECONDS,
        }
        self._return(code=code)

    def _return(self, **parameters: str) -> None:
        parameters["state"] = self.get_query_argument("state", "")
        self.redirect(httputil.url_concat(self.world.client["callback"], parameters))


class Token(Handler):
    def post(self) -> None:
        given = {name: values[0] for name, values in parse_qs(self.request.body.decode()).items()}
        scheme, _, encoded = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            given["client_id"], _, given["client_secret"] = base64.b64decode(encoded).decode().partition(":")
        client = self.world.client
        if (given.get("client_id"), given.get("client_secret")) != (client["id"], client["secret"]):
            self.fail(401, "invalid_client", "The client is not known, or its secret is wrong.")
        elif given.get("grant_type") == "refresh_token":
            login = self.world.refresh.pop(given.get("refresh_token", ""), None)
            if login is None:
                self.fail(400, "invalid_grant", "The refresh token is not known.")
            else:
                self._grant(login, "")
        else:
            code = self.world.codes.pop(given.get("code", ""), None)  # a code is good for one attempt
            if (
                code is None
                or code["expires"] < time.monotonic()
                or not _verifies(code, given.get("code_verifier", ""))
            ):
                self.fail(400, "invalid_grant", "The code is not known or expired.")
            else:
                self._grant(code["login"], code["nonce"])

    def _grant(self, login: str, nonce: str) -> None:
        world, now = self.world, int(time.time())
        access, refresh = f"at-{secrets.token_hex(16)}", f"rt-{secrets.token_hex(16)}"
        world.access[access] = {"login": login, "expires": time.monotonic() + world.lives}
        claims = {
            **world.people[login],
            "iss": self.issuer,
            "aud": world.client["id"],
            "iat": now,
            "exp": now + world.lives,
            "nonce": nonce,
        }
        claims["sub"] = str(claims.get("sub", ""))
        document: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": world.lives,
            "id_token": jwt.encode(claims, world.key, algorithm="RS256", headers={"kid": "1"}),
        }
        if world.gives_refresh_tokens:
            world.refresh[refresh] = login
            document["refresh_token"] = refresh
        self.answer(document)


def _verifies(code: dict[str, Any], verifier: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return not code["challenge"] or digest == code["challenge"]


class UserInfo(Handler):
    def get(self) -> None:
        scheme, _, value = self.request.headers.get("Authorization", "").partition(" ")
        token = self.world.access.get(value) if scheme.lower() == "bearer" else None
        if token is None or token["expires"] < time.monotonic() or token["login"] not in self.world.people:
            self.fail(401, "invalid_token", "The token is not known or expired.")
        elif self.world.mode["mode"] == "half":
            self.fail(500, "server_error")
        else:
            self.answer(self.world.people[token["login"]])


class Control(web.RequestHandler):
    """POST {"mode": "ok"} or "error" (+ status), "slow" (+ seconds), "drop", "garbage" (+ body); + "path" for a part only;
    "half" gives tokens, and fails those who come with them.

    POST {"claims": {login: {...}}} adds or replaces people; {"revoke": login} ends a person's tokens; {"lives": seconds} of later
    access tokens; {"refreshTokens": false} gives none; {"reset": true} makes everything as at the start. GET tells the requests.
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
        world.people |= order.get("claims", {})
        world.lives = order.get("lives", world.lives)
        world.gives_refresh_tokens = order.get("refreshTokens", world.gives_refresh_tokens)
        if "revoke" in order:
            world.access = {key: token for key, token in world.access.items() if token["login"] != order["revoke"]}
            world.refresh = {key: login for key, login in world.refresh.items() if login != order["revoke"]}
        world.requests.clear()


def application(document: dict[str, Any]) -> web.Application:
    return web.Application(
        [
            (r"/_control", Control),
            (r"/\.well-known/openid-configuration", Discovery),
            (r"/oauth2/certs", Certificates),
            (r"/authorize", Authorize),
            (r"/oauth2/token", Token),
            (r"/oauth2/userinfo", UserInfo),
        ],
        world=World(document),
    )


async def serve(port: int, address: str, document: dict[str, Any]) -> None:
    application(document).listen(port, address)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--address", default="")
    parser.add_argument("--people", type=Path, required=True, help="JSON; see tests/standins/cilogon-people.json")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.address, json.loads(arguments.people.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
