"""Headless Chromium, the way every test opens it."""

from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser, Playwright


def open_chromium(playwright: Playwright, places: Mapping[str, str]) -> Browser:
    """A Chromium that finds names (`*.test`) at the places given for them (address, and port where it is another one), and
    calls nobody by itself."""
    rules = ", ".join(f"MAP {name} {place}" for name, place in places.items())
    return playwright.chromium.launch(
        executable_path=Path(__file__).with_suffix(".sh"),
        args=[
            "--no-sandbox",  # root may not start it otherwise
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--host-resolver-rules={rules}",
        ],
    )
