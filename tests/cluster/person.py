"""A scientist at a browser: logs in, starts a lab, runs a cell, and runs code through the same kernel's WebSocket."""

import json
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, Page, TimeoutError, expect
from websocket import create_connection

from .release import Release

SCREENSHOTS = Path(__file__).parents[2] / ".jld" / "screenshots"


class Person:
    """One logged-in browser window, and the same session for plain requests."""

    def __init__(self, release: Release, page: Page) -> None:
        self.release = release
        self.page = page

    def open(self, path: str) -> None:
        """A page of the hub or of a lab; `path` is without `global.hubRoute`."""
        self.page.goto(f"{self.release.url}{self.release.hub_path}{path}")

    def log_in_with_github(self, login: str) -> None:
        self.open("/")
        self.screenshot("login")
        self.page.get_by_role("button", name="Sign in with GitHub").click()
        self.page.get_by_role("button", name=f"Continue as {login}").click()
        self.page.wait_for_url(f"{self.release.url}/**")

    def log_in_with_password(self, name: str, password: str) -> None:
        self.open("/hub/login")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/hub/login" not in url)

    def stop_lab(self) -> None:
        self.open("/hub/home")
        self.page.wait_for_load_state("networkidle")  # the page's script answers the button, and comes after the page
        self.page.get_by_role("button", name="Stop My Server").click()
        self.page.get_by_role("button", name="Start My Server").wait_for(timeout=60_000)

    def start_lab(self, size: str) -> None:
        self.ask_for_lab(size)
        self.wait_for_lab()

    def ask_for_lab(self, size: str, image: str = "", typed: str = "") -> None:
        """With an image of the menu by its value, or one that is typed."""
        self.open("/hub/spawn")
        self.page.get_by_label(size).check()
        if image or typed:
            self.page.locator(f"input[name=image][value='{image or '/'}']").check()
        if typed:
            self.page.locator("input[name=typed-image]").fill(typed)
        self.screenshot("spawn")
        self.page.get_by_role("button", name="Start").click()

    def wait_for_lab(self) -> None:
        """Where it does not come, what the page says and what happened in the release's namespace are in the failure."""
        try:
            self.page.wait_for_url("**/lab**", timeout=300_000)  # as long as the hub itself waits
        except TimeoutError as error:
            said = self.page.locator("body").inner_text()
            raise AssertionError(f"no lab at {self.page.url}:\n{said}\n{self.release.story()}") from error
        expect(self.page.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)

    def run_first_cell(self, code: str) -> str:
        """Open a notebook from the launcher, type into its first cell, and read what it prints."""
        self.page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
        expect(self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_visible(timeout=60_000)
        cell = self.page.locator(".jp-Notebook .jp-Cell .cm-content").first
        output = self.page.locator(".jp-OutputArea-output pre").first
        deadline = time.monotonic() + 120
        while True:  # a notebook that is still being drawn forgets what is written into it
            if code not in cell.inner_text():
                cell.fill(code)
                self.page.wait_for_timeout(500)
            cell.press("Shift+Enter")
            try:
                expect(output).to_be_visible(timeout=15_000)
                break
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
        self.screenshot("lab")
        return output.inner_text().strip()

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def cookie_header(self, path: str) -> str:
        """The cookies that the browser would send to a path of the site."""
        found = self.page.context.cookies(f"{self.release.url}{path}")
        return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in found)

    def write_file(self, lab: str, name: str, content: str) -> None:
        """Save a text file in the lab's home, as JupyterLab does."""
        self.write("PUT", f"{lab}api/contents/{name}", {"type": "file", "format": "text", "content": content})

    def start_kernel(self, lab: str) -> str:
        """Start a kernel without a notebook, and return its name."""
        return str(self.write("POST", f"{lab}api/kernels", {"name": "python3"}).json()["id"])

    def write(self, method: str, path: str, document: dict[str, str]) -> httpx.Response:
        """A request of the lab's API that changes something, as a page of the lab sends it."""
        cookies = {each["name"]: each["value"] for each in self.page.context.cookies(f"{self.release.url}{path}")}
        headers = {"Cookie": self.cookie_header(path), "X-XSRFToken": cookies["_xsrf"]}
        with self.client() as client:
            return client.request(method, path, json=document, headers=headers).raise_for_status()

    def get(self, path: str) -> httpx.Response:
        """A request outside the page, with the browser's session."""
        with self.client() as client:
            return client.get(path, headers={"Cookie": self.cookie_header(path)})

    def client(self) -> AbstractContextManager[httpx.Client]:
        """Without the browser's session."""
        return visitor(self.release)

    def run_in_kernel(self, lab: str, kernel: str, code: str) -> str:
        """Run code in a running kernel through its WebSocket, and return what it prints."""
        path = f"{lab}api/kernels/{kernel}/channels"
        site = urlsplit(self.release.url)
        socket = create_connection(
            f"wss://{self.release.node_address}:{site.port}{path}",
            host=site.netloc,
            cookie=self.cookie_header(path),
            origin=self.release.url,
            sslopt={"ca_certs": str(self.release.ca), "server_hostname": site.hostname},
            timeout=30,
        )
        message_id = uuid.uuid4().hex
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        header = {"msg_id": message_id, "msg_type": "execute_request", "username": "", "session": uuid.uuid4().hex}
        request = {"header": header | {"version": "5.3"}, "parent_header": {}, "metadata": {}, "content": content}
        try:
            socket.send(json.dumps(request | {"channel": "shell"}))
            printed = ""
            while True:
                answer = json.loads(socket.recv())
                if answer["parent_header"].get("msg_id") != message_id:
                    continue
                if answer["msg_type"] == "stream":
                    printed += answer["content"]["text"]
                if answer["msg_type"] == "error":
                    raise AssertionError("\n".join(answer["content"]["traceback"]))
                if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
                    return printed.strip()
        finally:
            socket.close()


class ServerName(httpx.BaseTransport):
    """Sends the site's host name in the TLS handshake while the connection goes to the node's address."""

    def __init__(self, inner: httpx.HTTPTransport, name: str) -> None:
        self._inner = inner
        self._name = name

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = self._name
        return self._inner.handle_request(request)


@contextmanager
def visitor(release: Release) -> Iterator[httpx.Client]:
    """An HTTP client of nobody's that trusts this site's CA and reaches its host name at the node's address."""
    transport = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=str(release.ca)))
    site = urlsplit(release.url)
    with httpx.Client(
        base_url=f"https://{release.node_address}:{site.port}",
        headers={"Host": site.netloc},
        transport=ServerName(transport, site.hostname or ""),
        timeout=20,
    ) as client:
        yield client


def sit_down(browser: Browser, release: Release) -> Person:
    """A new browser window without history."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 800})
    return Person(release, context.new_page())
