"""Which tests run after each other in one process, and which begin first, where pytest-xdist has several processes.

A group is a file, but for the levels whose tests share a machine of their own. Groups that wait more than they compute
begin first, and the others fill the processor beside them.
"""

import re
from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling

# Three processes use the cluster at a time. Modules of the first share one release; the modules of each come in this order.
CLUSTER = {
    "cluster: the shared release": (
        "test_image_menu",  # has a release of its own, to which the GitHub stand-in leads until the shared one takes its place
        "test_from_z2jh",  # has another, to which it leads after that
        "test_any_image",  # has a release of its own too
        "test_failed_starts",  # has another, and must not meet the node that test_session closes for a moment
        "test_session",
        "test_lab_pod",
        "test_network",
        "test_a_day",
        "test_renamed",
        "test_front_door",
        "test_doctor",
        "test_front_door_replicas",  # last, when less runs beside its load
    ),
    "cluster: releases of their own": (
        "test_user_namespaces",
        "test_file_server",
        # These list every kind of object that the cluster knows, so that none may come or go beside them: test_modes, test_dry_run and test_certificates add some.
        "test_modes",
        "test_dry_run",
        "test_certificates",
        "test_uninstall",
        "test_upgrades",
        "test_trial",  # last: whether what `make up` installed still runs
    ),
    "cluster: images on the node, smaller releases and logs": (
        "test_prepuller",
        "test_purger",  # removes images from the node that only it brought there
        "test_prepuller_scale",  # an API server of its own
        "test_firefly",
        "test_services",
        "test_earlier_names",
        "test_moved_files",
        "test_placement",
        "test_two_nodes",  # after those that take the node that is no stand-in for the only one
        "test_quota",
        "test_logging",  # last, when the brokers of other levels are gone
    ),
}
MACHINES = (
    "nfs",
    "mount",
    "machine",
    "kind",
    "systems",
)  # levels that start a machine, or namespaces, once for all their tests
# Brokers and a load of lines: over before the cluster's tests of a load begin.
LOADS = tuple(
    f"tests/logging/test_{name}.py" for name in ("relay_chain", "logstash_chain", "faults_are_told", "logstash_files")
)
SPREAD = "tests/render/test_generated_sites.py"  # in two groups: it would be the longest one by itself
LONGEST = (
    "tests/render/test_mutations.py",
    f"{SPREAD} 0",
    f"{SPREAD} 1",
    "tests/render/test_tls.py",
    "tests/render/test_checkov.py",
)
FIRST = (*CLUSTER, *LOADS, *MACHINES, *LONGEST)


def group_of(node_id: str) -> str:
    """The group of a test."""
    path = PurePath(node_id.partition("::")[0])
    level, module = path.parent.name, path.stem
    if str(path) == SPREAD:
        part = re.search(r"\[part(\d+)", node_id)
        return f"{path} {int(part[1]) % 2 if part else 0}"
    if level in MACHINES:
        return level
    if level == "cluster":
        # One that has no place yet: with the last group, for three processes are enough. A test says that it has none.
        return next((name for name, modules in CLUSTER.items() if module in modules), FIRST[len(CLUSTER) - 1])
    return str(path)


def place_of(node_id: str) -> tuple[int, int]:
    """By what tests are sorted: those that are equal stay as they were."""
    group = group_of(node_id)
    place = FIRST.index(group) if group in FIRST else len(FIRST)
    module, modules = PurePath(node_id.partition("::")[0]).stem, CLUSTER.get(group, ())
    return place, modules.index(module) if module in modules else 0


class Groups(LoadScopeScheduling):
    """Gives whole groups to processes, in the order in which their tests were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
