"""How logstash and RabbitMQ share one volume, so that neither fills it for the other. Sizes are in bytes.

RabbitMQ has no limit for a queue that makes a sender without confirms wait: whatever is over it would be lost. What does
make it wait is the disk alarm, which looks at what is free. So logstash's queue gets three tenths, and the alarm rings
when less than half is free: RabbitMQ then holds up to five tenths, logstash fills its three, and two are left for files
that are being rewritten. The alarm ends again, with logstash's queue full, when RabbitMQ has sent most of its own.
"""

from dataclasses import dataclass

from jldlogging.logstash.settings import SettingsError

MIB = 1024**2
QUEUE_TENTHS, FREE_TENTHS = 3, 5
SMALLEST_QUEUE = 128 * MIB  # two of logstash's pages of 64 MiB


@dataclass(frozen=True)
class Shares:
    """`queue` is the most that logstash's queue takes, `free` what RabbitMQ leaves. Both are whole MiB."""

    queue: int
    free: int


def shares(wanted: int, usable: int) -> Shares:
    """The shares of a volume of the size `wanted`, of which the file system has `usable`. Raises SettingsError."""
    size = min(wanted, usable)
    queue = _tenths(size, QUEUE_TENTHS)
    if queue < SMALLEST_QUEUE:
        raise SettingsError(
            f"the volume has {size // MIB} MiB, too few for two queues; write a larger logging.logstash.storage.size, "
            "or a storage class whose volumes have the size that is asked for"
        )
    return Shares(queue, _tenths(size, FREE_TENTHS))


def report(wanted: int, usable: int, shared: Shares) -> str:
    """What the pod's log says about it."""
    size = f"{min(wanted, usable) // MIB} MiB of the volume" if usable < wanted else f"{wanted // MIB} MiB"
    return (
        f"of {size} logstash's queue takes up to {shared.queue // MIB} MiB, "
        f"and RabbitMQ takes no more events while less than {shared.free // MIB} MiB is free"
    )


def _tenths(size: int, tenths: int) -> int:
    return size * tenths // 10 // MIB * MIB
