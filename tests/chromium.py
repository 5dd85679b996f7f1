"""Headless Chromium, the way every test opens it."""

from playwright.sync_api import Browser, Playwright


def open_chromium(playwright: Playwright, address: str) -> Browser:
    """A Chromium that finds every `.test` and `.localhost` name at one address, and calls nobody by itself."""
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=[
            "--no-sandbox",  # root may not start it otherwise
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--host-resolver-rules=MAP *.test {address}, MAP *.localhost {address}",
        ],
    )
