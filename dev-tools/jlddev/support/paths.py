"""Folders of the harness. Sources are in the checkout; what is built or running is in a cache folder outside of it."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
DEV_TOOLS = CHECKOUT / "dev-tools"
CACHE = Path(os.environ.get("JLD_CACHE") or Path.home() / ".cache" / "jld")
BIN = CACHE / "bin"
PIP = Path.home() / ".cache" / "jld" / "uv" / "bin" / "pip"  # beside uv, where the Makefile puts both
LOCAL = CHECKOUT / ".jld"  # files of this checkout only: image overlay, CA, kubeconfig link
