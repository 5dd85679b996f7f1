"""Labs from images: JLD's own, one that is built on it, of another shape, without Jupyter, and without a shell."""

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from jlddev.clusters import providers
from jlddev.images import build
from playwright.sync_api import Browser, Page, expect

from .conftest import TESTS
from .lab import Lab
from .person import Person, sit_down
from .release import Ports, Release

SHAPES = {name: build.Image(f"test-{name}", TESTS / "images" / name) for name in ("conda", "no-jupyter", "no-shell")}
SMALL = build.Image("lab", build.FOLDERS["lab"])
SHAPES["on-lab"] = build.Image("test-on-lab", TESTS / "images" / "on-lab", SMALL)  # the example of docs/own-image.md
NOTICE = "The telescope is closed on Monday."
NO_GIT = "The notebooks of this site are not refreshed: this image has no git."

# A package that is in no image, as pip gets it.
WHEEL = """
import subprocess, sys, zipfile
name = "/tmp/jldprobe-1.0-py3-none-any.whl"
with zipfile.ZipFile(name, "w") as wheel:
    wheel.writestr("jldprobe.py", "VALUE = 42\\n")
    wheel.writestr("jldprobe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: jldprobe\\nVersion: 1.0\\n")
    wheel.writestr("jldprobe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("jldprobe-1.0.dist-info/RECORD", "")
subprocess.run(["pip", "install", "--quiet", "--no-index", name], check=True)
"""

# In one line, since a notebook indents by itself what is typed after a colon.
SCIENCE = "; ".join(
    [
        "import ipywidgets, scipy.integrate, numpy as np, pandas as pd, astropy.units as u, matplotlib.pyplot as plt",
        "area, _ = scipy.integrate.quad(np.sin, 0, np.pi)",
        "print(round(area, 6), pd.Series([1, 2, 4]).sum(), round((1 * u.pc).to(u.lyr), 2))",
        "plt.plot(np.sin(np.arange(99)))",
        "plt.show()",
        "show = lambda n: print(f'six times {n} is {6 * n}')",
        "ipywidgets.interact(show, n=ipywidgets.IntSlider(7))",
    ]
)
# What is missing of the programs that docs/user.md names.
COMMANDS = """
for each in bash curl git htop jq less make nano patch rsync ssh tmux tree unzip vi wget xz zip; do
  command -v $each >/dev/null || echo $each
done
"""


@pytest.fixture(scope="module")
def release(make_release: Callable[..., Release], provider: providers.Provider) -> Release:
    if provider.name == "given":
        pytest.skip("the cluster of KUBECONFIG pulls its images from a registry, which has not those of this test")
    images = [SMALL, *SHAPES.values()]
    provider.load(build.build(images), images)
    ports = Ports(http=31580, https=31583)
    chosen = {name: image.reference for name, image in SHAPES.items()}
    choose = f"c.KubeSpawner.pre_spawn_hook = lambda spawner: spawner.set_trait('image', {chosen}.get(spawner.user.name, spawner.image))"
    site = {
        "global": {"hostname": "images.test", "port": ports.https},
        "hub": {
            "auth": {"dummy": {"users": [*SHAPES, "science"]}},
            "lab": {"repositories": ["https://git.example.org/night.git"], "notices": {"closed": NOTICE}},
            "extraConfig": {"50-images.py": choose},
        },
        "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
        "nginx": {
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
        },
    }
    return make_release("jld-images", ports, site)


@pytest.fixture(scope="module")
def conda(browser: Browser, release: Release) -> Iterator[Person]:
    """Somebody with a lab from an image of conda's shape."""
    person = sit_down(browser, release)
    person.log_in_with_password("conda", release.dummy_password)
    person.start_lab("Tiny")
    yield person
    person.page.context.close()


def in_lab(release: Release, name: str, program: str) -> str:
    """What a shell prints in a lab, with the variables of its server."""
    return release.kubectl("exec", Lab(release, name).pod, "--container=notebook", "--", "sh", "-c", program).strip()


def test_a_cell_runs_in_a_lab_from_an_image_of_condas_shape(conda: Person, release: Release) -> None:
    code = "import os, sys, jupyterhub; print(sys.prefix, jupyterhub.__version__, os.getcwd(), os.getuid() != 1000)"
    assert conda.run_first_cell(code) == "/opt/conda 4.1.6 /home/conda True"
    conda.screenshot("any-image")


def test_it_is_a_lab_like_any_other(conda: Person, release: Release) -> None:
    log = release.kubectl("logs", Lab(release, "conda").pod, "--container=notebook")
    assert "jld_activity | extension was successfully loaded" in log
    assert NO_GIT in log
    # The image's own configuration is in force beside JLD's.
    assert re.search("Will shut down after .*86399 seconds", log)
    assert in_lab(release, "conda", "id -un; touch /usr/x 2>/dev/null || echo read-only").split() == [
        "conda",
        "read-only",
    ]
    environments = in_lab(release, "conda", "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
    assert "JUPYTERHUB_USER=conda" in environments
    assert "API_TOKEN" not in environments


def test_its_terminal_has_the_images_programs_and_the_sites_notices(conda: Person) -> None:
    printed: list[str] = []
    conda.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: printed.append(str(frame))))
    conda.open("/user/conda/lab?reset")
    conda.page.locator(".jp-LauncherCard", has_text="Terminal").click()
    wait_until(conda.page, printed, NOTICE)
    conda.page.locator(".jp-Terminal").click()
    conda.page.keyboard.type("echo $(command -v python) and $BASH\n")
    wait_until(conda.page, printed, "/opt/conda/bin/python and /bin/bash")
    wait_until(conda.page, printed, NO_GIT)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "no-jupyter",
            "The lab did not start: this image cannot be a lab, because it has no jupyterhub-singleuser on its PATH",
        ),
        ("no-shell", "cannot be a lab, because it has no /bin/sh."),
    ],
)
def test_an_image_that_cannot_be_a_lab_is_told_as_such(
    browser: Browser, release: Release, name: str, sentence: str
) -> None:
    person = sit_down(browser, release)
    person.log_in_with_password(name, release.dummy_password)
    person.ask_for_lab("Tiny")
    person.page.get_by_text(re.compile(re.escape(sentence))).first.wait_for(timeout=60_000)
    person.page.context.close()


def test_what_a_person_installs_is_in_their_home_and_kernels_find_it(browser: Browser, release: Release) -> None:
    """In a lab from an image that a site built on the small one, which has what the site put into it."""
    person = sit_down(browser, release)
    person.log_in_with_password("on-lab", release.dummy_password)
    person.start_lab("Tiny")
    Lab(release, "on-lab").python(WHEEL)
    code = "import jldprobe, tqdm; print(jldprobe.VALUE, jldprobe.__file__, tqdm.__file__)"
    assert person.run_first_cell(code).split() == [
        "42",
        in_lab(release, "on-lab", "ls ~/.local/lib/python3*/site-packages/jldprobe.py"),
        in_lab(release, "on-lab", "ls /usr/local/lib/python3*/dist-packages/tqdm/__init__.py"),
    ]
    assert in_lab(release, "on-lab", "git lfs version").startswith("git-lfs/")
    person.page.context.close()


def test_jlds_lab_computes_draws_and_answers_a_widget(browser: Browser, release: Release) -> None:
    person = sit_down(browser, release)
    person.log_in_with_password("science", release.dummy_password)
    person.start_lab("Tiny")
    assert person.run_first_cell(SCIENCE) == "2.0 7 3.26 lyr"
    plot = person.page.locator(".jp-RenderedImage img")
    expect(plot).to_be_visible(timeout=60_000)
    assert plot.evaluate("image => image.naturalWidth") > 300
    slider = person.page.get_by_role("slider")
    expect(slider).to_be_visible(timeout=60_000)
    expect(person.page.get_by_text("six times 7 is 42")).to_be_visible(timeout=60_000)
    slider.press("ArrowRight")
    expect(person.page.get_by_text("six times 8 is 48")).to_be_visible(timeout=60_000)
    person.screenshot("science")
    assert in_lab(release, "science", COMMANDS) == ""
    # What these packages keep for themselves is not in the home, which may be on a slow file server.
    assert in_lab(release, "science", "ls /tmp/cache/matplotlib").startswith("fontlist-")
    assert in_lab(release, "science", "ls -d ~/.cache ~/.astropy 2>/dev/null || true") == ""
    person.page.context.close()


def wait_until(page: Page, printed: list[str], text: str) -> None:
    for _ in range(300):
        if text in "".join(printed):
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"the terminal does not say {text!r}: {''.join(printed)[-2000:]}")
