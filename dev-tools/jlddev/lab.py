"""`make lab`: log in to what `make up` installed and start a lab, through the front door, as a browser does."""

import json
import ssl
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from jlddev.support.errors import MachineError
from jlddev.support.run import say
from jlddev.up import CERTIFICATE, JLD, VALUES

LONGEST_SILENCE = 120.0  # seconds without any event of a start, of which an image pull may take many
# What the hub may be doing with a lab besides starting it, by its API's word: nothing can be started meanwhile.
UNSETTLED = {"stop": "stops", "check": "is looked for by the hub, which just started"}


@dataclass(frozen=True)
class Trial:
    """An installed site whose people log in with one password."""

    url: str
    people: tuple[str, ...]
    password: str
    authority: Path | None = None  # None where the certificate is one that everybody trusts
    address: str | None = None  # where the host name is reached; None where it resolves


def installed() -> Trial:
    """The site of values.yaml; raises MachineError when it is none in which a program can log in."""
    if not VALUES.exists():
        raise MachineError(f"There is no {VALUES}: nothing was installed from here. Run `make up` first.")
    values = yaml.safe_load(VALUES.read_text())
    site, dummy = values["global"], values["hub"]["auth"].get("dummy")
    if not dummy:
        raise MachineError(
            "Only a person can log in to this site (it has no hub.auth.dummy): open it in a browser and start a lab there."
        )
    password = subprocess.run([str(JLD), "password", str(VALUES)], capture_output=True, text=True, check=False)
    if password.returncode:
        raise MachineError(f"The password is not known: {password.stderr.strip()}")
    port = site.get("port", 443)
    made_authority = values.get("nginx", {}).get("secret", {}).get("caCertificate")
    return Trial(
        url=f"https://{site['hostname']}" + ("" if port == 443 else f":{port}") + site.get("hubRoute", "/").rstrip("/"),
        people=tuple(dummy["users"]),
        password=password.stdout.strip(),
        authority=CERTIFICATE if made_authority else None,
        # Browsers know these names; the machine's resolver may not.
        address="127.0.0.1" if site["hostname"].endswith(".localhost") else None,
    )


def start(trial: Trial, person: str = "") -> str:
    """Have a lab of that person (by default the first) running, and return its URL."""
    person = person or trial.people[0]
    if person not in trial.people:
        raise MachineError(f"{person} may not log in to this site: choose one of {', '.join(trial.people)}.")
    try:
        with Browser(trial) as browser:
            browser.log_in(person, trial.password)
            browser.start_lab(person)
            return browser.open_lab(person)
    except ssl.SSLError as error:
        raise MachineError(f"The certificates of {trial.authority} cannot be read ({error}): run `make up`.") from error
    except FileNotFoundError as error:
        raise MachineError(f"There is no {trial.authority}: run `make up`, which writes it.") from error
    except httpx.TransportError as error:
        raise MachineError(f"{trial.url} does not answer ({error}): run `make up`.") from error


class Browser:
    """A session with cookies at one site."""

    def __init__(self, trial: Trial, transport: httpx.BaseTransport | None = None) -> None:
        authority = str(trial.authority) if trial.authority else None
        self._url = trial.url
        self._client = httpx.Client(
            transport=transport or At(trial.address, ssl.create_default_context(cafile=authority)),
            follow_redirects=True,
            timeout=httpx.Timeout(20, read=LONGEST_SILENCE),
        )

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def log_in(self, person: str, password: str) -> None:
        """Send the login page's form."""
        page = f"{self._url}/hub/login"
        self._client.get(page).raise_for_status()
        form = {"username": person, "password": password, "_xsrf": self._token("/hub/")}
        answer = self._client.post(page, data=form, headers={"Referer": page})
        if answer.url.path.endswith("/hub/login"):
            raise MachineError(
                f"The hub refused {person} ({answer.status_code}): does values.yaml belong to what is installed? Run `make up`."
            )

    def start_lab(self, person: str) -> None:
        """Ask for a lab of the default size unless there is one, and return when it is ready."""
        page = self._client.get(f"{self._url}/hub/home").raise_for_status()  # brings the token of the session
        headers = {"X-XSRFToken": self._token("/hub/"), "Referer": str(page.url)}
        user = f"{self._url}/hub/api/users/{person}"
        server = self._settled(user, headers, person)
        if server.get("ready"):
            say(f"the lab of {person} runs already")
            return
        if not server.get("pending"):
            say(f"start a lab for {person}")
            answer = self._client.post(f"{user}/server", headers=headers)
            if answer.is_error:
                raise MachineError(f"The hub started no lab for {person}: {sentence(answer)}")
        with self._client.stream("GET", f"{user}/server/progress", headers=headers) as events:
            if events.is_error:
                events.read()
                raise MachineError(f"The lab of {person} did not start: {sentence(events)}")
            follow(events.iter_lines(), person)

    def _settled(self, user: str, headers: Mapping[str, str], person: str) -> Mapping[str, Any]:
        """The person's server by the hub's API (empty without one), once the hub neither stops it nor looks for it."""
        deadline = time.monotonic() + LONGEST_SILENCE
        told = None
        while True:
            server = self._client.get(user, headers=headers).raise_for_status().json()["servers"].get("", {})
            pending = server.get("pending")
            if pending not in UNSETTLED:
                return dict(server)
            if pending != told:
                say(f"wait: the lab of {person} {UNSETTLED[pending]}")
                told = pending
            if time.monotonic() > deadline:
                raise MachineError(
                    f"The lab of {person} still {UNSETTLED[pending]} after {LONGEST_SILENCE:.0f} s: run `make lab` again later."
                )
            time.sleep(0.5)

    def open_lab(self, person: str) -> str:
        """Open the lab as its owner does, and return its URL."""
        url = f"{self._url}/user/{person}/lab"
        answer = self._client.get(url)
        if answer.is_error:
            raise MachineError(f"The lab of {person} is ready, and {url} answers {answer.status_code}.")
        return url

    def _token(self, path: str) -> str:
        """The hub's token against forged requests; a lab has one too, below another path."""
        found = [cookie for cookie in self._client.cookies.jar if cookie.name == "_xsrf" and cookie.path.endswith(path)]
        return str(found[-1].value) if found else ""


def follow(lines: Any, person: str) -> None:
    """Say what happens in a start until the lab is ready; raises MachineError with the reason when it fails."""
    for line in lines:
        if not line.startswith("data:"):
            continue
        event: Mapping[str, Any] = json.loads(line.removeprefix("data:"))
        if event.get("failed"):
            raise MachineError(f"The lab of {person} did not start: {event.get('message')}")
        if event.get("ready"):
            return
        say(f"{event.get('progress')} %: {event.get('message')}")
    raise MachineError(f"The hub stopped telling about the start of {person}'s lab: run `make lab` again.")


def sentence(answer: httpx.Response) -> str:
    """What the hub's API says of a failure."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError):
        return f"{answer.status_code} {answer.reason_phrase}"


class At(httpx.BaseTransport):
    """Connects to one address, whatever the URL's host name; name and certificate stay those of the URL."""

    def __init__(self, address: str | None, trust: ssl.SSLContext) -> None:
        self._address = address
        self._inner = httpx.HTTPTransport(verify=trust)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._address is None:
            return self._inner.handle_request(request)
        there = httpx.Request(
            request.method,
            request.url.copy_with(host=self._address),
            headers=request.headers,  # its Host among them
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return self._inner.handle_request(there)

    def close(self) -> None:
        self._inner.close()
