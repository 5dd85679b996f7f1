"""A research hub of Zero to JupyterHub comes over: its values are installed, homes are given to their people, and one works there.

What only the real site has is replaced: names and addresses, GitHub, images, storage classes, node pools and the database. The other
files need a provider of OpenID Connect, a share of NFS, an Ingress's controller or cert-manager: test_dry_run holds them to the API server.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from jlddev.clusters import providers
from jlddev.images import build
from jlddev.support.paths import CHECKOUT
from playwright.sync_api import Browser

from tests import z2jh_files

from .lab import Lab
from .person import Person, sit_down
from .release import Ports, Release
from .standin import GitHub

NAME = "jld-z2jh"
PORTS = Ports(http=32480, https=32483)
TIM = 4000003  # of tests/standins/people.json
LAB = build.Image("lab", build.FOLDERS["lab"])
RECIPES = CHECKOUT / "docs" / "recipes"
STORAGE = CHECKOUT / "storage-extensions" / "jldstorage"
FILES = 60
# As somebody of Zero to JupyterHub left it: large enough for a Job to be killed in the middle.
OLD_HOME = f"""
import os
home = "/old/claim-tim"
os.chown(home, 1000, 100)
os.setgid(100)
os.setuid(1000)
os.umask(0o22)
os.mkdir(f"{{home}}/nights")
for number in range({FILES}):
    with open(f"{{home}}/nights/{{number}}", "wb") as file:
        file.write(bytes([number]) * 2**22)
    os.utime(f"{{home}}/nights/{{number}}", (10**9, 10**9))
with open(f"{{home}}/key", "w", opener=lambda *words: os.open(*words, 0o600)) as file:
    file.write("of tim alone")
os.link(f"{{home}}/key", f"{{home}}/nights/key")
os.symlink("/", f"{{home}}/root")
os.utime(f"{{home}}/nights", (10**9, 10**9))
"""
OLD_SHARE = """
import os
for name in ("jane-40uni-2eedu", "zoe"):
    os.makedirs(f"/old/share/home/{name}")
    with open(f"/old/share/home/{name}/paper", "w") as file:
        file.write(f"of {name}")
    for path in (f"/old/share/home/{name}/paper", f"/old/share/home/{name}"):
        os.chown(path, 1000, 100)
"""
# What the person sees in the lab.
CELL = f"""
import json, os
files = [f"nights/{{number}}" for number in range({FILES})]
whole = all(open(name, "rb").read() == bytes([number]) * 2**22 for number, name in enumerate(files))
owners = {{(os.lstat(name).st_uid, os.lstat(name).st_gid) for name in [".", "nights", "key", "root", *files]}}
times = {{int(os.stat(name).st_mtime) for name in ["nights", *files]}}
key = [open("key").read(), oct(os.stat("key").st_mode), os.stat("key").st_nlink, os.readlink("root")]
print(json.dumps([whole, sorted(owners), sorted(times), key, os.getuid()]))
open("nights/new", "w").write("tonight")
"""


def claim(name: str, **metadata: Any) -> dict[str, Any]:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, **metadata}, "spec": wanted}


def pod_with_all(image: str) -> dict[str, Any]:
    """Root's own, where a test looks at volumes."""
    claims = {
        "claim-tim": "/old/claim-tim",
        "nfs-homes": "/old/share",
        f"{NAME}-home.tim": "/new/own",
        "homes": "/new/shared",
    }
    spec = {
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsUser": 0, "runAsGroup": 0},
        "volumes": [{"name": f"v{n}", "persistentVolumeClaim": {"claimName": each}} for n, each in enumerate(claims)],
        "containers": [
            {
                "name": "desk",
                "image": image,
                "command": ["sleep", "infinity"],
                "resources": {"requests": {"cpu": "1m"}},
                "volumeMounts": [{"name": f"v{n}", "mountPath": each} for n, each in enumerate(claims.values())],
            }
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "desk"}, "spec": spec}


@pytest.fixture(scope="module")
def came(
    provider: providers.Provider,
    make_release: Callable[..., Release],
    github: GitHub,
    hub_image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Release:
    """What `jld init --from` makes of the file, installed beside the claims of before."""
    if provider.name == "given":
        pytest.skip("Its labs have an image that is built here, which a given cluster cannot pull: unset KUBECONFIG")
    folder = tmp_path_factory.mktemp("z2jh")
    z2jh_files.values_of("research", folder)
    site, secrets = (yaml.safe_load((folder / f"{name}.yaml").read_text()) for name in ("site", "secrets"))
    hub, nginx, home = site["hub"], site["nginx"], site["storage"]["perPerson"]
    site["global"] |= {"hostname": "z2jh.test", "port": PORTS.https}
    github.register(f"https://z2jh.test:{PORTS.https}{site['global']['hubRoute']}hub/oauth_callback")
    hub["auth"]["github"] = github.login(allow=["lsst-sqre:friends"])
    secrets["hub"]["secret"]["githubClientSecret"] = github.client_secret
    assert hub.pop("db") == {"external": True, "upgrade": True}
    assert secrets["hub"]["secret"].pop("dbUrl").startswith("postgresql://")
    for image in hub["lab"]["images"].values():
        image["reference"] = LAB.reference
    for size in hub["lab"]["sizes"].values():
        if size:
            size["guaranteedMemory"] = "64Mi"
    assert [each.pop("nodeSelector") for each in (hub["lab"]["pod"], nginx["pod"])] == [
        {"pool": "labs"},
        {"pool": "core"},
    ]
    hub["resources"]["requests"] = {"cpu": "5m", "memory": "64Mi"}
    assert (home.pop("storageClass"), home.pop("capacity")) == ("gp3", "50Gi")
    nginx["tls"] = {"selfSigned": True}
    nginx["service"] |= {"type": "NodePort", "nodePorts": {"http": PORTS.http, "https": PORTS.https}}
    labels = {"app": "jupyterhub", "component": "singleuser-storage"}
    before = [
        claim("claim-tim", labels=labels, annotations={"hub.jupyter.org/username": "tim"}),
        claim("nfs-homes"),
        claim("homes"),
        claim(f"{NAME}-home.tim"),
        pod_with_all(hub_image),
    ]
    return make_release(NAME, PORTS, site, secrets, before=yaml.safe_dump_all(before))


@pytest.fixture(scope="module")
def prepared(came: Release) -> Release:
    """With old homes, and the program."""
    came.kubectl("wait", "pod/desk", "--for=condition=Ready", "--timeout=120s")
    for program in (OLD_HOME, OLD_SHARE):
        at_the_desk(came, program)
    came.kubectl("create", "configmap", "jld-take-over", f"--from-file={STORAGE / 'takeover'}")
    came.kubectl("create", "configmap", "jld-take-over-library", f"--from-file={STORAGE / 'backup'}")
    return came


def at_the_desk(release: Release, program: str) -> str:
    return release.kubectl("exec", "desk", "--", "python", "-c", program).strip()


def recipe(name: str, image: str, **words: str) -> dict[str, Any]:
    """As the commands of docs/from-z2jh.md fill it in."""
    text = (RECIPES / f"{name}.yaml").read_text().replace("IMAGE", image).replace("instance: jld", f"instance: {NAME}")
    for word, value in words.items():
        text = text.replace(word, value)
    return dict(yaml.safe_load(text))


def said(release: Release, job: str) -> str:
    """How the Job ended, and what its last pod says."""
    deadline = time.monotonic() + 180
    while not {"Complete", "Failed"} & set(
        ends := release.kubectl("get", job, "--output=jsonpath={.status.conditions[*].type}").split()
    ):
        assert time.monotonic() < deadline, f"{job} does not end:\n{release.story()}"
        time.sleep(0.5)
    return f"{ends}\n{release.kubectl('logs', job, '--tail=100')}"


def test_a_home_of_its_own_comes_over_though_the_job_is_killed(prepared: Release, hub_image: str) -> None:
    words = {"OLD": "claim-tim", "NEW": f"{NAME}-home.tim", "PERSON": f"tim {TIM}"}
    job = recipe("take-over-home", hub_image, **words)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["resources"]["limits"]["cpu"] = "30m"  # so slow that there is a middle
    name = prepared.create(yaml.safe_dump(job))
    nights = "import os; folder = '/new/own/tim/nights'; print(len(os.listdir(folder)) if os.path.isdir(folder) else 0)"
    deadline = time.monotonic() + 120
    while int(at_the_desk(prepared, nights)) < 3:
        assert time.monotonic() < deadline, prepared.story()
    selector = f"job-name={name.partition('/')[2]}"
    prepared.kubectl("delete", "pod", f"--selector={selector}", "--grace-period=1")
    assert 3 <= int(at_the_desk(prepared, nights)) < FILES

    first = said(prepared, name)
    again = said(prepared, prepared.create(yaml.safe_dump(recipe("take-over-home", hub_image, **words))))

    assert "Complete" in first.splitlines()[0], first
    assert "jld: 1 of 1 homes are there:" in first
    assert "were there from a run before" in first
    assert "tim: already there; copied from 'claim-tim'" in again


def test_homes_of_a_share_come_over_to_their_people(prepared: Release, hub_image: str) -> None:
    people = "jane.doe 50001 50100 was=jane@uni.edu\nbob\n"
    prepared.kubectl("create", "configmap", "jld-take-over-people", f"--from-literal=people.txt={people}")
    job = recipe("take-over-homes", hub_image, OLD="nfs-homes", NEW="homes", WHERE="home")

    told = said(prepared, prepared.create(yaml.safe_dump(job)))

    assert "Failed" in told.splitlines()[0], told
    assert "jane.doe: copied from 'jane-40uni-2eedu': 1 files of 19 bytes" in told
    assert "bob: left, because there is no old home 'bob'" in told
    assert "old homes that the list does not name: 'zoe'" in told
    found = "import os; print(*((*os.stat(f'{at}/{name}')[4:6], name) for at, _, names in os.walk('/new/shared') for name in names))"
    assert "(50001, 50100, 'paper')" in at_the_desk(prepared, found)


@pytest.fixture(scope="module")
def tim(browser: Browser, prepared: Release) -> Iterator[Person]:
    person = sit_down(browser, prepared)
    person.log_in_with_github("tim")
    yield person
    person.page.context.close()


def test_a_member_of_the_team_logs_in_and_works_in_the_old_home(tim: Person, prepared: Release) -> None:
    tim.open("/hub/spawn")
    tim.page.get_by_role("button", name="Start").click()  # with what the file has as defaults
    tim.wait_for_lab()

    found = json.loads(Lab(prepared, "tim").python(CELL))

    assert found == [True, [[TIM, TIM]], [10**9], ["of tim alone", "0o100600", 2, "/"], TIM]
    assert tim.page.url.startswith(f"{prepared.url}/hub1/user/tim/")


def test_what_the_file_said_holds(prepared: Release) -> None:
    (pod,) = prepared.pods("lab")
    (lab,) = [each for each in pod.obj["spec"]["containers"] if each["name"] == "notebook"]
    preferred = pod.obj["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]

    assert lab["resources"]["limits"]["cpu"] == "2"
    assert lab["resources"]["limits"]["memory"] in ("8Gi", str(8 * 2**30))
    assert ["ssd"] in [each["preference"]["matchExpressions"][0]["values"] for each in preferred]
    assert {"key": "labs", "operator": "Equal", "value": "yes", "effect": "NoSchedule"} in pod.obj["spec"][
        "tolerations"
    ]
