"""The program that culls: jupyterhub-idle-culler, from some seconds after the hub's start on.

It begins at once otherwise. The seconds are the first argument, and the others are the culler's own.
"""

import sys
import time

from jupyterhub_idle_culler import main

if __name__ == "__main__":
    time.sleep(float(sys.argv.pop(1)))
    main()
