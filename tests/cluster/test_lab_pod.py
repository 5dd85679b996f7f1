"""What a lab is to its owner and to everybody else, on a real cluster: numbers, names, tokens, git, and what stays closed."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from .git_server import GitServer
from .lab import Lab
from .person import Person, sit_down
from .release import Release
from .standin import GitHub

ADA, GRACE, LSST = 4000001, 4000002, 5000001  # their numbers at the GitHub stand-in


@pytest.fixture(scope="module")
def people(browser: Browser, release: Release) -> Iterator[dict[str, Person]]:
    """Two members, each with a running lab."""
    people = {}
    for login in ("Ada", "grace"):
        person = people[login] = sit_down(browser, release)
        person.log_in_with_github(login)
        person.start_lab("Tiny")
    yield people
    for person in people.values():
        person.stop_lab()
        person.page.context.close()


@pytest.fixture(scope="module")
def ada(people: dict[str, Person], release: Release) -> Lab:
    return Lab(release, "ada")


@pytest.fixture(scope="module")
def grace(people: dict[str, Person], release: Release) -> Lab:
    return Lab(release, "grace")


@pytest.fixture(scope="module")
def git_server(ada: Lab, github: GitHub, release: Release) -> Iterator[GitServer]:
    server = GitServer(release, pod(ada)["spec"]["containers"][0]["image"], f"{github.url}/api/v3")
    server.start()
    ada.python(reaches(server.address, 8443))  # the node's network learns of a new Service a moment later
    yield server
    server.stop()


def reaches(address: str, port: int) -> str:
    """A program that ends when there is a connection, and fails when there is none for a minute."""
    return f"""
import socket, time
end = time.monotonic() + 60
while True:
    try:
        socket.create_connection(({address!r}, {port}), 5).close()
        break
    except OSError:
        assert time.monotonic() < end
        time.sleep(0.5)
"""


def shell(lab: Lab, commands: str) -> str:
    """What commands print that run as the lab's owner, in the environment that the pod gives."""
    return lab.release.kubectl("exec", lab.pod, "--container=notebook", "--", "sh", "-c", commands).strip()


def pod(lab: Lab) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(lab.release.kubectl("get", "pod", lab.pod, "--output=json"))
    return document


def secret_name(lab: Lab) -> str:
    """That of this start: each has a Secret of its own."""
    path = "--output=jsonpath={.spec.volumes[?(@.name=='files')].secret.secretName}"
    return lab.release.kubectl("get", "pod", lab.pod, path)


def secret(lab: Lab) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(lab.release.kubectl("get", "secret", secret_name(lab), "--output=json"))
    return document


def token(lab: Lab) -> str:
    return base64.b64decode(secret(lab)["data"]["hub-token"]).decode()


def test_id_says_who_they_are(ada: Lab, grace: Lab) -> None:
    command = "id -u; id -un; id -g; id -gn; id -G; id -Gn"
    assert shell(ada, command).splitlines() == [
        *(str(ADA), "ada", str(ADA), "ada", f"{ADA} {LSST}", "ada lsst"),
    ]
    assert shell(grace, command).splitlines()[:2] == [str(GRACE), "grace"]


def test_git_knows_them(ada: Lab, github: GitHub) -> None:
    assert shell(ada, "git config user.name; git config user.email").splitlines() == ["Ada Lovelace", "ada@example.org"]
    assert shell(ada, "git config --list --show-origin | grep -c '^file:/etc/gitconfig'") == "3"


@pytest.fixture(scope="module")
def push(ada: Lab, git_server: GitServer, github: GitHub) -> str:
    """The shell function with which Ada pushes. Its helper is that of the provider's address, borrowed for this server: the
    stand-in for GitHub speaks no HTTPS."""
    provider = github.url.replace("http://", "https://")
    shell(
        ada, f"cat > ~/git-ca.pem <<'PEM'\n{git_server.certificate}PEM\ngit config --global http.sslCAInfo ~/git-ca.pem"
    )
    return f"""
set -eu
export GIT_TERMINAL_PROMPT=0
helper=$(git config --get-urlmatch credential.helper {provider}/lsst/demo.git)
push() {{ git -c "credential.{git_server.url}.helper=$helper" push --quiet {git_server.url}/demo.git main; }}
"""


def test_a_push_over_https_with_the_token_of_the_login(ada: Lab, git_server: GitServer, push: str) -> None:
    commands = f"""{push}
rm -rf ~/demo && git init --quiet --initial-branch=main ~/demo && cd ~/demo
git config --global credential.helper store   # as many have it: it must not get to keep the token
echo pushed > file && git add file && git commit --quiet --message first
if git push --quiet {git_server.url}/demo.git main 2> ~/refused; then echo pushed without being asked; fi
push
git ls-remote {git_server.url}/demo.git main | cut -f1
git rev-parse main
git --no-pager log -1 --format='%an %ae'
ls -A ~ | grep -c git-credentials || true
"""
    pushed, local, author, kept = shell(ada, commands).splitlines()
    assert pushed == local
    assert author == "Ada Lovelace ada@example.org"
    assert kept == "0"
    refused = shell(ada, "cat ~/refused")
    assert "could not read Username" in refused or "terminal prompts disabled" in refused


def test_the_images_own_git_refreshes_notebooks_and_keeps_what_was_changed(
    ada: Lab, git_server: GitServer, push: str
) -> None:
    commands = f"""{push}
refresh() {{ JLD_REPOSITORIES={git_server.url}/demo.git@main /usr/bin/python3 -I /run/jld/library/jld_repositories.py; }}
rm -rf ~/notebooks/demo; refresh
echo mine > ~/notebooks/demo/file
cd ~/demo && echo theirs > file && git commit --quiet --all --message second && push
refresh
cat ~/notebooks/demo/file ~/notebooks/demo/file.yours-*
"""
    cloned, refreshed, newest, own = shell(ada, commands).splitlines()
    assert cloned == "notebooks/demo: cloned."
    assert refreshed.startswith(
        "notebooks/demo: brought up to date. Changed by you and by others: file (yours is file.yours-"
    )
    assert (newest, own) == ("theirs", "mine")


def test_the_providers_token_is_on_no_shared_home_and_in_no_other_answer(ada: Lab) -> None:
    credential = base64.b64decode(secret(ada)["data"]["git-credential"]).decode()
    provider = base64.b64decode(credential.split("credential=")[1].split()[0]).decode().partition(":")[2]
    assert len(provider) > 10
    found = f"grep -rlF {provider} ~ /tmp /run/lab 2>/dev/null | head; true"
    assert shell(ada, found) == ""
    asked = "printf 'protocol=https\\nhost=example.org\\n\\n' | GIT_TERMINAL_PROMPT=0 git credential fill 2>&1; true"
    assert provider not in shell(ada, asked)


def test_no_token_is_in_the_description_of_the_pod_or_in_an_environment(ada: Lab) -> None:
    own = token(ada)
    text = json.dumps(pod(ada))
    assert own not in text
    assert "API_TOKEN" not in text
    environments = shell(ada, "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
    assert "JUPYTERHUB_USER=ada" in environments
    assert own not in environments
    assert "API_TOKEN" not in environments


def test_the_secret_belongs_to_the_pod_and_its_token_is_the_labs(ada: Lab, release: Release) -> None:
    (owner,) = secret(ada)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Pod", ada.pod, ada.uid)
    assert hub_api(ada, "user") == 200
    for forbidden in ("users/grace", "users", "proxy"):
        assert hub_api(ada, forbidden) in (403, 404), forbidden


def hub_api(lab: Lab, path: str) -> int:
    """What the hub answers to the lab's own token, asked from the lab."""
    program = f"""
import os, urllib.request, urllib.error
token = open(os.environ['JLD_FILES'] + '/hub-token').read()
request = urllib.request.Request(os.environ['JUPYTERHUB_API_URL'] + '/{path}', headers={{'Authorization': 'token ' + token}})
try:
    print(urllib.request.urlopen(request, timeout=10).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
    return int(lab.python(program))


def test_nobody_reads_another_ones_home(ada: Lab, grace: Lab) -> None:
    shell(grace, "echo private > ~/letter && chmod 644 ~/letter")
    assert shell(ada, "ls /home") == "ada"
    assert shell(ada, "cat /home/grace/letter /home/ada/../grace/letter 2>&1; true").count("No such file") == 2
    assert shell(ada, "find / -xdev -name letter 2>/dev/null; find ~ -name letter; true") == ""


def test_a_lab_has_no_credentials_for_kubernetes(ada: Lab, grace: Lab) -> None:
    assert "missing" in shell(ada, "ls /var/run/secrets/kubernetes.io 2>/dev/null || echo missing")
    program = f"""
import os, ssl, urllib.request, urllib.error
host, port = os.environ['KUBERNETES_SERVICE_HOST'], os.environ['KUBERNETES_SERVICE_PORT']
for path in ('secrets/{grace.pod}', 'secrets', 'pods'):
    url = f'https://{{host}}:{{port}}/api/v1/namespaces/{ada.release.name}/{{path}}'
    try:
        print(urllib.request.urlopen(url, timeout=10, context=ssl._create_unverified_context()).status)
    except urllib.error.HTTPError as error:
        print(error.code)
    except OSError:
        print('closed')
"""
    answers = ada.python(program).split()
    assert len(answers) == 3
    assert set(answers) <= {"401", "403", "closed"}, answers


def test_only_tmp_home_and_run_can_be_written_and_the_first_has_a_limit(ada: Lab) -> None:
    (lab,) = pod(ada)["spec"]["containers"]
    sizes = {volume["name"]: volume["emptyDir"] for volume in pod(ada)["spec"]["volumes"] if "emptyDir" in volume}
    assert sizes["tmp"] == {"sizeLimit": "10737418240"}
    assert {"cpu", "memory", "ephemeral-storage"} <= set(lab["resources"]["limits"]) & set(lab["resources"]["requests"])
    written = "for each in / /etc /opt /usr /var /run /run/jld /run/lab /tmp ~; do touch $each/x 2>/dev/null && echo $each; done; true"
    assert shell(ada, written).split() == ["/run/lab", "/tmp", "/home/ada"]
    assert shell(ada, "stat -f -c %T /run/lab /run/jld").split() == ["tmpfs", "tmpfs"]


def test_the_home_maker_is_all_that_keeps_a_lab_from_pod_security_restricted(ada: Lab, release: Release) -> None:
    place = f"{release.name}-restricted"
    enforce = "pod-security.kubernetes.io/enforce=restricted"
    release.kubectl("create", "namespace", place)
    try:
        release.kubectl("label", "namespace", place, enforce)
        answers = [admitted(release, place, without) for without in ([], ["home"])]
    finally:
        release.kubectl("delete", "namespace", place, "--wait=false")
    refused, passed = answers
    assert 'violates PodSecurity "restricted' in refused
    assert 'container "home"' in refused
    assert "notebook" not in refused
    assert passed == ""


def admitted(release: Release, place: str, without: list[str]) -> str:
    """Why the API server would refuse Ada's lab in another namespace; nothing when it would take it."""
    lab = pod(Lab(release, "ada"))
    spec = {name: value for name, value in lab["spec"].items() if name not in ("nodeName", "serviceAccount")}
    spec["initContainers"] = [each for each in spec["initContainers"] if each["name"] not in without]
    spec["serviceAccountName"] = "default"
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lab", "namespace": place}, "spec": spec}
    file = release.values.with_name("restricted.json")
    file.write_text(json.dumps(document))
    deadline = time.monotonic() + 30
    while True:
        try:
            release.kubectl("create", "--dry-run=server", "--namespace", place, "--filename", str(file))
            return ""
        except AssertionError as error:
            # The controller that gives a new namespace its account may come late.
            if "serviceaccount" not in str(error) or time.monotonic() > deadline:
                return str(error)
            time.sleep(0.5)


def test_a_new_start_has_a_new_token_and_may_set_the_environment_aside(
    people: dict[str, Person], grace: Lab, release: Release
) -> None:
    before, name, person = token(grace), secret_name(grace), people["grace"]
    shell(grace, "mkdir -p ~/.local/lib && echo broken > ~/.local/lib/module.py")
    person.stop_lab()
    deadline = time.monotonic() + 60
    while name in release.kubectl("get", "secrets", "--output=name"):  # the garbage collector's work
        assert time.monotonic() < deadline, "the Secret stays when its pod has gone"
        time.sleep(0.5)
    person.open("/hub/spawn")
    person.page.get_by_text("For a lab that does not start any more").click()
    person.page.get_by_label("Environment").select_option("local")
    person.page.get_by_label("Tiny").check()
    person.screenshot("spawn-choices")
    person.page.get_by_role("button", name="Start").click()
    person.wait_for_lab()
    assert token(grace) != before
    assert shell(grace, "cat ~/.local.*/lib/module.py; ls ~/.local/lib 2>/dev/null; true") == "broken"
