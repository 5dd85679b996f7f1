"""Who is let in, and how the front door answers."""

import httpx
import pytest
from jlddev.support.paths import BIN, CHECKOUT
from playwright.sync_api import Browser

from .person import sit_down
from .release import Release


def test_somebody_outside_the_organization_is_refused_with_the_reason(browser: Browser, release: Release) -> None:
    person = sit_down(browser, release)
    person.log_in_with_github("olga")
    text = person.page.locator("body").inner_text()
    assert "403" in text
    assert "olga" in text
    assert "lsst" in text
    person.screenshot("refused")
    person.open("/hub/spawn")
    assert "/hub/login" in person.page.url


def test_plain_http_leads_to_https(release: Release) -> None:
    address = f"http://{release.node_address}:{release.ports.http}/hub/login?next=x"
    answer = httpx.get(address, headers={"Host": "jld.test"})
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{release.url}/hub/login?next=x")


def test_the_api_takes_the_front_door_behind_an_ingress(release: Release) -> None:
    """On every cluster, a given one too; `test_modes.py` has a real controller, on the native one."""
    within = '{"type": "ClusterIP", "nodePorts": {"http": null, "https": null}}'
    changes = ('nginx.mode="ingress"', f"nginx.service={within}", 'nginx.trustedProxies=["10.0.0.0/8"]')
    words = [word for change in changes for word in ("--set-json", change)]
    values = ["--values", str(release.values), *words]
    told = release.helm("upgrade", release.name, str(CHECKOUT / "chart"), *values, "--dry-run=server")
    assert "kind: Ingress" in told


@pytest.mark.parametrize("program", ["helm3", "helm4"])
def test_helm_test_passes_and_shows_its_log(release: Release, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Helm 3 reads the log after it has done what the hook's annotations say."""
    monkeypatch.setattr(release, "helm_program", BIN / program)
    said = release.helm("test", release.name, "--logs", "--timeout=2m")
    assert "Succeeded" in said
    assert "POD LOGS: jld-test-test" in said
