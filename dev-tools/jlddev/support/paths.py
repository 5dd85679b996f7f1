"""Where the harness keeps things: sources in the checkout, everything built or running under one cache folder outside it."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
DEV_TOOLS = CHECKOUT / "dev-tools"
CACHE = Path(os.environ.get("JLD_CACHE") or Path.home() / ".cache" / "jld")
BIN = CACHE / "bin"
PIP = Path.home() / ".cache" / "jld" / "uv" / "bin" / "pip"  # beside uv, where the Makefile puts both
LOCAL = CHECKOUT / ".jld"  # what belongs to this checkout alone: image overlay, CA, kubeconfig link
