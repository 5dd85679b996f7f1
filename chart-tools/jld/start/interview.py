"""Asks for what a new site must answer: from options, from a person at the terminal, else from defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from jld.rules import between_keys
from jld.rules.images.series import is_one_image
from jld.schema import validation
from jld.schema.validation import accepted, key_rule
from jld.schema.validator import is_valid
from jld.site.tree import coalesce, plain, put, tree
from jld.start.images import listed_images
from jld.start.questions import (
    ADMINS,
    CERTIFICATE,
    CILOGON_ID,
    CILOGON_PEOPLE,
    CLIENT_ID,
    GROUPS,
    HOSTNAME,
    IMAGES,
    KEY,
    LETSENCRYPT,
    ORGANIZATIONS,
    PEOPLE,
    PROVIDERS,
    REGISTRY,
    STORAGE_QUESTIONS,
    TLS_SECRET,
    TRIAL_USERS,
    TRUSTED,
    Question,
)
from jld.support.errors import Problem, SiteError
from jld.support.key_paths import JsonMap, KeyPath, dotted, value_at
from jld.support.masking import masked

if TYPE_CHECKING:
    from jld.secrets.certificates import Fault

Check = Callable[[str], str]  # what is wrong with an answer, or nothing
Files = Callable[[JsonMap], "Iterable[Fault]"]  # what is wrong with the PEM files of a site


class Person(Protocol):
    """Somebody who can be asked."""

    def ask(self, question: str, default: str, check: Check) -> str: ...

    def choose(self, question: str, choices: Sequence[str], default: str) -> str: ...


class Interview:
    """Completes `site`, which holds what options and an old file gave already."""

    def __init__(self, site: JsonMap, chart_schema: JsonMap, person: Person | None, files: Files) -> None:
        self._schema = chart_schema
        self._person = person
        self._files = files
        self._problems: list[Problem] = []
        self._site = tree(site)

    def complete(self, defaults: JsonMap) -> JsonMap:
        """The whole site. Raises `SiteError` with everything that is missing or wrong."""
        self._ask(HOSTNAME)
        self._login()
        self._ask(ADMINS)
        if value_at(self._plain(), "hub", "auth", "dummy") is None:  # else it is a trial on one machine
            self._ask(REGISTRY)
        self._images()
        self._storage()
        self._certificate()
        if self._problems:
            raise SiteError(self._problems)
        self._validate(defaults)
        return self._plain()

    def _plain(self) -> JsonMap:
        data: JsonMap = plain(self._site)
        return data

    def _has(self, *path: str | int) -> bool:
        return value_at(self._plain(), *path) not in (None, "", [], {})

    def _login(self) -> None:
        chosen = value_at(self._plain(), "hub", "auth") or {}
        if not any(chosen.get(way) is not None for way in ("github", "cilogon", "other", "dummy")) and self._person:
            choice = self._person.choose(
                "Log in with GitHub, through CILogon, or (dummy) with one password for a trial",
                ("github", "cilogon", "dummy"),
                "github",
            )
            if choice != "github":
                self._put(("hub", "auth", choice), {})
        if value_at(self._plain(), "hub", "auth", "dummy") is not None:
            self._ask(TRIAL_USERS)
        elif value_at(self._plain(), "hub", "auth", "other") is not None:
            return  # no question is about it: an old file says all, or too little
        elif value_at(self._plain(), "hub", "auth", "cilogon") is not None:
            self._ask(CILOGON_ID)
            self._ask(PROVIDERS)
            self._ask_who_may_log_in(GROUPS, CILOGON_PEOPLE)
        else:
            self._ask(CLIENT_ID)
            self._ask_who_may_log_in(ORGANIZATIONS, PEOPLE)

    def _ask_who_may_log_in(self, members: Question, people: Question) -> None:
        """Ask for members, and for single people where there are none."""
        for question in (members, people):
            if not self._has(*members.path) and not self._has(*people.path):
                self._ask(question)
        if not self._has(*members.path) and not self._has(*people.path):
            self._missing(dotted(members.path[:3]), f"say who is let in: {members.option} or {people.option}")

    def _images(self) -> None:
        if self._has(*IMAGES.path) or not self._person:
            return
        answer = self._person.ask(IMAGES.text, IMAGES.default, self._fault_of_images)
        for path, value in listed_images(_listed(answer)).items():
            self._put(path, value)

    def _fault_of_images(self, answer: str) -> str:
        rule = key_rule(self._schema, (*IMAGES.path, "name", "reference"))
        for each in _listed(answer):
            if not is_valid(each, rule, self._schema):
                return f"{masked(each)!r} is not accepted; write {accepted(rule)}"
            if not is_one_image(each):
                return f"{each!r} has no tag; write it too, like {each}:latest"
        return ""

    def _storage(self) -> None:
        if self._has("storage") or not self._person:
            return
        choice = self._person.choose(
            "Home directories on a claim of a storage class, on a file server in the cluster (nfs), on an NFS server that "
            "exists (external), or in a folder of the only node (hostPath)",
            ("claim", "nfs", "external", "hostPath"),
            "claim",
        )
        if choice != "claim":
            self._put(("storage", "mode"), choice)
        for question in STORAGE_QUESTIONS[choice]:
            self._ask(question)

    def _certificate(self) -> None:
        mode = value_at(self._plain(), "nginx", "mode")
        if mode in ("ingress", "gateway"):
            self._ask(TRUSTED)
        if mode == "gateway":
            return  # it has the certificate
        trial = value_at(self._plain(), "hub", "auth", "dummy") is not None
        if self._has("nginx", "tls"):
            if self._has(*CERTIFICATE.path) or self._has(*KEY.path):
                self._ask(CERTIFICATE)
                self._ask(KEY)
            return
        if not self._person:
            if trial:
                self._put(("nginx", "tls", "selfSigned"), True)
            else:
                ways = (
                    "--letsencrypt EMAIL, or --tls-secret NAME, or --certificate FILE with --key FILE, or --self-signed"
                )
                self._missing("nginx.tls", f"say where the certificate comes from: {ways}")
            return
        choice = self._person.choose(
            "Certificate from Let's Encrypt by cert-manager, from PEM files, in a Secret of the cluster, or self-signed for a trial",
            ("letsencrypt", "files", "existingSecret", "selfSigned"),
            "selfSigned" if trial else "existingSecret",
        )
        if choice == "files":
            self._ask(CERTIFICATE)
            self._ask(KEY)
        elif choice == "existingSecret":
            self._ask(TLS_SECRET)
        elif choice == "letsencrypt":
            self._ask(LETSENCRYPT)
        else:
            self._put(("nginx", "tls", "selfSigned"), True)

    def _ask(self, question: Question) -> None:
        """Ask for what is not there yet. Without a person the default counts."""
        if self._has(*question.path):
            return
        if self._person:
            text = self._person.ask(question.text, question.default, lambda answer: self._fault(question, answer))
        else:
            text = question.default
            if not text and question.needed:
                rule = key_rule(self._schema, question.path)
                self._missing(dotted(question.path), f"give {question.option}: {accepted(rule) or 'a value'}")
        value: Any = _listed(text) if question.many else text.strip()
        if question.keys:
            value = {each: {} for each in value}
        if value and value != key_rule(self._schema, question.path).get("default"):
            self._put(question.path, value)

    def _fault(self, question: Question, answer: str) -> str:
        """What is wrong with an answer, while the person is still there to correct it."""
        rule = key_rule(self._schema, question.path)
        if not answer.strip():
            return f"write {accepted(rule) or 'an answer'}" if question.needed else ""
        if not question.many:
            right = is_valid(answer.strip(), rule, self._schema)
            return self._fault_of_file(question, answer.strip()) if right else f"write {accepted(rule)}"
        entry = rule["propertyNames"] if question.keys else key_rule(self._schema, (*question.path, 0))
        wrong = [each for each in _listed(answer) if not is_valid(each, entry, self._schema)]
        return f"{masked(wrong[0])!r} is not accepted; write {accepted(entry)}" if wrong else ""

    def _fault_of_file(self, question: Question, answer: str) -> str:
        """What is wrong with the PEM file that an answer names, beside the files that were named before."""
        if question not in (CERTIFICATE, KEY):
            return ""
        site: JsonMap = plain(put(self._site, question.path, tree(answer)))
        faults = [each for each in self._files(site) if each.about == question.path[-1] and not each.warning]
        return faults[0].sentence if faults else ""

    def _missing(self, key: str, sentence: str) -> None:
        self._problems.append(Problem(None, key, f"missing; {sentence}"))

    def _put(self, path: KeyPath, value: Any) -> None:
        self._site = put(self._site, path, tree(value))

    def _validate(self, defaults: JsonMap) -> None:
        """Everything that `jld check` would report, but for secrets, which are given or generated later."""
        effective = coalesce(defaults, self._plain())
        of_rules = between_keys.violations(self._site, effective)
        problems = [*validation.problems(self._site, effective, self._schema, of_rules), *of_rules]
        without_secrets = [problem for problem in problems if ".secret" not in problem.key]
        if without_secrets:
            raise SiteError(without_secrets)


def _listed(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
