"""Messages for people: what is wrong with the volumes of a lab. Pure functions of claims, events and errors of the Kubernetes API."""

import re
from collections.abc import Sequence

from jldhub.labs.obstacle import Obstacle
from jldhub.labs.start.events import Object, event_text, newest_event, when

_ASK = "Tell an administrator of this site."
_LATER = "Try again in some minutes."
VOLUME_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "ProvisioningFailed")
# What the scheduler says of a pod that waits for a volume, or for a node that reaches its volumes.
VOLUME_UNBOUND = re.compile(
    r"persistentvolume|persistent volume|volume node affinity|volume binding|binding volumes|storageclass\.storage\.k8s\.io|enough free storage|"
    r"volume zone|max volume count|non-existent pv",
    re.IGNORECASE,
)
# What of a claim a quota counts; `requests.ephemeral-storage` is of pods.
_OF_CLAIMS = re.compile(
    r"exceeded quota: (?P<name>[^,\s]{1,253}), requested: [^=]{0,300}?\b(?:requests\.storage|persistentvolumeclaims)="
)
# What mount(8) says, in the kubelet's event.
_MOUNT_FAILURES = (
    (
        r"Multi-Attach error",
        "A volume of the lab, such as your home, can be mounted on one node at a time, and a lab that runs, or still ends, has "
        "it on another node. Stop your other labs and start this one again; if you have none, tell an administrator.",
    ),
    (
        r"/sbin/mount\.<type>|unknown filesystem type|mount\.nfs4?: (command )?not found",
        "The node that was chosen for the lab has no program that mounts the volume; for NFS it is in the node's package "
        f"nfs-common or nfs-utils. {_ASK}",
    ),
    (
        r"access denied by server|reason given by server|Operation not permitted",
        "The file server does not let the lab's node mount the volume: it knows no such folder, or the node is none of "
        f"its clients (storage.nfs.clients). {_ASK}",
    ),
    (
        r"Protocol not supported|NFS version or transport protocol is not supported|incorrect mount option",
        f"The volume's mount options are not what its file server and the node know (mountOptions). {_ASK}",
    ),
    (
        r"Connection (refused|timed out|reset)|No route to host|Network is unreachable|Name or service not known",
        f"The file server of the volume does not answer the lab's node. {_LATER} If it lasts, tell an administrator.",
    ),
)


def mount_failure(message: str) -> str:
    """The sentence for what the kubelet says of a volume."""
    return next(
        (sentence for cause, sentence in _MOUNT_FAILURES if re.search(cause, message, re.IGNORECASE)),
        f"A volume that the lab needs could not be mounted, such as the home directories. {_ASK}",
    )


def claim_rejected(message: str, detail: str) -> Obstacle | None:
    """The obstacle where a quota leaves no room for a claim. None for any other message."""
    exceeded = _OF_CLAIMS.search(message)
    if exceeded is None:
        return None
    sentence = (
        f"There is no room for a home of yours: the quota {exceeded['name']} of the cluster has nothing left. {_ASK}"
    )
    return Obstacle("volume", sentence, detail, final=True)


def of_claim(claim: Object | None, events: Sequence[Object], late: bool) -> Obstacle | None:
    """Why the claim of a person's own volume is not bound. None where it is, or where it only needs more time.

    `late` means that it has had enough.
    """
    if claim is None:
        return Obstacle("volume", f"The volume of your home is gone: its claim was deleted. {_ASK}")
    name, phase = claim["metadata"]["name"], (claim.get("status") or {}).get("phase")
    if claim["metadata"].get("deletionTimestamp"):
        return Obstacle("volume", f"The volume of your home is being deleted. {_ASK}", f"claim {name} is being deleted")
    if phase == "Lost":
        return Obstacle("volume", f"The volume of your home is gone. {_ASK}", f"claim {name} is Lost")
    failures = [each for each in events if each.get("type") == "Warning" or each.get("reason") == "FailedBinding"]
    if phase == "Bound" or not (failures or late):
        return None
    detail = event_text(max(failures, key=when)) if failures else newest_event(events)
    return Obstacle("volume", f"{_no_volume(detail)} {_ASK}", detail or f"claim {name} is {phase}")


def _no_volume(detail: str) -> str:
    if re.search(r"storageclass\S* \S+ not found", detail, re.IGNORECASE):
        return "There is no volume for your home: its storage class does not exist (storage.perPerson.storageClass)."
    if "no storage class is set" in detail:
        return "There is no volume for your home: the cluster has no default storage class, and the site names none."
    return "The volume for your home could not be made."
