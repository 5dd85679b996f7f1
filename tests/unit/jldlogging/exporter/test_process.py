"""The exporter as a process of its own, as it runs in the pod."""

import subprocess
import sys
from pathlib import Path

import jldlogging

from tests.ports import free_port

PACKAGE = Path(jldlogging.__file__).parents[1]


def test_it_needs_no_package_and_ends_when_it_is_told_to() -> None:
    program = f"""
import sys
sys.path.insert(0, {str(PACKAGE)!r})
from jldlogging.exporter import __main__
__main__.PORT = {free_port()}
__main__.main()
"""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", program], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("jld: metrics of filebeat at port ")
        process.terminate()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""
