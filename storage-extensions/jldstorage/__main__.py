"""The command line of the chart's hooks: `python -m jldstorage address`, `python -m jldstorage drain`."""

import asyncio
import sys

from jldstorage.address import reconcile
from jldstorage.drain import Mounts, drain
from jldstorage.kubernetes import connect
from jldstorage.settings import Settings
from jldstorage.volumes import VolumeRefused


async def run(command: str, settings: Settings) -> list[str]:
    """Run one hook. Returns its report: one sentence for each action."""
    async with connect(settings) as cluster:
        if command == "address":
            return await reconcile(cluster, settings.service, settings.volumes)
        claims = [str(volume["spec"]["claimRef"]["name"]) for volume in settings.volumes]
        mounts = Mounts(settings.deployments, settings.mount_selector, settings.namespace, claims)
        return await drain(cluster, mounts)


def main(arguments: list[str]) -> int:
    if arguments not in (["address"], ["drain"]):
        print("usage: python -m jldstorage address|drain", file=sys.stderr)
        return 2
    try:
        report = asyncio.run(run(arguments[0], Settings.load()))
    except VolumeRefused as refused:
        print(f"jld: {refused}", file=sys.stderr)
        return 1
    for sentence in report:
        print(f"jld: {sentence}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
