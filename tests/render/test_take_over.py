"""The recipes that take homes over from Zero to JupyterHub, filled in by the commands of docs/from-z2jh.md."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from manifests import complaints
from rendering import CHECKOUT, KUBERNETES, Object, Question, render

PAGE = (CHECKOUT / "docs" / "from-z2jh.md").read_text()
FILLED = re.findall(r"^ *(sed .*) \| kubectl create", PAGE, re.MULTILINE)
SETTING = 'image=registry.example.org/hub:1; old=claim-ada; name=ada; number="4000001 50000"; '


def filled_in(command: str) -> Object:
    words = ["bash", "-c", f"{SETTING} {command}"]
    return dict(yaml.safe_load(subprocess.run(words, cwd=CHECKOUT, capture_output=True, check=True).stdout))


def container(job: Object) -> Object:
    (one,) = job["spec"]["template"]["spec"]["containers"]
    return dict(one)


def test_the_commands_fill_both_recipes_in() -> None:
    share, claim = map(filled_in, FILLED)

    assert [container(each)["args"] for each in (share, claim)] == [
        ["--people", "/people/people.txt"],
        ["--person", "ada 4000001 50000 was=claim-ada"],
    ]
    assert [container(each)["volumeMounts"][:2] for each in (share, claim)] == [
        [
            {"name": "old", "mountPath": "/old", "subPath": "home", "readOnly": True},
            {"name": "new", "mountPath": "/new"},
        ],
        [{"name": "old", "mountPath": "/old/claim-ada", "readOnly": True}, {"name": "new", "mountPath": "/new"}],
    ]
    claims = [
        [each["persistentVolumeClaim"]["claimName"] for each in job["spec"]["template"]["spec"]["volumes"][:2]]
        for job in (share, claim)
    ]
    assert claims == [["nfs-homes", "jld-home"], ["claim-ada", "jld-home.ada"]]


@pytest.mark.parametrize("command", FILLED)
def test_kubernetes_takes_it_and_it_has_no_more_rights_than_it_needs(command: str) -> None:
    job = filled_in(command)
    pod = job["spec"]["template"]["spec"]
    rights = container(job)["securityContext"]

    assert complaints([{**job, "metadata": {"name": "x"}}], KUBERNETES[-1]) == []
    assert not re.search("PERSON|IMAGE|OLD|NEW|WHERE|NUMBER", str(job))
    assert container(job)["env"] == [{"name": "PYTHONPATH", "value": "/etc/jld/python"}]
    assert rights["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"]}
    assert (rights["allowPrivilegeEscalation"], rights["readOnlyRootFilesystem"]) == (False, True)
    assert (pod["automountServiceAccountToken"], pod["restartPolicy"]) == (False, "Never")
    assert all(each.get("readOnly") or each["name"] == "new" for each in container(job)["volumeMounts"])


@pytest.mark.parametrize("command", FILLED)
def test_its_network_is_closed_by_a_policy_that_every_release_has(values: dict[str, Path], command: str) -> None:
    labels = filled_in(command)["spec"]["template"]["metadata"]["labels"]
    rendered = render(Question(values["minimal"]))
    chosen = rendered.one("NetworkPolicy", "jld-closed")["spec"]["podSelector"]["matchLabels"]

    assert chosen.items() <= labels.items()


def test_the_program_is_put_where_python_finds_it() -> None:
    made = dict(re.findall(r"^ *kubectl create configmap (\S+) --namespace jld --from-file=(\S+)$", PAGE, re.MULTILINE))
    for command in FILLED:
        job = filled_in(command)
        mounted = {each["name"]: each["mountPath"] for each in container(job)["volumeMounts"]}
        for each in job["spec"]["template"]["spec"]["volumes"]:
            if "configMap" in each and each["name"] != "people":
                source = CHECKOUT / made[each["configMap"]["name"]]
                assert source.is_dir()
                assert mounted[each["name"]] == f"/etc/jld/python/{'/'.join(source.parts[-2:])}"
    assert made["jld-take-over-people"] == "people.txt"
