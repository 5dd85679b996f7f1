"""JupyterHub's configuration: every file of jupyterhub_config.d, in the order of their names."""

from pathlib import Path
from runpy import run_path

from jldhub.hub.startup import stop_at

# All files share one `c`. JupyterHub's `load_subconfig` gives each file an empty one, so that a file which adds to a
# map of an earlier file would replace it. JupyterHub defines `c` and `load_subconfig` in this file's namespace.
names = {"c": c, "get_config": lambda: c, "load_subconfig": load_subconfig}  # noqa: F821
for part in sorted(Path(__file__).with_name("jupyterhub_config.d").glob("*.py")):
    try:
        run_path(str(part), names)
    except Exception as mistake:
        stop_at(part, mistake)
