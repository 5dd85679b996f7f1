"""Which requests go through the HTTP proxy of the environment."""

import pytest
from jldhub.support.outbound import has_proxy, proxy_for

PROXY = "http://proxy.example.org:3128"
PAST = ".example.org,localhost,127.0.0.1,.svc,.cluster.local,10.96.0.1,jld-hub.jld"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("url", "through"),
    [
        ("https://github.com/login", True),
        ("https://quay.io/v2/", True),
        ("https://github.example.org/login", False),
        ("https://example.org", False),
        ("https://notexample.org", True),
        ("https://keycloak.auth.svc/realms", False),
        ("https://keycloak.auth.svc.cluster.local:8443/realms", False),
        ("https://10.96.0.1:443/api", False),
        ("http://jld-hub.jld:8081/hub/api", False),
        ("http://elsewhere.example.com", False),  # without TLS nothing leaves the cluster
    ],
)
def test_what_is_asked_through_the_proxy(environment: pytest.MonkeyPatch, url: str, through: bool) -> None:
    environment.setenv("HTTPS_PROXY", PROXY)
    environment.setenv("NO_PROXY", PAST)

    assert has_proxy()
    assert proxy_for(url) == (PROXY if through else None)


def test_without_a_proxy_nothing_is(environment: pytest.MonkeyPatch) -> None:
    assert not has_proxy()
    assert proxy_for("https://github.com") is None
