"""The values files that operators would have, made once for the whole folder."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported

sys.path.insert(0, str(Path(__file__).parent))  # for `rendering`, which the tests beside this file share

from hub_start import HubFault, starting
from rendering import BIN, CHECKOUT, HELMS, KUBERNETES, SITES, Question, render, write_values


@pytest.fixture(scope="session")
def values(tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[[str, str], None]) -> dict[str, Path]:
    """The site files of `values/`, each completed with made-up secrets, by name."""
    describe_level("render", f"Helm 3 and 4, Kubernetes {KUBERNETES[0]} to {KUBERNETES[-1]} schemas")
    missing = [str(BIN / name) for name in HELMS if not (BIN / name).exists()]
    if missing:
        pytest.skip(f"{' and '.join(missing)} are missing; `make test` fetches them")
    folder = tmp_path_factory.mktemp("values")
    written = {site: write_values(CHECKOUT / "values" / f"{site}.yaml", folder / f"{site}.yaml") for site in SITES}
    with ThreadPoolExecutor(max_workers=2) as pool:  # what most tests ask, asked at once
        list(pool.map(render, map(Question, written.values())))
    return written


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, values: dict[str, Path]) -> Path:
    """Each values file in turn."""
    return values[request.param]


@pytest.fixture(scope="session")
def hub_fault() -> Iterator[HubFault]:
    """What says why a hub would not start with what was rendered."""
    with starting() as fault:
        yield fault


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutations-report", metavar="FILE", help="write which mistakes are refused by what")


@pytest.fixture(scope="session")
def promtool() -> None:
    """What reads the rules of alerts."""
    try:
        debian_packages.ensure(debian_packages.ALERTS, "the test of the alerts")
    except Unsupported as reason:
        pytest.skip(str(reason))
