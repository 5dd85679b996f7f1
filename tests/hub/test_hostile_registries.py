"""The client of registries against those that are slow, broken, or after something: each ends in a sentence, and no login gets lost."""

import asyncio
import base64
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from jldhub.images.registry.client import RegistryClient
from jldhub.images.registry.credentials import Keyring
from jldhub.images.registry.errors import (
    ImageUnknown,
    RegistryAnswerUnusable,
    RegistryConfigurationError,
    RegistryError,
    RegistryLoginRefused,
    RegistryUnavailable,
)
from jldhub.images.registry.reference import Repository, parse
from jldhub.images.registry.transport import Limits

from tests.ports import free_port
from tests.standins import registry as standin
from tests.standins.http_proxy import Proxy

from .front_door import certificate_for

TAGS = [f"w_2026_{week:02}" for week in range(1, 53)]
QUICK = Limits(pause=0, pages=50, tags=10_000, answer=2**20)
PASSWORD = "pa55word-of-ann"
BASIC = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for("localhost", tmp_path_factory.mktemp("certificate"))


@pytest.fixture
async def server(certificate: Path) -> AsyncIterator[standin.Registry]:
    async with standin.Registry(certificate, free_port(), TAGS) as server:
        yield server


@pytest.fixture
async def elsewhere(certificate: Path) -> AsyncIterator[standin.Registry]:
    """A server that nobody should be led to. It takes any login, and gives a token for it."""
    async with standin.Registry(certificate, free_port(), []) as server:
        server.always = standin.says(200, {"token": "taken", "tags": ["from-elsewhere"]})
        yield server


@pytest.fixture
def keyring(server: standin.Registry) -> Keyring:
    auths = {"auths": {server.host: {"username": "ann", "password": PASSWORD}}}
    return Keyring.read({"the pull Secret": json.dumps(auths)})


@pytest.fixture
async def client(keyring: Keyring, certificate: Path) -> AsyncIterator[RegistryClient]:
    """With a login for the registry."""
    async with RegistryClient(keyring, certificate / "ca.crt", QUICK) as client:
        yield client


@pytest.fixture
def lab(server: standin.Registry) -> Repository:
    return parse(f"{server.host}/lab").repository


async def test_all_pages_by_link(server: standin.Registry, client: RegistryClient, lab: Repository) -> None:
    server.page = 10

    assert await client.tags(lab) == TAGS


async def test_all_pages_of_a_registry_that_loses_its_links(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.page, server.links = 10, False

    assert await client.tags(lab) == TAGS


async def test_a_registry_that_knows_no_pages_at_all(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    """It answers with all tags, whatever it is asked."""
    server.always = standin.says(200, {"tags": TAGS})

    assert await client.tags(lab) == TAGS
    assert len(server.asked) == 2


async def test_a_registry_that_refuses_to_go_on_from_a_tag(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.faults, server.always = [standin.says(200, {"tags": TAGS})], standin.says(400, {"errors": []})

    assert await client.tags(lab) == TAGS


async def test_a_registry_that_refuses_so_many_tags_in_an_answer(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.faults = [standin.says(400, {"errors": [{"code": "PAGINATION_NUMBER_INVALID"}]})]

    assert await client.tags(lab) == TAGS
    assert server.asked[1] == "GET /v2/lab/tags/list"


@pytest.mark.parametrize("tags", [None, []])
async def test_a_repository_without_tags(
    server: standin.Registry, client: RegistryClient, lab: Repository, tags: list[str] | None
) -> None:
    server.always = standin.says(200, {"name": "lab", "tags": tags})

    assert await client.tags(lab) == []


async def test_an_empty_page_amid_the_others(server: standin.Registry, client: RegistryClient, lab: Repository) -> None:
    server.faults = [standin.says(200, {"tags": None}, Link='</v2/lab/tags/list?last=a&n=5>; rel="next"')]

    assert await client.tags(lab) == TAGS


async def test_names_that_no_tag_can_have_are_left_out(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.faults = [standin.says(200, '{"tags": ["w_2026_01", "-x", "a b", "\\ud800", "", "' + "a" * 129 + '"]}')]

    assert await client.tags(lab) == TAGS


async def test_pages_that_did_not_change_are_not_sent_again(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.page, server.etags = 20, True
    first = await client.tags(lab)
    server.requests.clear()

    assert await client.tags(lab) == first == TAGS
    assert all("If-None-Match" in request.headers for request in server.requests)

    server.tags = [*TAGS, "w_2026_53"]
    assert await client.tags(lab) == [*TAGS, "w_2026_53"]


async def test_a_link_to_another_server_leads_to_the_same_one(
    server: standin.Registry, elsewhere: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    """Registries behind a proxy write addresses that are not theirs. Only what the Link asks for counts."""
    server.challenge, server.authorization = "Basic realm=registry", BASIC
    link = f'<{elsewhere.url}/v2/lab/tags/list?last=w_2026_10&n=10>; rel="next"'
    server.faults = [
        standin.says(401, WWW_Authenticate="Basic realm=registry"),
        standin.says(200, {"tags": TAGS[:10]}, Link=link),
    ]

    assert await client.tags(lab) == TAGS
    assert elsewhere.asked == []


LINK = '</v2/lab/tags/list?last=w_2026_01&n=1>; rel="next"'


@pytest.mark.parametrize(
    ("always", "why"),
    [
        (standin.says(200, {"tags": TAGS}, Link=LINK), "its list of tags leads in a circle"),
        (standin.says(200, {"tags": None}, Link=LINK), "its list of tags leads in a circle"),
        (standin.says(200, {"tags": TAGS}, Link='<>; rel="next"'), "its list of tags leads in a circle"),
        (standin.says(200, {"tags": [f"t{n}" for n in range(20_000)]}), "does not end after 20000 tags on 1 pages"),
    ],
)
async def test_lists_that_do_not_end(
    server: standin.Registry, client: RegistryClient, lab: Repository, always: standin.Fault, why: str
) -> None:
    server.always = always

    with pytest.raises(RegistryAnswerUnusable, match=why):
        await client.tags(lab)


async def test_ever_new_links_to_the_same_tags_are_a_circle(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    async def same(request: standin.web.Request) -> standin.web.StreamResponse:
        link = f'</v2/lab/tags/list?page={len(server.requests)}>; rel="next"'
        return standin.web.json_response({"tags": TAGS}, headers={"Link": link})

    server.always = same

    with pytest.raises(RegistryAnswerUnusable, match="its list of tags leads in a circle"):
        await client.tags(lab)
    assert len(server.asked) == 2


async def test_a_list_with_ever_new_pages_ends(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    async def more(request: standin.web.Request) -> standin.web.StreamResponse:
        number = len(server.requests)
        link = f'</v2/lab/tags/list?last=t{number}>; rel="next"'
        return standin.web.json_response({"tags": [f"t{number}"]}, headers={"Link": link})

    server.always = more

    with pytest.raises(RegistryAnswerUnusable, match="does not end after 50 tags on 50 pages"):
        await client.tags(lab)


WEB_PAGE = standin.says(200, "<html>Welcome to our proxy</html>", Content_Type="text/html")


@pytest.mark.parametrize(
    ("always", "failure", "why"),
    [
        (WEB_PAGE, RegistryAnswerUnusable, "the registry answers with a web page"),
        (standin.says(200, '{"tags": ["a"'), RegistryAnswerUnusable, "what is no JSON object"),
        (standin.says(200, "[" * 200_000), RegistryAnswerUnusable, "what is no JSON object"),
        (standin.says(200, '["a"]'), RegistryAnswerUnusable, "what is no JSON object"),
        (standin.says(200, {"tags": "a"}), RegistryAnswerUnusable, "its list of tags is none"),
        (standin.says(200, {"tags": [1]}), RegistryAnswerUnusable, "its list of tags is none"),
        (standin.says(200, {"tags": {"a": 1}}), RegistryAnswerUnusable, "its list of tags is none"),
        (standin.says(200, b"\x1f\x8b".decode("latin-1"), Content_Encoding="gzip"), RegistryAnswerUnusable, "JSON"),
        (standin.says(304), RegistryAnswerUnusable, "the registry answers 304"),
        (standin.says(418), RegistryAnswerUnusable, "the registry answers 418"),
        (standin.says(404, {"errors": [{"code": "NAME_UNKNOWN"}]}), ImageUnknown, "the registry does not have it"),
        (standin.says(403), RegistryLoginRefused, "localhost forbids to read it"),
        (standin.says(500), RegistryUnavailable, "localhost answers 500"),
        (standin.says(503, Retry_After="0"), RegistryUnavailable, "localhost answers 503"),
        (standin.floods, RegistryAnswerUnusable, "localhost answers with more than 1 MiB"),
        (standin.half, RegistryUnavailable, "localhost ends the connection within its answer"),
        (standin.hangs_up, RegistryUnavailable, "localhost ends the connection within its answer"),
        (
            standin.says(302, Location="https://other.example.org/v2/?a=b"),
            RegistryAnswerUnusable,
            "redirects to other.example.org. ",
        ),
        (standin.says(302, Location="https://[x"), RegistryAnswerUnusable, "redirects to no valid address"),
        (
            standin.says(200, {"tags": []}, X="a" * 100_000),
            RegistryUnavailable,
            "does not speak HTTP as a registry does",
        ),
    ],
)
async def test_answers_that_cannot_be_used(
    server: standin.Registry,
    client: RegistryClient,
    lab: Repository,
    always: standin.Fault,
    failure: type[RegistryError],
    why: str,
) -> None:
    server.always = always

    with pytest.raises(failure) as told:
        await client.tags(lab)

    assert str(told.value).startswith(f"{lab}: ")
    assert why in str(told.value)
    assert PASSWORD not in str(told.value)


@pytest.mark.parametrize("path", ["/v2/lab/tags/list", "/token"])
@pytest.mark.parametrize("silence", [standin.never, standin.drips])
async def test_silence_ends(
    server: standin.Registry,
    keyring: Keyring,
    certificate: Path,
    lab: Repository,
    silence: standin.Fault,
    path: str,
) -> None:
    async def always(request: standin.web.Request) -> standin.web.StreamResponse:
        refused = standin.says(401, WWW_Authenticate=f'Bearer realm="{server.url}/token"')
        return await (silence if request.path == path else refused)(request)

    server.always = always

    async with RegistryClient(keyring, certificate / "ca.crt", replace(QUICK, request=2, attempts=1)) as client:
        with pytest.raises(RegistryUnavailable, match="localhost does not answer in time"):
            await client.tags(lab)


async def test_a_list_that_takes_too_long_as_a_whole_ends(
    server: standin.Registry, certificate: Path, lab: Repository
) -> None:
    server.always = standin.never

    async with RegistryClient(None, certificate / "ca.crt", replace(QUICK, listing=0.2)) as client:
        with pytest.raises(RegistryUnavailable, match=r"its list of tags takes longer than 0\.2 s"):
            await client.tags(lab)


@pytest.mark.parametrize("fault", [standin.says(500), standin.says(429), standin.half, standin.hangs_up])
async def test_what_passes_is_waited_for(
    server: standin.Registry, client: RegistryClient, lab: Repository, fault: standin.Fault
) -> None:
    server.faults = [fault, fault]

    assert await client.tags(lab) == TAGS


async def test_a_registry_that_wants_to_be_left_alone_for_a_moment(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.faults = [standin.says(429, Retry_After="1")]
    before = datetime.now(UTC)

    assert await client.tags(lab) == TAGS
    assert datetime.now(UTC) - before >= timedelta(seconds=1)


@pytest.mark.parametrize(
    "when", [lambda: "3600", lambda: format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)]
)
async def test_a_registry_that_wants_to_be_left_alone_for_long_is(
    server: standin.Registry, client: RegistryClient, lab: Repository, when: Callable[[], str]
) -> None:
    server.always = standin.says(429, Retry_After=when())

    with pytest.raises(
        RegistryUnavailable, match="limits how often it is asked and wants to be left alone for"
    ) as told:
        await client.tags(lab)

    assert told.value.retry_after is not None
    assert 3000 < told.value.retry_after <= 3600
    assert len(server.asked) == 1


@pytest.mark.parametrize("retry_after", ["soon", "-5", "Mon, 99 Foo 2026 99:99:99 GMT", "9" * 400, "\u00b2"])
async def test_a_wish_that_means_nothing_is_not_waited_for(
    server: standin.Registry, client: RegistryClient, lab: Repository, retry_after: str
) -> None:
    server.always = standin.says(429, Retry_After=retry_after)

    with pytest.raises(RegistryUnavailable, match="limits how often it is asked"):
        await client.tags(lab)


# Logins


async def test_a_login_is_sent_when_it_is_asked_for(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.challenge, server.authorization, server.page = 'Basic realm="a, b"', BASIC, 10

    assert await client.tags(lab) == TAGS
    assert [request.headers.get("Authorization") for request in server.requests][:3] == [None, BASIC, BASIC]


async def test_a_token_is_kept_and_got_again_when_it_is_refused(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    scope = "repository:lab:pull,push"
    server.challenge = f'Bearer realm="{server.url}/token?a=b",service="registry",scope="{scope}"'

    async def token(request: standin.web.Request) -> standin.web.StreamResponse:
        assert dict(request.query) == {"a": "b", "service": "registry", "scope": scope}
        assert request.headers["Authorization"] == BASIC
        server.authorization = f"Bearer token-{len(server.requests)}"
        return standin.web.json_response({"access_token": server.authorization.removeprefix("Bearer ")})

    refused = standin.says(401, WWW_Authenticate=server.challenge)
    server.faults = [refused, token]
    assert await client.tags(lab) == TAGS
    assert sum("/token" in asked for asked in server.asked) == 1

    server.authorization = "Bearer of another day"
    server.faults = [refused, token]
    assert await client.tags(lab) == TAGS
    assert sum("/token" in asked for asked in server.asked) == 2


async def test_many_requests_at_a_time_get_one_token(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.challenge = f'Bearer realm="{server.url}/token"'

    async def answer(request: standin.web.Request) -> standin.web.StreamResponse:
        if request.path == "/token":
            return standin.web.json_response({"token": "valid"})
        if request.headers.get("Authorization") != "Bearer valid":
            return await standin.says(401, WWW_Authenticate=server.challenge)(request)
        return standin.web.Response(headers={"Docker-Content-Digest": server.digest})

    server.always = answer

    assert await client.digests(lab, TAGS) == dict.fromkeys(TAGS, server.digest)
    assert sum("/token" in asked for asked in server.asked) == 1


@pytest.mark.parametrize(
    ("challenge", "why"),
    [
        ("Basic realm=registry", "localhost refuses the login"),
        ('Bearer realm="{server}/token"', "localhost refuses the login"),
        ('Bearer realm="{elsewhere}/token"', "localhost wants a token from 127.0.0.1, which does not belong to it"),
        ('Bearer realm="https://auth.example.org/token"', "wants a token from auth.example.org, which does not belong"),
        ('Bearer realm="{plain}/token"', "localhost names no token server with an https address"),
        ('Bearer realm="https://ann:x@localhost/token"', "names no token server with an https address"),
        ('Bearer realm="/token"', "names no token server with an https address"),
        ('Bearer realm="https://[x"', "names no token server with an https address"),
        ("Bearer", "names no token server with an https address"),
        ("Negotiate", "wants a login that is neither Basic nor Bearer"),
        ("", "wants a login that is neither Basic nor Bearer"),
    ],
)
async def test_logins_that_lead_nowhere(
    server: standin.Registry,
    elsewhere: standin.Registry,
    client: RegistryClient,
    lab: Repository,
    challenge: str,
    why: str,
) -> None:
    """Whatever is sent, the registry says 401 again. The login is sent to it alone, and only over TLS."""
    names = {"server": server.url, "plain": server.url.replace("https", "http")}
    challenge = challenge.format(**names, elsewhere=elsewhere.url.replace("localhost", "127.0.0.1"))

    async def always(request: standin.web.Request) -> standin.web.StreamResponse:
        if request.path == "/token":
            return standin.web.json_response({"token": f"token-{len(server.requests)}"})
        return await standin.says(401, WWW_Authenticate=challenge)(request)

    server.always = always

    with pytest.raises(RegistryError) as told:
        await client.tags(lab)

    assert why in str(told.value)
    assert PASSWORD not in str(told.value)
    assert BASIC not in str(told.value)
    assert elsewhere.asked == []
    assert len(server.asked) <= 4


@pytest.mark.parametrize(
    ("answer", "failure", "why"),
    [
        (standin.says(401), RegistryLoginRefused, "localhost refuses the login"),
        (standin.says(403), RegistryLoginRefused, "localhost refuses the login"),
        (standin.says(500), RegistryUnavailable, "localhost answers 500"),
        (standin.says(404), RegistryAnswerUnusable, "the token server localhost gives no token (404)"),
        (standin.says(200, "<html>"), RegistryAnswerUnusable, "the token server localhost gives no token (200)"),
        (standin.says(200, {"token": 5}), RegistryAnswerUnusable, "gives no token"),
        (standin.says(200, {"token": "a\r\nX-Injected: 1"}), RegistryAnswerUnusable, "gives no token"),
        (standin.says(200, {"token": "a" * 40_000}), RegistryAnswerUnusable, "gives no token"),
        (standin.says(200, ["token"]), RegistryAnswerUnusable, "gives no token"),
        (
            standin.says(302, Location="https://other.example.org/"),
            RegistryAnswerUnusable,
            "redirects to other.example.org",
        ),
        (standin.floods, RegistryAnswerUnusable, "more than 1 MiB"),
    ],
)
async def test_token_servers_that_give_none(
    server: standin.Registry,
    client: RegistryClient,
    lab: Repository,
    answer: standin.Fault,
    failure: type[RegistryError],
    why: str,
) -> None:
    async def always(request: standin.web.Request) -> standin.web.StreamResponse:
        refused = standin.says(401, WWW_Authenticate=f'Bearer realm="{server.url}/token"')
        return await (answer if request.path == "/token" else refused)(request)

    server.always = always

    with pytest.raises(failure) as told:
        await client.tags(lab)

    assert why in str(told.value)
    assert PASSWORD not in str(told.value)


async def test_who_has_no_login_is_told_so(server: standin.Registry, certificate: Path, lab: Repository) -> None:
    server.challenge = "Basic realm=registry"

    async with RegistryClient(authority=certificate / "ca.crt", limits=QUICK) as client:
        with pytest.raises(
            RegistryLoginRefused, match=r"localhost wants a login\. Give one for this host with a pull Secret"
        ):
            await client.tags(lab)


# Images


async def test_a_digest_that_the_registry_does_not_say_is_computed(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.always = standin.says(200, "a manifest")

    assert await client.digest(lab, "w_2026_01") == f"sha256:{hashlib.sha256(b'a manifest').hexdigest()}"
    assert server.asked == ["HEAD /v2/lab/manifests/w_2026_01", "GET /v2/lab/manifests/w_2026_01"]


@pytest.mark.parametrize("digest", ["sha256:0", "sha512:" + "0" * 128, "../x"])
async def test_a_digest_that_is_none(
    server: standin.Registry, client: RegistryClient, lab: Repository, digest: str
) -> None:
    server.always = standin.says(200, Docker_Content_Digest=digest)

    with pytest.raises(RegistryAnswerUnusable, match=f"^{lab}:w_2026_01: its digest is none by SHA-256"):
        await client.digest(lab, "w_2026_01")


async def test_one_of_many_digests_that_fails_is_told_as_it_is(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.faults = [standin.says(403)]

    with pytest.raises(RegistryLoginRefused):
        await client.digests(lab, TAGS)


async def test_an_image_of_another_digest_is_not_taken(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    server.always = standin.says(200, '{"manifests": []}')

    with pytest.raises(RegistryAnswerUnusable, match="its manifest does not have this digest"):
        await client.contents(lab, server.digest)


@pytest.mark.parametrize("manifests", [5, "x", None, {}])
async def test_an_index_that_is_none(
    server: standin.Registry, client: RegistryClient, lab: Repository, manifests: object
) -> None:
    server.manifest = json.dumps({"manifests": manifests}).encode()

    with pytest.raises(RegistryAnswerUnusable, match="its index does not list manifests"):
        await client.contents(lab, server.digest)


LINUX = {"os": "linux", "architecture": "arm64", "variant": "v8"}


@pytest.mark.parametrize("digest", [None, 5, "x", "sha256:0", ["sha256:" + 64 * "0"]])
async def test_a_part_of_an_index_without_a_digest(
    server: standin.Registry, client: RegistryClient, lab: Repository, digest: object
) -> None:
    server.manifest = json.dumps({"manifests": [{"platform": LINUX, "digest": digest}]}).encode()

    with pytest.raises(RegistryAnswerUnusable, match="its index has a part without a digest"):
        await client.contents(lab, server.digest)


async def test_parts_that_no_node_is_sent_to_are_not_asked_for(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    platforms = [
        {"os": "unknown", "architecture": "unknown"},
        {"os": "windows", "architecture": "amd64"},
        {"os": "linux"},
        {"os": "linux", "architecture": 5},
        {"os": "linux", "architecture": "<script>"},
        {"os": "linux", "architecture": "a" * 33},
        None,
        [1],
        "linux/amd64",
    ]
    server.manifest = json.dumps({"manifests": [{"platform": each} for each in platforms] + [{}, 5, "x"]}).encode()

    assert await client.contents(lab, server.digest) == {}
    assert server.asked == [f"GET /v2/lab/manifests/{server.digest}"]


@pytest.mark.parametrize("layers", [None, 5, "x", {}, [{}] * 1001])
async def test_an_image_without_layers(
    server: standin.Registry, client: RegistryClient, lab: Repository, layers: object
) -> None:
    server.manifest = json.dumps({"config": {"size": 1}, "layers": layers}).encode()

    with pytest.raises(RegistryAnswerUnusable, match="its manifest does not list layers"):
        await client.contents(lab, server.digest)


@pytest.mark.parametrize("size", [None, "5", -1, 1.5, True, 2**50, [], "NaN"])
@pytest.mark.parametrize("place", ["config", "layers"])
async def test_a_size_that_is_none(
    server: standin.Registry, client: RegistryClient, lab: Repository, size: object, place: str
) -> None:
    manifest = {"config": {"size": 1}, "layers": [{"size": 1}]} | {
        place: {"size": size} if place == "config" else [{"size": size}]
    }
    server.manifest = json.dumps(manifest).encode()

    with pytest.raises(RegistryAnswerUnusable, match="its manifest does not tell sizes"):
        await client.contents(lab, server.digest)


async def test_sizes_that_are_together_more_than_any_node_has(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    """A catalogue with them would not be read again."""
    server.manifest = json.dumps({"config": {"size": 1}, "layers": [{"size": 2**49}] * 2}).encode()

    with pytest.raises(RegistryAnswerUnusable, match="its manifest does not tell sizes"):
        await client.contents(lab, server.digest)


async def test_a_mirror_that_has_only_some_parts_of_an_index(
    server: standin.Registry, client: RegistryClient, lab: Repository
) -> None:
    part = json.dumps({"config": {"size": 3}, "layers": [{"size": 4}]}).encode()
    parts = {"amd64": hashlib.sha256(part).hexdigest(), "arm64": 64 * "0"}
    manifests = [
        {"platform": {"os": "linux", "architecture": name}, "digest": f"sha256:{each}"} for name, each in parts.items()
    ]
    index = json.dumps({"manifests": manifests}).encode()
    server.faults = [standin.says(200, index.decode()), standin.says(200, part.decode()), standin.says(404)]

    assert await client.contents(lab, f"sha256:{hashlib.sha256(index).hexdigest()}") == {"amd64": 7}


async def test_the_size_of_an_image(server: standin.Registry, client: RegistryClient, lab: Repository) -> None:
    server.manifest = json.dumps({"config": {"size": 3}, "layers": [{"size": 2**40}, {"size": 0}]}).encode()

    assert await client.contents(lab, server.digest) == {"": 2**40 + 3}


# Ways to a registry


async def test_an_authority_that_is_not_trusted(server: standin.Registry, lab: Repository) -> None:
    async with RegistryClient(limits=QUICK) as client:
        with pytest.raises(
            RegistryUnavailable, match=r"the certificate of localhost is not trusted \(.+\)\. Write the authority"
        ):
            await client.tags(lab)
    assert server.asked == []


async def test_a_certificate_for_another_name(server: standin.Registry, certificate: Path) -> None:
    lab = parse(f"{server.host.replace('localhost', '127.0.0.1')}/lab").repository

    async with RegistryClient(authority=certificate / "ca.crt", limits=QUICK) as client:
        with pytest.raises(RegistryUnavailable, match=r"the certificate of 127\.0\.0\.1 is not trusted"):
            await client.tags(lab)


async def test_a_registry_without_tls(certificate: Path) -> None:
    async def answer(reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, RegistryClient(authority=certificate / "ca.crt", limits=QUICK) as client:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(RegistryUnavailable, match="localhost speaks no TLS that is trusted today"):
            await client.tags(parse(f"localhost:{port}/lab").repository)


async def test_a_registry_that_is_not_there() -> None:
    async with RegistryClient(limits=QUICK) as client:
        with pytest.raises(RegistryUnavailable, match=r"localhost:\d+ takes no connection"):
            await client.tags(parse(f"localhost:{free_port()}/lab").repository)


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN])
async def test_a_registry_whose_name_is_not_known(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def ask(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "made up")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    async with RegistryClient(limits=QUICK) as client:
        with pytest.raises(RegistryUnavailable, match=r"the name registry\.invalid is not known"):
            await client.tags(parse("registry.invalid/lab").repository)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.crt"
    if content is not None:
        file.write_text(content)

    with pytest.raises(RegistryConfigurationError, match="it is no file with certificates"):
        RegistryClient(authority=file)


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    proxy = Proxy()
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://jld:{PASSWORD}@127.0.0.1:{server.sockets[0].getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield proxy


async def test_a_proxy_of_the_environment_is_used(
    server: standin.Registry, client: RegistryClient, lab: Repository, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await client.tags(lab) == TAGS
    assert proxy.asked == [server.host]


async def test_a_registry_in_no_proxy_is_asked_without_it(
    server: standin.Registry, client: RegistryClient, lab: Repository, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")

    assert await client.tags(lab) == TAGS
    assert proxy.asked == []


async def test_a_proxy_that_refuses(client: RegistryClient, lab: Repository, proxy: Proxy) -> None:
    proxy.status = 407

    with pytest.raises(RegistryUnavailable, match=r"the HTTP proxy refuses to connect to localhost \(407\)") as told:
        await client.tags(lab)

    assert PASSWORD not in str(told.value)


async def test_a_proxy_that_is_not_there(
    client: RegistryClient, lab: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://jld:{PASSWORD}@127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    with pytest.raises(RegistryUnavailable, match="the HTTP proxy cannot be reached") as told:
        await client.tags(lab)

    assert PASSWORD not in str(told.value)
