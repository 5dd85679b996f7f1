"""Home directories: made once, given to one person, and never anybody else's. Runs as root, as in the lab pod."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from jldhub.labs import init_home
from jldhub.labs.init_home import HomeUnusable, provision

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to somebody else")

UID, GID = 4000001, 4000001


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "homes"
    root.mkdir()
    return root


def owner_and_mode(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


def test_a_home_is_made_for_its_person_alone(root: Path) -> None:
    assert provision(str(root), "ada", UID, GID)
    assert owner_and_mode(root / "ada") == (UID, GID, 0o700)


def test_a_home_that_is_there_is_left_as_it_is(root: Path) -> None:
    provision(str(root), "ada", UID, GID)
    (root / "ada" / "notebook.ipynb").write_text("{}")
    (root / "ada").chmod(0o755)
    assert not provision(str(root), "ada", UID, GID)
    assert owner_and_mode(root / "ada") == (UID, GID, 0o755)
    assert (root / "ada" / "notebook.ipynb").read_text() == "{}"


def test_an_empty_directory_of_root_is_taken_over(root: Path) -> None:
    """The kubelet makes such a one for a mount, and an interrupted start leaves one."""
    (root / "ada").mkdir(mode=0o750)
    assert provision(str(root), "ada", UID, GID)
    assert owner_and_mode(root / "ada") == (UID, GID, 0o700)


def test_the_home_of_somebody_else_is_refused_and_not_touched(root: Path) -> None:
    provision(str(root), "ada", UID + 1, GID + 1)
    with pytest.raises(HomeUnusable, match=f"belongs to user {UID + 1} and not to user {UID}; an administrator must"):
        provision(str(root), "ada", UID, GID)
    assert owner_and_mode(root / "ada") == (UID + 1, GID + 1, 0o700)


def test_a_directory_of_root_with_something_in_it_is_refused(root: Path) -> None:
    (root / "ada").mkdir()
    (root / "ada" / "backup").write_text("")
    with pytest.raises(HomeUnusable, match="belongs to user 0"):
        provision(str(root), "ada", UID, GID)
    assert owner_and_mode(root / "ada")[0] == 0


@pytest.mark.parametrize("target", ["/etc", "elsewhere", "missing"])
def test_a_symbolic_link_is_never_followed(root: Path, target: str) -> None:
    (root / "elsewhere").mkdir()
    (root / "ada").symlink_to(target)
    with pytest.raises(HomeUnusable, match="is a link or a file and no directory"):
        provision(str(root), "ada", UID, GID)
    assert owner_and_mode(root / "elsewhere")[0] == 0
    assert Path("/etc").stat().st_uid == 0
    assert not (root / "missing").exists()


def test_a_file_in_its_place_is_refused(root: Path) -> None:
    (root / "ada").write_text("")
    with pytest.raises(HomeUnusable, match="is a link or a file and no directory"):
        provision(str(root), "ada", UID, GID)


def test_the_root_of_homes_may_not_be_a_link_either(tmp_path: Path, root: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        provision(str(tmp_path / "link"), "ada", UID, GID)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../ada", "a/b", "/etc", "a\0b"])
def test_a_name_that_is_a_path_is_refused(root: Path, name: str) -> None:
    with pytest.raises(HomeUnusable, match="is not the name of a home directory"):
        provision(str(root), name, UID, GID)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(("uid", "gid"), [(0, 5), (5, 0), (-1, 5)])
def test_a_home_never_belongs_to_root(root: Path, uid: int, gid: int) -> None:
    with pytest.raises(HomeUnusable, match="cannot belong to"):
        provision(str(root), "ada", uid, gid)
    assert list(root.iterdir()) == []


def test_a_file_server_that_maps_root_is_noticed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fchown", lambda *_: None)  # what an export with all_squash looks like from here
    with pytest.raises(HomeUnusable, match="does the file server map root to nobody"):
        provision(str(root), "ada", UID, GID)


def run_as_the_pod_does(root: Path, *, uid: int) -> subprocess.CompletedProcess[str]:
    source = Path(init_home.__file__).read_text()
    command = [sys.executable, "-I", "-S", "-c", source, str(root), "ada", str(uid), str(GID)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_its_text_runs_as_a_program_without_any_package(root: Path) -> None:
    assert run_as_the_pod_does(root, uid=UID).stdout == "home directory of ada made\n"
    assert run_as_the_pod_does(root, uid=UID).stdout == "home directory of ada found\n"
    refused = run_as_the_pod_does(root, uid=UID + 1)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"home directory refused: {root}/ada belongs to user {UID}")
    nowhere = run_as_the_pod_does(root / "nowhere", uid=UID)
    assert nowhere.returncode == 1
    assert "No such file or directory" in nowhere.stderr
    assert "Traceback" not in nowhere.stderr


def test_kubernetes_passes_its_text_on_unchanged() -> None:
    assert "$" not in Path(init_home.__file__).read_text()
