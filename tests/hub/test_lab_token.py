"""The lab's own token for the hub: from a file, and in no environment."""

import os
import subprocess
from pathlib import Path

import psutil

from tests.ports import free_port

from .lab_program import TOKEN, command, environment, hub_api
from .processes import Program, answers


def test_the_lab_shows_the_hub_its_token_and_no_process_has_it_in_its_environment(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/user/ada/"
    with hub_api() as (api, asked):
        given = environment(tmp_path, api, url) | {"JLD_DEBUG": "1"}  # whose log shows the configuration
        lab = Program("lab", command(), given, tmp_path)
        lab.start()
        try:
            lab.wait_until(lambda: answers(f"{url}api"))
            lab.wait_until(lambda: any(path.endswith("/activity") for path, _ in asked))
            assert lab.process is not None
            process = psutil.Process(lab.process.pid)
            environments = [each.environ() for each in (process, *process.children(recursive=True))]
        finally:
            lab.stop()
    assert {authorization for path, authorization in asked if path.endswith("/activity")} == {f"token {TOKEN}"}
    assert [each for each in environments if "JUPYTERHUB_API_TOKEN" in each or TOKEN in each.values()] == []
    assert "api_token" in lab.log()
    assert TOKEN not in lab.log()


def test_a_lab_without_its_token_ends_with_a_sentence(tmp_path: Path) -> None:
    given = environment(tmp_path, "http://127.0.0.1:9/hub/api", "http://127.0.0.1:9/user/ada/")
    (tmp_path / "files" / "hub-token").unlink()
    done = subprocess.run(command(), env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"jld-lab: there is no {tmp_path}/files/hub-token; the hub's spawner mounts it\n"


def test_a_home_of_somebody_else_ends_with_a_sentence(tmp_path: Path) -> None:
    given = environment(tmp_path, "http://127.0.0.1:9/hub/api", "http://127.0.0.1:9/user/ada/")
    given["HOME"] = "/proc/1"  # nobody writes there, root neither
    done = subprocess.run(command(), env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("jld-lab: /proc/1 belongs to user 0 and cannot be written to by user ")
    assert done.stderr.endswith(f"an administrator must give it to {os.getuid()}\n")
