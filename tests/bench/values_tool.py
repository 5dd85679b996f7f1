"""What the operator's tool costs: `python tests/bench/values_tool.py [RUNS]`.

Runs `jld values` and `jld check` on the largest example, and on one with traits and a class of oauthenticator, each time as a
new program, and prints processor time and peak memory with the start of Python and every import. Below them stands what Python
alone takes, because machines differ.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

CHECKOUT = Path(__file__).resolve().parents[2]
LARGEST = CHECKOUT / "values" / "everything.yaml"
SECRETS = {
    "githubClientSecret": "made-up",
    "otherClientSecret": "made-up",
    "dbUrl": "postgresql://hub:made-up@db.example.org/hub",
}
JLD = (sys.executable, "-m", "jld.cli")
AIM = "aim: under 0.5 s of processor time and 100 MB"
WITH_TRAITS = """\
global: {hostname: jupyter.example.org}
nginx: {tls: {existingSecret: jupyter-tls}}
hub:
  auth: {other: {class: gitlab, clientId: jld, subjectClaim: id, allowAll: true, options: {gitlab_url: https://gitlab.example.org}}}
  traits: {KubeSpawner: {http_timeout: 300, tolerations: [{key: labs, operator: Exists}]}, JupyterHub: {active_server_limit: 200}}
"""


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = folder / "secrets.yaml"
        given.write_text(
            yaml.safe_dump({"hub": {"secret": SECRETS}, "logging": {"secret": {"brokerPassword": "made-up"}}})
        )
        output = folder / "values.yaml"
        with_traits = folder / "traits.yaml"
        with_traits.write_text(WITH_TRAITS)
        site = (str(LARGEST), "--secrets", str(given), "-o", str(output))
        programs: dict[str, tuple[str, ...]] = {
            "jld check": (*JLD, "check", *site),
            "jld values, the first time": (*JLD, "values", *site),
            "jld values, again": (*JLD, "values", *site),
            "jld check, with traits": (*JLD, "check", str(with_traits), *site[1:]),
            "python -c pass": (sys.executable, "-c", "pass"),
        }
        table = Table("command", "median", "slowest", "peak memory", title=f"{LARGEST.name}, {runs} runs; {AIM}")
        for title, command in programs.items():
            if title.endswith("first time"):
                found = [measure(command, output) for _ in range(runs)]
            else:
                found = [measure(command) for _ in range(runs)]
            seconds, memory = zip(*found, strict=True)
            table.add_row(
                title, f"{statistics.median(seconds):.2f} s", f"{max(seconds):.2f} s", f"{max(memory) / 1e6:.0f} MB"
            )
    Console().print(table)


def measure(command: tuple[str, ...], remove: Path | None = None) -> tuple[float, int]:
    """Seconds of processor time, and bytes, of one run."""
    if remove:
        remove.unlink(missing_ok=True)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)}: failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
