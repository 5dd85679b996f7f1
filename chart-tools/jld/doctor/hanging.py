"""Pods that should be gone: as a rule, ones that hang on a mount whose file server is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from jld.doctor.facts import ClusterFacts, Finding, Level, NoResponse, Object, Release
from jld.support.key_paths import value_at

SUBJECT = "pods that should be gone"
_LATE = timedelta(minutes=2)  # a node that works takes a pod away in seconds
_MOST_NAMED = 20


def findings(cluster: ClusterFacts, release: Release, now: datetime) -> Iterator[Finding]:
    """What an uninstall could not stop, and what is being deleted for longer than it may take."""
    if isinstance(cluster.version, NoResponse):
        return
    report = cluster.drain_report
    if isinstance(report, NoResponse):
        yield Finding.unknown(SUBJECT, report)
    elif text := value_at(report, "data", "report"):
        command = f"kubectl delete configmap {release.object_name('drain-report')} --namespace {release.namespace}"
        remedy = "see that these pods are gone, or that the file server is there again, and delete the report"
        yield Finding(SUBJECT, Level.warning, " ".join(str(text).split()), remedy, command)
    if isinstance(cluster.pods, NoResponse):
        yield Finding.unknown(SUBJECT, cluster.pods)
    elif hanging := [pod for pod in cluster.pods if _mounts(pod) and _is_late(pod, now)]:
        yield _hanging(hanging)


def _hanging(pods: Sequence[Object]) -> Finding:
    named = pods[:_MOST_NAMED]
    texts = [
        f"{value_at(pod, 'metadata', 'namespace')}/{value_at(pod, 'metadata', 'name')} on node "
        f"{value_at(pod, 'spec', 'nodeName')}"
        for pod in named
    ]
    more = f", and {len(pods) - len(named)} more" if len(pods) > len(named) else ""
    observed = (
        f"being deleted, and still there: {', '.join(texts)}{more}; a mount whose file server is gone waits for ever"
    )
    remedy = (
        "bring the server back at its address (helm upgrade), or else take the pods out of Kubernetes, which loses what they "
        "had not written, and on each node `umount -f -l` the mount, or restart the node: docs/storage.md, "
        '"Pods that hang on a dead mount"'
    )
    commands = [
        f"kubectl delete pod {value_at(pod, 'metadata', 'name')} --namespace {value_at(pod, 'metadata', 'namespace')} "
        "--grace-period=0 --force"
        for pod in named
    ]
    return Finding(SUBJECT, Level.failure, observed, remedy, " && ".join(commands))


def _mounts(pod: Object) -> bool:
    volumes = value_at(pod, "spec", "volumes") or ()
    return any("persistentVolumeClaim" in volume for volume in volumes)


def _is_late(pod: Object, now: datetime) -> bool:
    """Kubernetes writes down when a pod has to be gone, its grace period included."""
    until = value_at(pod, "metadata", "deletionTimestamp")
    if not isinstance(until, str):
        return False
    return now - datetime.strptime(until, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) > _LATE
