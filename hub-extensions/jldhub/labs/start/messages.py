"""Messages for people: why a lab does not start. Pure functions of pods, events and errors of the Kubernetes API."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from jldhub.labs.obstacle import Obstacle
from jldhub.labs.start.absent import absent, own_secret
from jldhub.labs.start.events import Object, event_text, newest_event, one_line, when
from jldhub.labs.start.volumes import VOLUME_EVENTS, VOLUME_UNBOUND, claim_rejected, mount_failure
from jldhub.settings.lab import PER_USER

_RESTARTS = 2  # of a container before the start fails: a restart of the file server costs one
_ASK = "Tell an administrator of this site."
_LATER = "Try again in some minutes."
_NO_SPACE = (
    "Your home directory, or the disk that it is on, is full. "
    "Ask an administrator of this site to remove files or to give you more space."
)
_ABSENT = re.compile(
    r"not found|manifest unknown|no such (image|manifest)|name unknown|unauthorized|denied|forbidden|invalid reference",
    re.IGNORECASE,
)
_PULLING = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable")
_MISCONFIGURED = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
# The message of Kubernetes' admission plugin ResourceQuota.
_QUOTA = re.compile(
    r"exceeded quota: (?P<name>[^,\s]{1,253}), requested: (?P<requested>.{0,1000}?), used: (?P<used>.{0,1000}?), limited: (.*)"
)
# The message of Kubernetes' admission plugin LimitRanger, once for each resource that is too large or too small.
_LIMIT = re.compile(
    r"(?P<bound>maximum|minimum) (?P<resource>[\w./-]{1,253}) usage per (?:Pod|Container) is (?P<amount>[^\s,]{1,40}),? but "
)
# What a runtime says of an image in which the start program cannot run.
_NO_SHELL = re.compile(r"exec: \"/bin/sh\"|/bin/sh\W{1,3}(no such file|not found)", re.IGNORECASE)
# What the start program of a lab says (inside/jld-lab): the end of the container's log.
_START_PROGRAM = re.compile(r"jld-lab: ([^\n]{1,1000})\s*\Z")
_FULL = re.compile(r"no space left on device|disk quota exceeded|ENOSPC|EDQUOT", re.IGNORECASE)


def pod_rejected(status: int, message: str) -> Obstacle:
    """The obstacle for a pod that the API server rejected with an HTTP status and a message."""
    detail = f"{status} {one_line(message)}".strip()
    if refused := claim_rejected(message, detail):
        return refused
    if exceeded := _QUOTA.search(message):
        requested = _amounts(exceeded["requested"])
        if exceeded["name"].strip().endswith(PER_USER):
            sentence = (
                f"Your labs use all that they may use together ({requested} more would exceed your quota). "
                "Choose a smaller size, or stop another lab of yours first."
            )
            return Obstacle("quota", sentence, detail, final=True)
        sentence = (
            f"The labs of this site use all that they may use together ({requested} more would exceed the quota "
            f"{exceeded['name'].strip()}). Choose a smaller size, or try again when somebody has stopped a lab."
        )
        return Obstacle("quota", sentence, detail, final=True)
    if limit := _LIMIT.search(message):
        larger = limit["bound"] == "minimum"
        sentence = (
            f"The cluster takes no lab {'below' if larger else 'above'} {limit['resource']} {limit['amount']}. "
            f"Choose a {'larger' if larger else 'smaller'} size; if there is none, tell an administrator."
        )
        return Obstacle("size", sentence, detail, final=True)
    if status in (401, 403):
        return Obstacle("refused", f"The cluster does not allow this lab. {_ASK}", detail, final=True)
    if status in (400, 404, 422):
        return Obstacle(
            "invalid", f"The cluster does not accept the description of this lab. {_ASK}", detail, final=True
        )
    return unreachable(detail)


def unreachable(error: str) -> Obstacle:
    """The obstacle for a Kubernetes API that does not answer, or with a server error."""
    return Obstacle("kubernetes", f"The cluster does not answer as it should. {_LATER}", one_line(error), final=True)


def obstacle(pod: Object | None, events: Iterable[Object] = ()) -> Obstacle | None:
    """The obstacle in a pod's status and events. None where there is no pod, or where it only needs more time."""
    if pod is None:
        return None
    status = pod.get("status") or {}
    return (
        _of_phase(status)
        or next(filter(None, (_of_container(container, pod) for container in _containers(status))), None)
        or _of_scheduling(status)
        or _of_volumes(list(events), own_secret(pod))
    )


def timed_out(seconds: float, pod: Object | None, events: Sequence[Object]) -> Obstacle:
    """The obstacle in the pod's status and events, else a time-out after `seconds` with the newest event."""
    if why := obstacle(pod, events):
        return why
    sentence = (
        f"The lab did not start within {minutes(seconds)}. Start it again; if that fails too, tell an administrator."
    )
    return Obstacle("timeout", sentence, newest_event(events), final=True)


def removed(events: Sequence[Object]) -> Obstacle:
    """The obstacle for a pod that was deleted while it started."""
    sentence = "The lab was taken away while it started, by the cluster or by an administrator. Start it again."
    return Obstacle("removed", sentence, newest_event(events), final=True)


def not_answering(seconds: float, pod: Object | None, events: Sequence[Object]) -> Obstacle:
    """The obstacle in the pod's status, else a pod that runs and whose lab does not respond within `seconds`."""
    if why := obstacle(pod):
        return why
    sentence = (
        f"The lab runs but did not answer within {minutes(seconds)}. Start it again with a larger size; "
        "if that fails too, tell an administrator."
    )
    return Obstacle("silent", sentence, newest_event(events), final=True)


def minutes(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes"


def _containers(status: Object) -> list[Object]:
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _of_phase(status: Object) -> Obstacle | None:
    """A pod that failed as a whole: evicted, preempted, or rejected by its node."""
    reason = status.get("reason")
    if status.get("phase") != "Failed" or not reason:
        return None
    sentence = f"The node that ran the lab stopped it ({reason}). Start it again."
    return Obstacle("evicted", sentence, one_line(f"{reason}: {status.get('message') or ''}"), final=True)


def _of_container(container: Object, pod: Object) -> Obstacle | None:
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    detail = one_line(f"{reason}: {message}")
    image = _image(container, pod)
    if reason == "InvalidImageName" or (reason in _PULLING and _ABSENT.search(message)):
        sentence = f"The image {image} does not exist, or this cluster may not read it. Choose another image, or tell an administrator."
        return Obstacle("image", sentence, detail, final=True)
    if reason == "ErrImageNeverPull":
        return Obstacle(
            "image", f"The image {image} is not on the node that was chosen for the lab. {_ASK}", detail, True
        )
    if reason in _PULLING:
        sentence = f"The image {image} could not be fetched: its registry does not answer as it should. {_LATER}"
        return Obstacle("registry", sentence, detail)
    if reason in _MISCONFIGURED and _NO_SHELL.search(message):
        return _no_shell(image, detail)
    if reason in _MISCONFIGURED and (gone := absent(message, detail)):
        return gone
    if reason in _MISCONFIGURED:
        return Obstacle("container", f"The lab's container could not be made. {_ASK}", detail)
    return _of_ended(container, state, image)


def _no_shell(image: str, detail: str) -> Obstacle:
    sentence = (
        f"The image {image} cannot be a lab, because it has no /bin/sh. Choose another image, or tell an administrator."
    )
    return Obstacle("image", sentence, detail, final=True)


def _of_ended(container: Object, state: Object, image: str) -> Obstacle | None:
    """A container that ended with an error, or one that waits for its restart after an error."""
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    code = ended.get("exitCode")
    name, message = str(container.get("name") or ""), one_line(str(ended.get("message") or ""))
    if code is None or "running" in state or (code == 0 and name != "notebook"):
        return None
    if code == 0:
        sentence = f"The lab's program ended by itself. Is it one that JupyterHub can start? {_ASK}"
        return Obstacle("ended", sentence, one_line(f"{name} ended with exit code 0: {message}"), final=True)
    detail = one_line(
        f"{name} ended with exit code {code} ({ended.get('reason') or 'Error'})" + (f": {message}" if message else "")
    )
    final = int(container.get("restartCount") or 0) >= _RESTARTS
    if ended.get("reason") == "OOMKilled":
        return Obstacle("memory", "The lab needed more memory than its size has. Choose a larger size.", detail, final)
    if _FULL.search(message):
        return Obstacle("full", _NO_SPACE, detail, final)
    if name == "notebook" and _NO_SHELL.search(message):
        return _no_shell(image, detail)
    if name == "notebook" and (said := _START_PROGRAM.search(str(ended.get("message") or ""))):
        return Obstacle("program", f"The lab did not start: {said[1].strip()}.", detail, final=True)
    if name == "home":
        return Obstacle("home", f"Your home directory could not be made ready. {_ASK}", detail, final)
    if name == "notebook":
        return Obstacle(
            "crashed",
            "The lab's program ended right after its start. Choose another image or a larger size.",
            detail,
            final,
        )
    return Obstacle("preparation", f"A step that prepares your lab failed ({name}). {_ASK}", detail, final)


def _of_scheduling(status: Object) -> Obstacle | None:
    for condition in status.get("conditions") or []:
        if condition.get("type") != "PodScheduled" or condition.get("status") != "False":
            continue
        message = str(condition.get("message") or "")
        detail = one_line(f"{condition.get('reason') or 'Unschedulable'}: {message}")
        # A volume of one node or zone keeps the others out: room there is what is needed.
        of_volumes = VOLUME_UNBOUND.search(message)
        if "Insufficient" in message or "Too many pods" in message:
            nodes = "No node that reaches your home" if of_volumes else "No node of the cluster"
            sentence = f"{nodes} has room for a lab of this size just now. Choose a smaller size. {_LATER}"
            return Obstacle("room", sentence, detail)
        if of_volumes:
            return Obstacle("volume", f"A volume that the lab needs is not there. {_ASK}", detail)
        return Obstacle("nodes", f"No node of the cluster takes this lab. {_ASK}", detail)
    return None


def _of_volumes(events: Sequence[Object], own_secret: str) -> Obstacle | None:
    failures = [event for event in events if event.get("reason") in VOLUME_EVENTS]
    if not failures:
        return None
    newest = max(failures, key=when)
    message = str(newest.get("message") or "")
    # Not of the lab's own Secret, which the hub writes when the pod is there. Nor final: the event stays when it is there at last.
    if f'"{own_secret}"' not in message and (gone := absent(message, event_text(newest))):
        return replace(gone, reason="volume", final=False)
    return Obstacle("volume", mount_failure(message), event_text(newest))


def _image(container: Object, pod: Object) -> str:
    """The image reference in the pod's spec. In the status it is normalized, or missing before the image pull."""
    spec = pod.get("spec") or {}
    for requested in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        if requested.get("name") == container.get("name"):
            return str(requested.get("image") or "")
    return str(container.get("image") or "of the lab")


def _amounts(requested: str) -> str:
    """`limits.cpu=2,limits.memory=4Gi` as `limits.cpu 2, limits.memory 4Gi`."""
    return ", ".join(part.strip().replace("=", " ") for part in requested.split(","))
