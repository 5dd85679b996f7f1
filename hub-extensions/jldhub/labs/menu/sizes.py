"""The sizes of labs: which of them a person is offered, and each as a profile of KubeSpawner."""

from typing import Any

from jldhub.identity import Identity, group_key
from jldhub.settings.lab import Lab, Size
from jldhub.support.refusal import Refusal


def offered_sizes(lab: Lab, identity: Identity) -> dict[str, Size]:
    """The sizes for everybody and those for the person's groups, by name, in ascending order of CPU and memory."""
    memberships = set(map(group_key, identity.memberships))
    offered = {
        name: size
        for name, size in lab.sizes.items()
        if not size.groups or memberships & set(map(group_key, size.groups))
    }
    return dict(sorted(offered.items(), key=lambda entry: (entry[1].cpu, entry[1].memory, entry[0])))


def check_size(lab: Lab, identity: Identity, chosen: object) -> None:
    """Raises a Refusal for a size that the person is not offered.

    No choice means the default size, which is for everybody.
    """
    offered = offered_sizes(lab, identity)
    if not chosen or (isinstance(chosen, str) and chosen in offered):
        return
    choice = f"Choose one of: {', '.join(offered)}."
    if isinstance(chosen, str) and chosen in lab.sizes:
        groups = " or ".join(lab.sizes[chosen].groups)
        raise Refusal(403, f"The lab size {chosen!r} is for members of {groups}. {choice}")
    raise Refusal(400, f"There is no lab size {str(chosen)[:40]!r}. {choice}")


def chosen_size(lab: Lab, chosen: object) -> Size:
    """The size of a checked choice. No choice means the default."""
    return lab.sizes[chosen if isinstance(chosen, str) and chosen else lab.default_size]


def size_profiles(lab: Lab, identity: Identity) -> list[dict[str, Any]]:
    """The offered sizes as KubeSpawner's profiles."""
    return [_profile(name, size, lab) for name, size in offered_sizes(lab, identity).items()]


def _profile(name: str, size: Size, lab: Lab) -> dict[str, Any]:
    return {
        "slug": name,
        "display_name": name.replace("-", " ").capitalize(),
        "description": _description(size),
        "default": name == lab.default_size,
        "kubespawner_override": {
            "cpu_limit": size.cpu,
            "cpu_guarantee": size.guaranteed_cpu or max(0.001, round(size.cpu / lab.size_range, 3)),
            "mem_limit": size.memory,
            "mem_guarantee": size.guaranteed_memory or int(size.memory / lab.size_range),
        },
    }


def _description(size: Size) -> str:
    gpus = {0: "", 1: ", and a GPU"}.get(size.gpus, f", and {size.gpus} GPUs")
    return f"Up to {size.cpu:g} CPU and {_readable(size.memory)} of memory{gpus}"


def _readable(size: int) -> str:
    """`size` in bytes, with a binary unit."""
    for power, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB")):
        if size >= 2**power:
            return f"{size / 2**power:.4g} {unit}"
    return f"{size} bytes"
