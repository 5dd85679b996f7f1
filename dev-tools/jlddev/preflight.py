"""What `make up` says first: which cluster it takes, what is missing, and how long it takes.

It runs before anything is installed, by any Python 3.11, so neither this module nor what it imports needs a package.
"""

import sys

from jlddev.clusters import providers
from jlddev.support.errors import MachineError
from jlddev.support.run import say


def main() -> None:
    provider = providers.choose()
    say(f"cluster: {provider.what}")
    try:
        provider.check(providers.FRONT_DOOR)
    except MachineError as error:
        say(str(error))
        sys.exit(2)
    if time := provider.time_of_start():
        say(time)


if __name__ == "__main__":
    main()
