"""Why a lab does not start, in a sentence for the person who waits for it. Pure functions from what Kubernetes says."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jldhub.labs.obstacle import Obstacle
from jldhub.settings.lab import PER_USER

Object = Mapping[str, Any]

_LONGEST = 500  # characters of what Kubernetes says
_TRIES = 2  # times that a container may end before its lab is given up: a file server that restarts costs one
_ASK = "Tell an administrator of this site."
_LATER = "Try again in some minutes."
_ABSENT = re.compile(
    r"not found|manifest unknown|no such (image|manifest)|name unknown|unauthorized|denied|forbidden|invalid reference",
    re.IGNORECASE,
)
_PULLING = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable")
_MISCONFIGURED = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_VOLUME_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "ProvisioningFailed")
_VOLUME_UNBOUND = re.compile(r"persistentvolumeclaim|volume node affinity|volume binding", re.IGNORECASE)
_QUOTA = re.compile(r"exceeded quota: (?P<name>[^,]+), requested: (?P<asked>.*?), used: (?P<used>.*?), limited: (.*)")


def pod_rejected(status: int, message: str) -> Obstacle:
    """The API server did not take the pod: why, from its HTTP status and its message."""
    detail = f"{status} {one_line(message)}".strip()
    if found := _QUOTA.search(message):
        asked = _amounts(found["asked"])
        if found["name"].strip().endswith(PER_USER):
            sentence = (
                f"Your labs use all that they may use together ({asked} more would exceed your quota). "
                "Choose a smaller size, or stop another lab of yours first."
            )
            return Obstacle("quota", sentence, detail, final=True)
        sentence = (
            f"The labs of this site use all that they may use together ({asked} more would exceed the quota "
            f"{found['name'].strip()}). Choose a smaller size, or try again when somebody has stopped a lab."
        )
        return Obstacle("quota", sentence, detail, final=True)
    if status in (401, 403):
        return Obstacle("refused", f"The cluster does not allow this lab. {_ASK}", detail, final=True)
    if status in (400, 404, 422):
        return Obstacle(
            "invalid", f"The cluster does not accept the description of this lab. {_ASK}", detail, final=True
        )
    return unreachable(detail)


def unreachable(trouble: str) -> Obstacle:
    return Obstacle("kubernetes", f"The cluster does not answer as it should. {_LATER}", one_line(trouble), final=True)


def obstacle(pod: Object | None, events: Iterable[Object] = ()) -> Obstacle | None:
    """What a pod's status and its events say about why it does not run; nothing when it simply needs more time."""
    found = list(events)
    if pod is None:
        return None
    status = pod.get("status") or {}
    return (
        _of_phase(status)
        or next(filter(None, (_of_container(each, pod) for each in _containers(status))), None)
        or _of_scheduling(status)
        or _of_volumes(found)
    )


def timed_out(seconds: float, pod: Object | None, events: Sequence[Object]) -> Obstacle:
    """The reason that is known, else the bare fact with the last thing that Kubernetes said."""
    known = obstacle(pod, events)
    if known:
        return known
    sentence = (
        f"The lab did not start within {minutes(seconds)}. Start it again; if that fails too, tell an administrator."
    )
    return Obstacle("timeout", sentence, newest_event(events), final=True)


def removed(events: Sequence[Object]) -> Obstacle:
    sentence = "The lab was taken away while it started, by the cluster or by an administrator. Start it again."
    return Obstacle("removed", sentence, newest_event(events), final=True)


def not_answering(seconds: float, events: Sequence[Object]) -> Obstacle:
    sentence = (
        f"The lab runs but did not answer within {minutes(seconds)}. Start it again with a larger size; "
        "if that fails too, tell an administrator."
    )
    return Obstacle("silent", sentence, newest_event(events), final=True)


def newest_event(events: Sequence[Object]) -> str:
    """The newest warning, else the newest event: `Failed: Error: ErrImagePull`."""
    ordered = sorted(events, key=when)
    warnings = [event for event in ordered if event.get("type") == "Warning"]
    newest = (warnings or ordered)[-1:]
    return "".join(_event_text(event) for event in newest)


def when(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def minutes(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes"


def one_line(text: str) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _event_text(event: Object) -> str:
    return one_line(f"{event.get('reason') or 'Event'}: {event.get('message') or ''}")


def _containers(status: Object) -> list[Object]:
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _of_phase(status: Object) -> Obstacle | None:
    """A pod that is over, whatever its containers say: evicted, preempted, refused by its node."""
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
    if reason in _MISCONFIGURED:
        return Obstacle("container", f"The lab's container could not be made. {_ASK}", detail)
    return _of_ended(container, state)


def _of_ended(container: Object, state: Object) -> Obstacle | None:
    """A container that ended with an error, now or, while it waits for its next try, before."""
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    code = ended.get("exitCode")
    if not code or "running" in state:
        return None
    name, said = str(container.get("name") or ""), one_line(str(ended.get("message") or ""))
    detail = one_line(
        f"{name} ended with exit code {code} ({ended.get('reason') or 'Error'})" + (f": {said}" if said else "")
    )
    final = int(container.get("restartCount") or 0) >= _TRIES
    if ended.get("reason") == "OOMKilled":
        return Obstacle("memory", "The lab needed more memory than its size has. Choose a larger size.", detail, final)
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
        if _VOLUME_UNBOUND.search(message):
            return Obstacle("volume", f"A volume that the lab needs is not there. {_ASK}", detail)
        if "Insufficient" in message or "Too many pods" in message:
            sentence = (
                f"No node of the cluster has room for a lab of this size just now. Choose a smaller size. {_LATER}"
            )
            return Obstacle("room", sentence, detail)
        return Obstacle("nodes", f"No node of the cluster takes this lab. {_ASK}", detail)
    return None


def _of_volumes(events: Sequence[Object]) -> Obstacle | None:
    troubles = [event for event in events if event.get("reason") in _VOLUME_EVENTS]
    if not troubles:
        return None
    detail = _event_text(max(troubles, key=when))
    return Obstacle(
        "volume", f"A volume that the lab needs could not be mounted, such as the home directories. {_ASK}", detail
    )


def _image(container: Object, pod: Object) -> str:
    """As it was asked for: the status has another spelling, or none while nothing is pulled."""
    spec = pod.get("spec") or {}
    for each in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        if each.get("name") == container.get("name"):
            return str(each.get("image") or "")
    return str(container.get("image") or "of the lab")


def _amounts(asked: str) -> str:
    """`limits.cpu=2,limits.memory=4Gi` as `limits.cpu 2, limits.memory 4Gi`."""
    return ", ".join(part.strip().replace("=", " ") for part in asked.split(","))
