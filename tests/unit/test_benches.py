"""Every bench can be started: what it imports is there. What it measures takes minutes and a quiet machine."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHES = Path(__file__).parents[1] / "bench"
PROGRAMS = [*BENCHES.glob("*.py"), *BENCHES.glob("*/__main__.py")]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: str(path.relative_to(BENCHES)))
def test_a_bench_finds_its_modules(program: Path, tmp_path: Path) -> None:
    """As `python tests/bench/NAME.py` does it, from any folder, up to the call of `main`."""
    start = f"import runpy, sys; sys.path[0] = {str(program.parent)!r}; runpy.run_path({str(program)!r})"
    done = subprocess.run([sys.executable, "-c", start], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
