"""A home on a full disk: the lab starts all the same, so that its owner can tidy up."""

import os
from pathlib import Path

import pytest

from tests.ports import free_port

from .lab_program import command, environment, hub_api
from .processes import Program, answers

# A disk of a quarter of a megabyte, full to the last byte, in a mount namespace of its own.
ENTER = """
mount -t tmpfs -o size=256k tmpfs "$HOME"
! cat /dev/zero > "$HOME/full" 2>/dev/null
cd "$HOME"
exec "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a full disk is made with mount, which takes root")
def test_a_lab_starts_in_a_home_on_a_full_disk(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/user/ada/"
    with hub_api() as (api, _):
        inside = ["unshare", "--mount", "sh", "-ec", ENTER, "sh", *command()]
        lab = Program("lab", inside, environment(tmp_path, api, url), tmp_path)
        lab.start()
        try:
            lab.wait_until(lambda: answers(f"{url}api"))
            assert lab.process is not None
            seen_by_the_lab = f"/proc/{lab.process.pid}/root{tmp_path}/home"
            assert os.statvfs(seen_by_the_lab).f_bavail == 0
        finally:
            lab.stop()
