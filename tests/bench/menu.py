"""The page on which people start a lab, JLD's beside a stock hub with KubeSpawner's profile_list: `python tests/bench/menu.py`.

Both have the same choices: 20 images, and 20 images with the 10,000 tags of a series. JLD's menu shows the newest tags and searches among
all; `profile_list` has no series, so that stock shows each tag as an option. One person opens the page again and again, at one hub after
the other. Time is that of the whole answer, through each one's own front door; processor time is the hub's own.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import yaml
from jldhub.images.catalogue import FILE, Catalogue, ImageState
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.bench.stock import stock_hub
from tests.hub.browser import Browser
from tests.hub.deployment import PASSWORD, Deployment

SERIES = "quay.io/my-org/lab"
IMAGES = {f"image-{n}": f"quay.io/my-org/image-{n}:2026-11-02" for n in range(20)}
TAGS = [f"w_20{year:02}_{week:02}" for year in range(10, 27) for week in range(1, 53)]
TAGS += [f"d_2{year:03}_{month:02}_{day:02}" for year in range(27) for month in range(1, 13) for day in range(1, 29)]
TAGS = [f"r{n}_0_0" for n in range(10_000 - len(TAGS))] + TAGS
STOCK = """
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.DummyAuthenticator.password = {password!r}
images = {images!r}
c.KubeSpawner.profile_list = [
    {{"slug": name, "display_name": name, "kubespawner_override": {{"image": image}}}} for name, image in images.items()
]
"""


@dataclass
class Measured:
    deployment: Deployment
    seconds: list[float] = field(default_factory=list)
    processor: float = 0  # seconds of the hub's own work
    size: int = 0  # bytes of the page

    def worked(self) -> float:
        assert self.deployment.hub.process is not None
        times = psutil.Process(self.deployment.hub.process.pid).cpu_times()
        return float(times.user + times.system)


def jld(directory: Path, tags: list[str]) -> Deployment:
    deployment = Deployment(directory, {"admins": [], "dummy": {"users": ["alice"]}})
    path = directory / "settings.yaml"
    document = yaml.safe_load(path.read_text())
    images: dict[str, object] = {name: {"reference": reference} for name, reference in IMAGES.items()}
    if tags:
        images["lab"] = {"reference": SERIES, "tags": "lsst", "newest": {"release": 1, "weekly": 2, "daily": 3}}
        state = ImageState(reference=SERIES, tags=tags, checked=datetime.now(UTC))
        (directory / FILE).write_bytes(Catalogue(images={"lab": state}).pack())
    document["hub"]["lab"].update(images=images, defaultImage="image-0")
    document["catalogueDirectory"] = str(directory)
    path.write_text(yaml.safe_dump(document))
    return deployment


def stock(directory: Path, tags: list[str]) -> Deployment:
    images = IMAGES | {tag: f"{SERIES}:{tag}" for tag in tags}
    return stock_hub(directory, STOCK.format(password=PASSWORD, images=images))


async def measure(measured: Measured, pages: int) -> None:
    async with Browser(measured.deployment.url, patience=600) as browser:
        await browser.log_in("alice", PASSWORD)
        page = await browser.get("/hub/spawn")
        assert page.status == 200, page.text[:500]
        assert "image-19" in page.text.lower().replace(" ", "-"), page.text[:500]
        worked = measured.worked()
        for _ in range(pages):
            start = time.perf_counter()
            page = await browser.get("/hub/spawn")
            measured.seconds.append(time.perf_counter() - start)
        measured.processor += measured.worked() - worked
        measured.size = len(page.text.encode())


def run(deployment: Deployment, pages: int) -> Measured:
    measured = Measured(deployment)
    try:
        deployment.start()
        deployment.wait()
        asyncio.run(measure(measured, pages))
    finally:
        deployment.stop()
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=int, nargs="?", default=200, help="how often each page is opened")
    pages = parser.parse_args().pages
    shown = Table("choices", "hub", "median", "p99", "hub CPU a page", "size of the page")
    with tempfile.TemporaryDirectory() as name, suppress(KeyboardInterrupt):
        for title, tags in (("20 images", []), (f"20 images, {len(TAGS):,} tags", TAGS)):
            for hub, make in (("JLD", jld), ("stock KubeSpawner", stock)):
                # Stock's page of all tags takes seconds.
                count = pages if hub == "JLD" or not tags else max(2, pages // 20)
                measured = run(make(Path(name) / f"{hub.split()[0]}-{len(tags)}", tags), count)
                p99 = statistics.quantiles(measured.seconds, n=100)[98]
                shown.add_row(
                    *(title, hub, f"{statistics.median(measured.seconds) * 1000:.0f} ms", f"{p99 * 1000:.0f} ms"),
                    *(f"{measured.processor / count * 1000:.1f} ms", f"{measured.size / 1000:,.0f} kB"),
                )
    Console(width=160).print(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
