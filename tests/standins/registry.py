"""Stands in for registries as they should not be, and for a token server that the real one trusts. Both over TLS, in the test's process.

A registry answers as the OCI distribution specification says until it is given faults: of the next requests each has one, and where there is
one for `always`, all have it.
"""

import asyncio
import base64
import hashlib
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """At `localhost`, by the certificate in the files tls.crt and tls.key of `folder`. It remembers what it was asked."""

    def __init__(self, folder: Path, port: int) -> None:
        self.host = f"localhost:{port}"
        self.url = f"https://{self.host}"
        self.requests: list[web.Request] = []
        self._port = port
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(folder / "tls.crt", folder / "tls.key")

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._remember)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def asked(self) -> list[str]:
        """Method, path and query of each request."""
        return [f"{request.method} {request.path_qs}" for request in self.requests]

    async def _remember(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await self.answer(request)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raise NotImplementedError


class Registry(Server):
    """With the tags of one repository, whose images are all the same.

    `links` says whether an answer that is not the last one has a Link, `challenge` what is said with 401 to who does not come with `authorization`.
    """

    def __init__(self, folder: Path, port: int, tags: list[str]) -> None:
        super().__init__(folder, port)
        self.tags: Any = tags
        self.page = 1000  # tags of an answer, at the most
        self.links, self.etags = True, False
        self.challenge, self.authorization = "", ""
        self.faults: list[Fault] = []
        self.always: Fault | None = None
        self.manifest = b'{"schemaVersion": 2, "manifests": []}'

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.faults or self.always:
            return await (self.faults.pop(0) if self.faults else self.always)(request)  # type: ignore[misc]
        if self.challenge and request.headers.get("Authorization") != self.authorization:
            return web.json_response({"errors": []}, status=401, headers={"WWW-Authenticate": self.challenge})
        if request.path.endswith("/tags/list"):
            return self._list(request)
        if request.path.rpartition("/")[2] not in {*self.tags, self.digest}:
            return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)
        return web.Response(body=self.manifest, headers={"Docker-Content-Digest": self.digest})

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.manifest).hexdigest()}"

    def _list(self, request: web.Request) -> web.Response:
        tags: list[str] = sorted(tag for tag in self.tags if tag > request.query.get("last", ""))
        size = min(int(request.query.get("n", self.page)), self.page)
        headers = {}
        if self.links and len(tags) > size:
            headers["Link"] = f'</v2/lab/tags/list?last={tags[size - 1]}&n={size}>; rel="next"'
        body = json.dumps({"name": "lab", "tags": tags[:size] or None}).encode()
        if self.etags:
            headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()}"'
            if request.headers.get("If-None-Match") == headers["ETag"]:
                return web.Response(status=304, headers=headers)
        return web.Response(body=body, headers=headers, content_type="application/json")


class TokenServer(Server):
    """Gives tokens that distribution takes: signed, for the actions that the login may do. `logins` are passwords by user name.

    Without a login it gives a token for repositories below `public/` alone.
    """

    def __init__(self, folder: Path, port: int, logins: Mapping[str, str]) -> None:
        super().__init__(folder, port)
        self.logins = logins
        self.new_key()

    def new_key(self) -> None:
        """Tokens that were given before are not valid any more, for who reads `keys` again."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = f"key-{time.monotonic_ns()}"

    @property
    def keys(self) -> str:
        """The public key, as JSON Web Key Set."""
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key()))
        return json.dumps({"keys": [{**public, "kid": self._name, "alg": "ES256", "use": "sig"}]})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        user = ""
        if given := request.headers.get("Authorization"):
            user, _, password = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
            if self.logins.get(user) != password:
                return web.json_response({"details": "incorrect username or password"}, status=401)
        kind, name, actions = request.query["scope"].split(":")
        may = ["pull"] if user or name.startswith("public/") else []
        now = int(time.time())
        claims = {
            "iss": "jld-tests",
            "sub": user,
            "aud": request.query["service"],
            "nbf": now - 60,
            "exp": now + 300,
            "iat": now,
            "access": [{"type": kind, "name": name, "actions": [each for each in actions.split(",") if each in may]}],
        }
        token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._name})
        return web.json_response({"token": token, "expires_in": 300})


def says(status: int, body: object = "", **headers: str) -> Fault:
    """An answer that is the same to everybody. Words of a header's name are joined by `_`."""

    async def answer(_: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, body=text.encode("utf-8", "surrogatepass"), headers=named)

    return answer


async def never(_: web.Request) -> web.Response:
    """Silence, until the client gives up."""
    await asyncio.Event().wait()
    raise AssertionError


async def drips(request: web.Request) -> web.StreamResponse:
    """A byte now and then, for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def half(request: web.Request) -> web.StreamResponse:
    """The first bytes of an answer, and then the end of the connection."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"name": "lab", "tags": ["w_2026_21"')
    assert request.transport is not None
    request.transport.close()
    return response


async def floods(request: web.Request) -> web.StreamResponse:
    """More than anybody wants to keep, without a word of how much comes."""
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    while True:
        await response.write(b"[" * 2**16)
        await asyncio.sleep(0)  # the client is in this process


async def hangs_up(request: web.Request) -> web.StreamResponse:
    """No answer, and the end of the connection."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()
