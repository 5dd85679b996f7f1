"""Home directories: made once, given to one person, and never anybody else's. Runs as root, as in the lab pod."""

import errno
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
    with pytest.raises(HomeUnusable, match=r"link: (Not a directory|Too many levels).*; it is a link or a file"):
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
    with pytest.raises(HomeUnusable, match=r"could not be given to .*root_squash"):
        provision(str(root), "ada", UID, GID)


ERRORS = {
    errno.EACCES: "Permission denied; the file server maps root to somebody else (root_squash",
    errno.EPERM: "Operation not permitted; the file server maps root to somebody else (root_squash",
    errno.ESTALE: "Stale file handle; the node has mounted what the file server no longer has; an administrator must drain",
    errno.EIO: "Input/output error; the disk or the file server is faulty; an administrator must look at its log",
    errno.ENOTDIR: "Not a directory; it is a link or a file and no directory; an administrator must move it away",
    errno.ELOOP: "Too many levels of symbolic links; it is a link or a file and no directory",
    errno.EROFS: "Read-only file system; an administrator must mount it writable",
    errno.ENOSPC: "No space left on device; an administrator must remove files or enlarge the disk",
    errno.EDQUOT: "Disk quota exceeded; an administrator must remove files or raise the quota",
    errno.ETIMEDOUT: "Connection timed out; the file server does not answer",
    errno.ENOMEM: "Cannot allocate memory; an administrator must look at the volume of the homes",
}


@pytest.mark.parametrize("call", ["open", "mkdir", "listdir", "fchmod", "fchown"])
@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_each_error_of_the_file_system_has_its_cause_and_remedy(
    root: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    real = os.open
    fail_below = lambda *words, **more: fail() if "dir_fd" in more else real(*words, **more)  # noqa: E731
    monkeypatch.setattr(os, call, fail_below if call == "open" else fail)
    with pytest.raises(HomeUnusable) as refusal:
        provision(str(root), "ada", UID, GID)

    assert str(refusal.value).startswith(f"{root}/ada: {ERRORS[number]}")
    # The page shows 500 characters, with what stands before it.
    assert len(str(refusal.value)) - len(str(root)) < 400


def test_an_error_of_the_whole_volume_names_the_volume(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(HomeUnusable, match=f"^{root}: Stale file handle; the node has mounted"):
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
