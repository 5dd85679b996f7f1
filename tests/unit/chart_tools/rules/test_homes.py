"""`storage.homes: perPerson`: what does not go with it is refused or warned about, with the remedy; and a change of it is told."""

from __future__ import annotations

from typing import Any

import pytest

SITE = """global: {hostname: jupyter.example.org}
hub: {auth: {dummy: {users: [ada]}}}
nginx: {tls: {existingSecret: tls}}
"""
IN_NAMESPACES = "global: {hostname: jupyter.example.org, userNamespaces: true}\n"
OWN = SITE + "storage: {homes: perPerson}\n"


def said(desk: Any, change: str, site: str = OWN) -> tuple[int, str]:
    desk.write("site.yaml", site)
    desk.write("change.yaml", change)
    result = desk.run("check", "site.yaml", "change.yaml")
    return result.exit_code, result.stderr


REFUSED = {
    "storage: {keepalive: {enabled: true}}": "storage.keepalive.enabled: it writes to a volume of all homes",
    "storage: {backup: {claim: archives}}": "storage.backup.volumes: with storage.homes perPerson no pod mounts all homes",
    "storage: {backup: {claim: archives, volumes: [home]}}": "write storage.backup.volumes without home, such as []",
    "storage: {volumes: {home: {existingClaim: homes}}}": "storage.volumes.home.existingClaim: with storage.homes perPerson everybody",
    "hub: {lab: {provisionHomes: false}}": "hub.lab.provisionHomes: a new volume belongs to root",
    "firefly: {enabled: true, volumes: [home]}": "firefly.volumes: with storage.homes perPerson there is no volume of all homes",
    "storage: {mode: nfs}": "storage.mode: with storage.homes perPerson the file server would hold nothing",
    "global: {userNamespaces: true}\nstorage: {volumes: {scratch: {mountPath: /scratch}}}": "storage.mode: a claim belongs to one",
    "storage: {perPerson: {capacity: much}}": 'storage.perPerson.capacity: found "much"; write an amount with its unit',
    "storage: {perPerson: {accessMode: ReadOnlyMany}}": "write ReadWriteOnce or ReadWriteMany",
    "storage: {homes: own}": 'storage.homes: found "own"; write shared or perPerson',
    "hub: {traits: {KubeSpawner: {storage_capacity: 1Gi}}}": "where home directories live is said in storage",
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_cannot_be_with_homes_of_their_own_is_refused(desk: Any, change: str) -> None:
    code, errors = said(desk, change)
    assert code == 1
    assert REFUSED[change] in errors


WARNED = {
    "storage: {mode: hostPath}": "storage.mode: has no effect: with storage.homes perPerson and no other storage.volumes",
    "storage: {claim: {capacity: 1Ti}}": "storage.claim: has no effect: with storage.homes perPerson and no other",
    "storage: {volumes: {home: {capacity: 1Ti}}}": "storage.volumes.home.capacity: has no effect with storage.homes perPerson; write "
    "storage.perPerson.capacity instead",
    "hub: {namedServers: {limit: 2}}": "hub.namedServers.limit: with storage.homes perPerson a second lab of a person starts only on",
}


@pytest.mark.parametrize("change", WARNED)
def test_what_has_no_effect_on_homes_of_their_own_is_said(desk: Any, change: str) -> None:
    code, warnings = said(desk, change)
    assert code == 0
    assert f"warning: {WARNED[change]}" in warnings


@pytest.mark.parametrize(
    "change",
    [
        "storage: {perPerson: {storageClass: fast, capacity: 1Ti}}",
        "storage: {mode: nfs, nfs: {clients: [10.0.0.0/8]}, volumes: {scratch: {mountPath: /scratch}}}",
        "storage: {backup: {claim: archives, volumes: []}}",
        "global: {userNamespaces: true}",
        "hub: {namedServers: {limit: 2}}\nstorage: {perPerson: {accessMode: ReadWriteMany}}",
    ],
)
def test_what_goes_with_homes_of_their_own_is_taken_without_a_word(desk: Any, change: str) -> None:
    code, errors = said(desk, change)
    assert (code, [line for line in errors.splitlines() if "storage" in line or "namedServers" in line]) == (0, [])


def test_a_volume_of_people_that_nobody_gets_is_said(desk: Any) -> None:
    code, warnings = said(desk, "storage: {perPerson: {capacity: 1Ti}}", SITE)
    assert code == 0
    assert "storage.perPerson: has no effect with storage.homes: shared; write storage.homes: perPerson" in warnings


@pytest.mark.parametrize(
    ("before", "now", "remain"),
    [
        (
            SITE,
            OWN,
            "it was shared, so people find an empty home: their files remain in their claim, which nothing deletes",
        ),
        (OWN, SITE, "it was perPerson, so people find an empty home: their files remain in the claims of people"),
        (
            OWN,
            IN_NAMESPACES + OWN.partition("\n")[2],
            "it was another one, so people find an empty home: their files remain in the claims of the other",
        ),
        (
            IN_NAMESPACES + OWN.partition("\n")[2],
            OWN,
            "it was another one, so people find an empty home: their files remain in the claims of the other",
        ),
        (SITE, SITE, ""),
        (OWN, OWN, ""),
    ],
)
def test_people_who_would_find_an_empty_home_are_thought_of(desk: Any, before: str, now: str, remain: str) -> None:
    desk.write("site.yaml", before)
    assert "empty home" not in desk.run("values", "site.yaml").stderr
    desk.write("site.yaml", now)
    warned = desk.run("values", "site.yaml").stderr
    assert remain in warned
    assert ("empty home" in warned) is bool(remain)
    assert "empty home" not in desk.run("values", "site.yaml").stderr
