"""What the NFS server makes on its volume, and what it leaves alone."""

import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from nfs_settings import Export, Refused
from nfs_volume import prepare_volume, require_file_system, require_folder, require_lasting_number, server_identity

MOUNTS = "/dev/vda / ext4 rw 0 0\ntmpfs /export tmpfs rw 0 0\n/dev/vdb /export ext4 rw 0 0\n"


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("strict_umask")
@pytest.mark.parametrize("wanted", [0o755, 0o1777, 0o2775])
def test_a_missing_tree_is_made_with_its_mode(tmp_path: Path, wanted: int) -> None:
    require_folder(tmp_path / "scratch", wanted)
    assert mode(tmp_path / "scratch") == wanted
    assert list(tmp_path.iterdir()) == [tmp_path / "scratch"]


def test_a_tree_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o711)
    (tmp_path / "home" / "ada").write_text("data")
    require_folder(tmp_path / "home", 0o755)
    assert mode(tmp_path / "home") == 0o711
    assert (tmp_path / "home" / "ada").read_text() == "data"


def test_an_interrupted_start_is_continued(tmp_path: Path) -> None:
    (tmp_path / ".home.new").mkdir(mode=0o700)
    require_folder(tmp_path / "home", 0o755)
    assert mode(tmp_path / "home") == 0o755


@pytest.mark.parametrize("target", ["/etc", "nowhere"])
def test_a_link_in_the_place_of_a_tree_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "home").symlink_to(target)
    with pytest.raises(Refused, match="/home: is a link or a file and no folder; move it away"):
        require_folder(tmp_path / "home", 0o755)


def test_the_identity_is_made_once_and_stays(tmp_path: Path) -> None:
    made = server_identity(tmp_path / "server-id")
    assert str(uuid.UUID(made)) == made
    assert server_identity(tmp_path / "server-id") == made
    assert server_identity(tmp_path / "of-another-volume") != made


@pytest.mark.parametrize("text", ["", 'x"; Graceless = true;'])
def test_a_spoilt_identity_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "server-id").write_text(text)
    with pytest.raises(Refused, match="/server-id: is not an identity; remove the file, and clients lose the locks"):
        server_identity(tmp_path / "server-id")


def test_the_last_mount_on_the_folder_counts() -> None:
    require_file_system(Path("/export"), MOUNTS)


@pytest.mark.parametrize("kind", ["tmpfs", "nfs", "nfs4"])
def test_a_file_system_that_ganesha_passes_over_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match=f"/export: Ganesha does not export {kind}; use a volume with ext4 or Btrfs"):
        require_file_system(Path("/export"), f"{MOUNTS}x /export {kind} rw 0 0\n")


@pytest.mark.parametrize(
    ("number", "device", "lasts"),
    [
        (0x677C994B3F50DA07, os.makedev(7, 20), True),  # ext4 and Btrfs: of the UUID
        (0x714, os.makedev(7, 20), False),  # XFS
        (0x714, os.makedev(7, 21), True),
        (0x10810345, os.makedev(259, 0x10145), True),
        (0x10110345, os.makedev(259, 0x10145), False),  # NVMe, with more minor numbers than a byte holds
    ],
)
def test_a_file_system_with_the_number_of_its_device_is_refused(number: int, device: int, lasts: bool) -> None:
    if lasts:
        require_lasting_number(Path("/export"), number, device)
        return
    with pytest.raises(Refused, match="every mount would break when the disk moves to another node; use a volume with"):
        require_lasting_number(Path("/export"), number, device)


def test_a_forgotten_volume_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no volume is mounted there; mount the claim that holds the data"):
        prepare_volume(tmp_path, tmp_path / ".jld-nfs", (Export("home", 0o755, False, "none"),))
    assert list(tmp_path.iterdir()) == []
