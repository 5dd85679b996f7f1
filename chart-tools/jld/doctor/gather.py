"""Ask the cluster, the resolver and the web: all at once, each with little time, and nothing is changed anywhere."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jld.doctor.cluster import needed
from jld.doctor.facts import Access, Cluster, Network, NotConfigured, Object, Place, Silence
from jld.doctor.network import web_addresses
from jld.support.key_paths import JsonMap, value_at

SECONDS = 8.0
NO_KUBECTL = "kubectl is not installed"


class Kubectl:
    """The cluster, through the program that operators have anyway, with their credentials."""

    def __init__(self, kubeconfig: Path | None, namespace: str | None) -> None:
        cache = Path(os.environ.get("JLD_CACHE") or Path.home() / ".cache" / "jld") / "bin"
        self.program = shutil.which("kubectl") or shutil.which("kubectl", path=str(cache))
        self.options = ["--kubeconfig", str(kubeconfig)] if kubeconfig else []
        self.namespace = namespace or self._own_namespace()

    def run(self, *words: str, stdin: str = "") -> str | Silence:
        """What kubectl writes, or why it does not."""
        if self.program is None:
            return Silence(NO_KUBECTL)
        command = [self.program, *self.options, f"--request-timeout={SECONDS - 2:.0f}s", *words]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return Silence(f"no answer in {SECONDS:.0f} seconds")
        except OSError as error:
            return Silence(f"{self.program} does not run ({error.strerror})")
        return done.stdout if done.returncode == 0 else Silence(_reason(done.stderr))

    def objects(self, *words: str) -> Sequence[Object] | Silence:
        """The objects of a list."""
        text = self.run("get", *words, "--output", "json")
        return text if isinstance(text, Silence) else list(_json(text).get("items", []))

    def is_configured(self) -> bool:
        """Whether somebody said where the cluster is: a file that was named counts, even when it cannot be read."""
        return bool(self.options) or isinstance(self.run("config", "current-context"), str)

    def _own_namespace(self) -> str:
        """The one that Helm would install into."""
        text = self.run("config", "view", "--minify", "--output", "jsonpath={..namespace}")
        return text if isinstance(text, str) and text else "default"


def ask_all(questions: Mapping[str, Callable[[], Any]], seconds: float = SECONDS + 1) -> dict[str, Any]:
    """Every answer that came in time. A thread that waits for ever does not keep the program from ending."""
    answers: dict[str, Any] = {name: Silence(f"no answer in {seconds:.0f} seconds") for name in questions}

    def ask(name: str, question: Callable[[], Any]) -> None:
        answers[name] = question()

    threads = [threading.Thread(target=ask, args=each, daemon=True) for each in questions.items()]
    end = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(answers)


def look_at(kubectl: Kubectl, site: JsonMap | None, place: Place) -> tuple[Cluster, Network]:
    """Everything that can be found out in a few seconds."""
    version = _version(kubectl)
    questions: dict[str, Callable[[], Any]] = {}
    if isinstance(version, str):
        questions |= _of_the_cluster(kubectl, site, place)
    hostname = str(value_at(site, "global", "hostname")) if site else ""
    web = sorted(web_addresses(site).values()) if site else []
    if hostname:
        questions["addresses"] = lambda: _addresses(hostname)
    questions |= {address: lambda address=address: _status(address) for address in web}  # type: ignore[misc]
    answers = ask_all(questions)
    network = Network(answers.pop("addresses", ()), {address: answers.pop(address) for address in web})
    return Cluster(version, **answers), network


def _of_the_cluster(kubectl: Kubectl, site: JsonMap | None, place: Place) -> dict[str, Callable[[], Any]]:
    here = ("--namespace", place.namespace)
    questions: dict[str, Callable[[], Any]] = {
        "nodes": lambda: kubectl.objects("nodes"),
        "storage_classes": lambda: kubectl.objects("storageclasses"),
        "namespace": lambda: _namespace(kubectl, place.namespace),
        "daemon_sets": lambda: kubectl.objects("daemonsets", "--all-namespaces"),
        "volumes": lambda: kubectl.objects("persistentvolumes"),
        "claims": lambda: kubectl.objects("persistentvolumeclaims", *here),
        "services": lambda: kubectl.objects("services", *here),
        "refused": lambda: _refused(kubectl, needed(site), place),
    }
    named = _secrets_that_the_site_names(site) if site else []
    if named:
        questions["secrets"] = lambda: _are_there(kubectl, named, here)
    tls = value_at(site, "nginx", "tls", "existingSecret")
    if tls:
        questions["certificate"] = lambda: _certificate(kubectl, str(tls), here)
    return questions


def _secrets_that_the_site_names(site: JsonMap) -> list[str]:
    named = [value_at(site, *path, "existingSecret") for path in (("hub",), ("nginx", "routes"), ("nginx", "tls"))]
    named += value_at(site, "global", "imagePullSecrets") or []
    return list(dict.fromkeys(str(name) for name in named if name))


def _version(kubectl: Kubectl) -> str | Silence:
    if not kubectl.is_configured():
        return NotConfigured("kubectl is told of none" if kubectl.program else NO_KUBECTL)
    text = kubectl.run("get", "--raw", "/version")
    return text if isinstance(text, Silence) else str(_json(text).get("gitVersion"))


def _namespace(kubectl: Kubectl, name: str) -> Object | Silence | None:
    text = kubectl.run("get", "namespace", name, "--ignore-not-found", "--output", "json")
    return text if isinstance(text, Silence) else _json(text) or None


def _refused(kubectl: Kubectl, accesses: Sequence[Access], place: Place) -> Sequence[Access] | Silence:
    """A SelfSubjectAccessReview is created to be answered, and kept by nobody."""
    reviews = [_review(access, place) for access in accesses]
    stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": reviews})
    text = kubectl.run("create", "--filename", "-", "--output", "json", stdin=stdin)
    if isinstance(text, Silence):
        return text
    answers = [each for each in _many(text) if value_at(each, "kind") == "SelfSubjectAccessReview"]
    if len(answers) != len(accesses):
        return Silence("the cluster did not answer every question about permissions")
    return [
        access for access, answer in zip(accesses, answers, strict=True) if not value_at(answer, "status", "allowed")
    ]


def _review(access: Access, place: Place) -> JsonMap:
    attributes = {"verb": access.verb, "resource": access.resource, "group": access.group}
    if access.namespaced:
        attributes["namespace"] = place.namespace
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


def _are_there(kubectl: Kubectl, names: Sequence[str], here: Sequence[str]) -> Mapping[str, bool] | Silence:
    """Only whether they are there: nothing secret leaves the cluster."""
    found = kubectl.run("get", "secrets", *here, "--output", "name")
    if isinstance(found, Silence):
        return found
    there = {line.partition("/")[2] for line in found.splitlines()}
    return {name: name in there for name in names}


def _certificate(kubectl: Kubectl, name: str, here: Sequence[str]) -> bytes | Silence | None:
    """The certificate is public; the key beside it is not asked for."""
    text = kubectl.run("get", "secret", name, *here, "--output", r"jsonpath={.data.tls\.crt}")
    return text if isinstance(text, Silence) else base64.b64decode(text) or None


def _addresses(hostname: str) -> Sequence[str] | Silence:
    try:
        found = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Silence(f"no address ({reason})")
    return sorted({str(entry[4][0]) for entry in found})


def _status(address: str) -> int | Silence:
    """The status of a web address: any answer shows that somebody is there."""
    request = urllib.request.Request(address, method="HEAD", headers={"User-Agent": "jld doctor"})  # noqa: S310 (the schema lets only http(s) through)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS - 2) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError) as error:
        return Silence(str(getattr(error, "reason", error)) or type(error).__name__)


def _reason(stderr: str) -> str:
    """The last line of what kubectl complains, without its time stamps."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "kubectl gives no reason"
    return re.sub(r"^(error: |Error from server (\(\w+\): )?)", "", last)


def _json(text: str) -> JsonMap:
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _many(text: str) -> list[JsonMap]:
    """One document, a list of them, or several after each other: kubectl has done all three."""
    decoder, found, at = json.JSONDecoder(), list[JsonMap](), 0
    text = text.strip()
    while at < len(text):
        try:
            document, at = decoder.raw_decode(text, at)
        except ValueError:
            break
        found += document["items"] if document.get("kind") == "List" else [document]
        at += len(text[at:]) - len(text[at:].lstrip())
    return found
