"""What an emulated guest boots: the archive that the kernel unpacks, and the modules in it."""

from pathlib import Path

from jlddev.clusters.guest import NFS_CLIENT, Contents, cpio_entry, mac, members, needed_modules


def test_a_member_of_the_archive_is_aligned_as_the_kernel_reads_it() -> None:
    entry = cpio_entry("init", 0o100755, b"abcde", 7)
    assert entry[:6] == b"070701"
    fields = [int(entry[start : start + 8], 16) for start in range(6, 110, 8)]
    assert fields == [7, 0o100755, 0, 0, 1, 0, 5, 0, 0, 0, 0, 5, 0]
    assert entry[110:116] == b"init\0\0"[:6]
    assert entry[116:] == b"abcde\0\0\0"


def test_modules_come_with_all_they_depend_on(tmp_path: Path) -> None:
    lines = (
        "a/virtio_net.ko.xz: b/failover.ko.xz",
        "b/failover.ko.xz:",
        "c/nfsv4.ko.xz: c/nfs.ko.xz",
        "c/nfs.ko.xz:",
        "d/ext4.ko.xz:",
    )
    (tmp_path / "modules.dep").write_text("\n".join(lines))
    assert needed_modules(tmp_path, NFS_CLIENT) == [
        "a/virtio_net.ko.xz",
        "b/failover.ko.xz",
        "c/nfs.ko.xz",
        "c/nfsv4.ko.xz",
    ]
    on_demand = Contents("other", (), (), folders=("c",))
    assert needed_modules(tmp_path, on_demand) == ["c/nfs.ko.xz", "c/nfsv4.ko.xz"]


def test_what_a_guest_never_reads_is_left_out_and_parents_come_first(tmp_path: Path) -> None:
    for name in ("boot/vmlinuz", "usr/share/doc/readme", "usr/bin/python3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in members(tmp_path)] == ["usr", "usr/bin", "usr/bin/python3"]


def test_guests_have_different_local_addresses() -> None:
    assert mac("one") != mac("two")
    assert int(mac("one")[:2], 16) & 0b11 == 0b10
