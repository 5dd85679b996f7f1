"""What runs inside a lab. The pod brings these files into any image that has Jupyter, in the lab's Secret.

Below `FILES` in the lab they have the same paths as in this folder. The image's own `/bin/sh` and Python (3.9 or newer) run
them, so they import the standard library and Jupyter Server only.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

START = "jld-lab"  # the program of the lab's container, for /bin/sh
IPYTHON_CONFIG = "ipython_config.py"
_FOLDER = Path(__file__).parent


@cache
def inside_files() -> Mapping[str, str]:
    """The text of each file by its path below this folder."""
    paths = (path.relative_to(_FOLDER) for path in sorted(_FOLDER.rglob("*")) if path.is_file())
    # Not this module, and no caches of programs that were run here.
    named = (path for path in paths if not any(part.startswith((".", "__")) for part in path.parts))
    return {str(path): (_FOLDER / path).read_text("utf-8") for path in named}
