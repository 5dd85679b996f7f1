"""The client of registries against the CNCF's distribution, over TLS with an authority of its own: open, with logins, and with tokens."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from jlddev.clusters import programs
from jlddev.support.errors import Unsupported
from jldhub.images.registry.client import RegistryClient
from jldhub.images.registry.credentials import Keyring
from jldhub.images.registry.errors import ImageUnknown, RegistryLoginRefused, RegistryUnavailable
from jldhub.images.registry.reference import Repository, parse
from jldhub.images.tags.grammar import grammar
from jldhub.images.tags.series import Series

from tests.ports import free_port
from tests.standins.registry import TokenServer

from .front_door import certificate_for
from .registry import HTPASSWD, PASSWORD, USER, Registry, write_tags

AMD, ARM = {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64", "variant": "v8"}
ATTESTATION = {"os": "unknown", "architecture": "unknown"}
MANY = [
    f"d_{year}_{month:02}_{day:02}_rsp{year - 2000}"
    for year in range(2019, 2049)
    for month in range(1, 13)
    for day in range(1, 29)
]
MANY = MANY[:9_999]


class Images:
    """What is in the folder of the registries: repositories `lab`, with many tags, `public/lab` and `single`."""

    def __init__(self, certificate: Path, storage: Path, folder: Path) -> None:
        self.certificate, self.storage = certificate, storage
        self.open = Registry(folder / "open", storage, certificate)
        self.open.start()
        self.lab = self.open.push("lab", "w_2026_21", [AMD, ARM, ATTESTATION])
        self.open.push("public/lab", "w_2026_21", [AMD])
        self.single = self.open.push("single", "1.0.0", [])
        write_tags(storage, "lab", self.lab, MANY)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[..., None]) -> Iterator[Images]:
    try:
        programs.build_registry()
    except Unsupported as reason:
        pytest.skip(str(reason))
    describe_level("hub", "the CNCF's distribution as a registry; stand-ins: its token server, hostile registries")
    certificate = certificate_for("localhost", tmp_path_factory.mktemp("certificate"))
    images = Images(certificate, tmp_path_factory.mktemp("storage"), tmp_path_factory.mktemp("registries"))
    yield images
    images.open.stop()


@pytest.fixture
def registry(images: Images, tmp_path: Path) -> Iterator[Callable[..., Registry]]:
    """Starts a registry over the same images, with its own way to log in."""
    started: list[Registry] = []

    def start(**auth: dict[str, str]) -> Registry:
        started.append(Registry(tmp_path / f"registry-{len(started)}", images.storage, images.certificate, auth))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()


def client(images: Images, host: str = "", user: str = USER, password: str = PASSWORD) -> RegistryClient:
    """With a login for a host, or without."""
    auths = {host: {"username": user, "password": password}} if host else {}
    return RegistryClient(
        Keyring.read({"the pull Secret": json.dumps({"auths": auths})}), images.certificate / "ca.crt"
    )


def named(registry: Registry, path: str = "lab") -> Repository:
    return parse(f"{registry.host}/{path}").repository


async def test_ten_thousand_tags(images: Images) -> None:
    async with client(images) as asking:
        tags = await asking.tags(named(images.open))

    assert len(tags) == 10_000
    assert set(tags) == {*MANY, "w_2026_21"}
    newest = Series.read(tags, grammar("lsst")).first({"daily": 1, "weekly": 1})
    assert [tag.name for tag in newest] == ["w_2026_21", max(MANY)]


async def test_the_digest_of_an_image_is_the_one_of_all_its_architectures(images: Images) -> None:
    async with client(images) as asking:
        digest = await asking.digest(named(images.open), "w_2026_21")
        contents = await asking.contents(named(images.open), digest)

    assert digest == images.lab
    assert contents == {"amd64": 2, "arm64": 2}  # of a configuration without layers


async def test_an_image_for_one_architecture_does_not_name_it(images: Images) -> None:
    async with client(images) as asking:
        assert await asking.digest(named(images.open, "single"), "1.0.0") == images.single
        assert await asking.contents(named(images.open, "single"), images.single) == {"": 2}


async def test_digests_of_several_tags(images: Images) -> None:
    async with client(images) as asking:
        digests = await asking.digests(named(images.open), [*MANY[:40], "w_2026_21", "w_1999_01", "w_2026_21"])

    assert digests == dict.fromkeys([*MANY[:40], "w_2026_21"], images.lab)


@pytest.mark.parametrize("path", ["none", "some/thing/else"])
async def test_a_repository_that_does_not_exist(images: Images, path: str) -> None:
    async with client(images) as asking:
        with pytest.raises(ImageUnknown, match=f"^{images.open.host}/{path}: the registry does not have it"):
            await asking.tags(named(images.open, path))


async def test_a_tag_that_does_not_exist(images: Images) -> None:
    async with client(images) as asking:
        with pytest.raises(ImageUnknown, match=f"^{images.open.host}/lab:w_1999_01: the registry does not have it"):
            await asking.digest(named(images.open), "w_1999_01")


async def test_an_authority_that_is_not_known(images: Images) -> None:
    async with RegistryClient() as asking:
        with pytest.raises(RegistryUnavailable, match="the certificate of localhost is not trusted"):
            await asking.tags(named(images.open))


@pytest.fixture
def htpasswd(registry: Callable[..., Registry], tmp_path: Path) -> Registry:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    return registry(htpasswd={"realm": "the registry, of tests", "path": str(tmp_path / "htpasswd")})


async def test_a_login_by_password(images: Images, htpasswd: Registry) -> None:
    async with client(images, f"https://{htpasswd.host}/v2/") as asking:
        assert len(await asking.tags(named(htpasswd))) == 10_000
        assert await asking.digest(named(htpasswd), "w_2026_21") == images.lab


@pytest.mark.parametrize(
    ("user", "password", "why"),
    [
        ("", "", "localhost wants a login. Give one for this host with a pull Secret"),
        (USER, "not-the-pa55word", "localhost refuses the login. Correct the login in the pull Secret"),
        ("bob", PASSWORD, "localhost refuses the login. Correct the login in the pull Secret"),
    ],
)
async def test_a_login_by_password_that_is_wrong(
    images: Images, htpasswd: Registry, user: str, password: str, why: str
) -> None:
    async with client(images, htpasswd.host if user else "", user, password) as asking:
        with pytest.raises(RegistryLoginRefused) as told:
            await asking.tags(named(htpasswd))

    assert str(told.value).startswith(f"{htpasswd.host}/lab: {why}")
    assert not password or password not in str(told.value)


@pytest.fixture
async def tokens(images: Images) -> AsyncIterator[TokenServer]:
    async with TokenServer(images.certificate, free_port(), {USER: PASSWORD}) as tokens:
        yield tokens


@pytest.fixture
def with_tokens(tokens: TokenServer, registry: Callable[..., Registry], tmp_path: Path) -> Registry:
    keys = tmp_path / "keys.json"
    keys.write_text(tokens.keys)
    return registry(
        token={"realm": f"{tokens.url}/token", "service": "tests", "issuer": "jld-tests", "jwks": str(keys)}
    )


async def test_a_token_for_a_login(images: Images, tokens: TokenServer, with_tokens: Registry) -> None:
    async with client(images, with_tokens.host) as asking:
        assert len(await asking.tags(named(with_tokens))) == 10_000
        assert await asking.digest(named(with_tokens), "w_2026_21") == images.lab

    assert tokens.asked == ["GET /token?scope=repository:lab:pull&service=tests"]


async def test_a_token_for_nobody(images: Images, tokens: TokenServer, with_tokens: Registry) -> None:
    """What is public needs no login, and what is not says so."""
    async with client(images) as asking:
        assert await asking.tags(named(with_tokens, "public/lab")) == ["w_2026_21"]
        with pytest.raises(RegistryLoginRefused, match="localhost wants a login"):
            await asking.tags(named(with_tokens))

    assert all("Authorization" not in request.headers for request in tokens.requests)


async def test_a_login_that_the_token_server_refuses(images: Images, with_tokens: Registry) -> None:
    async with client(images, with_tokens.host, password="not-the-pa55word") as asking:
        with pytest.raises(RegistryLoginRefused, match="localhost refuses the login") as told:
            await asking.tags(named(with_tokens))

    assert "not-the-pa55word" not in str(told.value)


async def test_a_token_that_is_not_valid_any_more_is_renewed(
    images: Images, tokens: TokenServer, with_tokens: Registry, tmp_path: Path
) -> None:
    async with client(images, with_tokens.host) as asking:
        assert await asking.digest(named(with_tokens), "w_2026_21") == images.lab
        tokens.new_key()
        (tmp_path / "keys.json").write_text(tokens.keys)
        with_tokens.stop()
        with_tokens.start()

        assert await asking.digest(named(with_tokens), "w_2026_21") == images.lab

    assert len(tokens.asked) == 2
