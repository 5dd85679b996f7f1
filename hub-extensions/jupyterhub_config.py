"""JupyterHub's configuration: every file of jupyterhub_config.d, in the order of their names."""

from pathlib import Path
from runpy import run_path

from jldhub.hub.startup import stop_at

# One configuration for all of them: what `load_subconfig` hands to a file knows nothing of the files before it, and a file
# that adds to a map would replace it. JupyterHub puts `c` and `load_subconfig` into this file's namespace.
names = {"c": c, "get_config": lambda: c, "load_subconfig": load_subconfig}  # noqa: F821
for part in sorted(Path(__file__).with_name("jupyterhub_config.d").glob("*.py")):
    try:
        run_path(str(part), names)
    except Exception as mistake:
        stop_at(part, mistake)
