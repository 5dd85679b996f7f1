#!/usr/bin/python3
"""Writes NFS-Ganesha's configuration from /etc/jld/nfs.yaml, prepares the volume at /export, and executes Ganesha."""

import os
import sys
from pathlib import Path

from nfs_settings import Export, Refused, Settings, read_settings
from nfs_volume import prepare_volume

SETTINGS = Path("/etc/jld/nfs.yaml")
VOLUME = Path("/export")
STATE = VOLUME / ".jld-nfs"  # on the volume, so that clients can reclaim locks after a restart on another node
RUN = Path("/run/ganesha")
PROGRAM = "/usr/bin/ganesha.nfsd"
SQUASH = {"none": "No_Root_Squash", "root": "Root_Squash"}


def ganesha_configuration(settings: Settings, identity: str, volume: Path, state: Path) -> str:
    """The text of Ganesha's configuration file."""
    blocks = [
        block(
            "LOG",
            # The image has no D-Bus, which Ganesha logs as an error at each start. Clients that are refused are told at INFO.
            block("Components", DBUS="FATAL", EXPORT="INFO"),
            block(
                "Format",
                Date_Format="iso-8601",
                Time_Format="iso-8601",
                **dict.fromkeys(("Epoch", "Hostname", "Progname", "PID", "File_Name", "Line_Num"), "false"),
            ),
        ),
        block("NFS_KRB5", Active_krb5="false"),
        block(
            "NFS_CORE_PARAM",
            NFS_Port="2049",
            Protocols="4",
            Enable_NLM="false",
            Enable_RQUOTA="false",
            Enable_UDP="false",
            Allow_Set_Io_Flusher_Fail="true",  # needs CAP_SYS_RESOURCE, and helps only a server on the client's node
        ),
        block(
            "NFSv4",
            Minor_Versions="1, 2",  # with 4.0 a lock that waits and is let go ends the server, whoever sent it
            RecoveryBackend="fs",
            RecoveryRoot=f'"{state}"',
            Server_Scope=f'"{identity}"',
            Server_Owner=f'"{identity}"',
            Lease_Lifetime=str(settings.lease_lifetime),
            Grace_Period=str(settings.grace_period),
            Only_Numeric_Owners="true",
            Delegations="false",
            # Clients that are silent for longer than the lease keep what they hold until somebody asks for it, if they are
            # no more than this; the default, 16, is less than the nodes that one break of the network cuts off.
            Expired_Client_Threshold="256",
        ),
        *(export_block(export, settings.clients, volume) for export in settings.exports),
    ]
    return "\n".join(blocks)


def export_block(export: Export, clients: tuple[str, ...], volume: Path) -> str:
    """One EXPORT block. Where `clients` is not empty, all others are denied."""
    access = {"Access_Type": "RO" if export.read_only else "RW", "Squash": SQUASH[export.squash]}
    return block(
        "EXPORT",
        block("FSAL", Name="VFS"),
        *([block("CLIENT", Clients=", ".join(clients), Protocols="4", **access)] if clients else []),
        Export_Id=str(export.export_id),
        Path=f'"{volume / export.name}"',
        Pseudo=f'"/{export.name}"',
        Filesystem_Id=f"{export.export_id}.{export.export_id}",  # else clients see the exports of one disk as one file system
        Protocols="4",
        Transports="TCP",
        SecType="sys",
        Anonymous_Uid="65534",  # nobody; the default of Ganesha, -2, belongs to no user
        Anonymous_Gid="65534",
        **({"Access_Type": "NONE"} if clients else access),
    )


def block(name: str, *inner: str, **items: str) -> str:
    """A block of Ganesha's configuration language."""
    lines = [
        *(f"{key} = {value};" for key, value in items.items()),
        *(line for each in inner for line in each.split("\n")),
    ]
    return "\n".join([f"{name} {{", *(f"  {line}" for line in lines if line), "}"]) + "\n"


def write_configuration(text: str, folder: Path) -> Path:
    """Ganesha's configuration as a file; the root file system is read-only."""
    path = folder / "ganesha.conf"
    try:
        folder.mkdir(exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}; mount a tmpfs on {folder.parent}") from error
    return path


def main() -> int:
    try:
        settings = read_settings(SETTINGS)
        identity = prepare_volume(VOLUME, STATE, settings.exports)
        configuration = write_configuration(ganesha_configuration(settings, identity, VOLUME, STATE), RUN)
    except Refused as refusal:
        print(f"NFS server refused: {refusal}", file=sys.stderr)
        return 1
    print(f"NFS server {identity} exports {', '.join(export.name for export in settings.exports)}", flush=True)
    # -F: stay in the foreground. -x: exit on a configuration error instead of serving fewer exports.
    options = f"-F -x -L STDOUT -N NIV_EVENT -f {configuration} -p {RUN / 'ganesha.pid'}"
    os.execv(PROGRAM, [PROGRAM, *options.split()])  # noqa: S606


if __name__ == "__main__":
    sys.exit(main())
