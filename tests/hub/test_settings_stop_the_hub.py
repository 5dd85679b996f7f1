"""Wrong settings: the hub does not start, and says why."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from .deployment import Deployment

pytestmark = pytest.mark.slow

Deploy = Callable[[dict[str, Any]], Deployment]


def end_of(deployment: Deployment) -> tuple[int, str]:
    deployment.hub.start()
    assert deployment.hub.process is not None
    return deployment.hub.process.wait(90), deployment.hub.log()


def test_every_mistake_is_told_at_once(deploy: Deploy) -> None:
    deployment = deploy({"admins": [], "dummy": {"users": ["alice"]}})
    document = yaml.safe_load((deployment.directory / "settings.yaml").read_text())
    document["hub"]["culling"]["idleTimeout"] = "12hours"
    document["hub"]["lab"]["sise"] = {}
    deployment.write_settings(document)
    code, log = end_of(deployment)
    assert code != 0
    assert "hub.culling.idleTimeout: '12hours' is not a duration; write 12h" in log
    assert "hub.lab.sise: is not a key that the hub knows" in log
    assert "Traceback" not in log


def test_a_trait_of_the_wrong_type_is_told_by_its_key(deploy: Deploy) -> None:
    deployment = deploy({"admins": [], "dummy": {"users": ["alice"]}})
    document = yaml.safe_load((deployment.directory / "settings.yaml").read_text())
    document["hub"]["traits"] = {"KubeSpawner": {"http_timeout": "long"}}
    deployment.write_settings(document)
    code, log = end_of(deployment)
    assert code != 0
    assert (
        "hub.traits.KubeSpawner.http_timeout: The 'http_timeout' trait of a KubeSpawner instance expected an int" in log
    )
    assert "Traceback" not in log


def test_a_missing_secret_is_named(deploy: Deploy) -> None:
    deployment = deploy({"admins": [], "dummy": {"users": ["alice"]}})
    (deployment.secrets / "dummyPassword").unlink()
    (deployment.secrets / "cookieSecret").write_text("short")
    code, log = end_of(deployment)
    assert code != 0
    assert "secret dummyPassword" in log
    assert "secret cookieSecret: holds 5 characters" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("text", ["", "hub: ["])
def test_a_file_that_holds_no_settings_is_told(deploy: Deploy, text: str) -> None:
    deployment = deploy({"admins": [], "dummy": {"users": ["alice"]}})
    (deployment.directory / "settings.yaml").write_text(text)
    code, log = end_of(deployment)
    assert code != 0
    assert "The hub does not start:" in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\nc.JupyterHub.port = nothing\n", "line 2: NameError: name 'nothing' is not defined"),
        ("x = 1\n\nif x\n", "line 3: SyntaxError: expected ':'"),
        ("import there_is_no_such_module\n", "line 1: ModuleNotFoundError: No module named 'there_is_no_such_module'"),
        ("def f():\n    raise ValueError('no')\nf()\n", "line 2: ValueError: no"),
    ],
)
def test_a_mistake_in_an_operators_file_is_told_with_its_line(deploy: Deploy, text: str, said: str) -> None:
    deployment = deploy({"admins": [], "dummy": {"users": ["alice"]}})
    deployment.operator_config.write_text(text)
    code, log = end_of(deployment)
    assert code != 0
    assert f"The hub does not start:\n90-operator.py, {said}" in log
    assert "Traceback" not in log


def test_an_operators_file_runs_in_the_order_of_its_name_and_sees_what_ran_before(deploy: Deploy) -> None:
    """Before 30-spawner.py it is overruled, after it it overrules; `hub.traits` comes last, and adds to maps."""
    deployment = deploy({"admins": [], "dummy": {"users": ["alice"]}})
    document = yaml.safe_load((deployment.directory / "settings.yaml").read_text())
    document["hub"]["traits"] = {"KubeSpawner": {"environment": {"TZ": "UTC"}}}
    deployment.write_settings(document)
    folder = deployment.operator_config.parent
    (folder / "15-early.py").write_text("c.KubeSpawner.image = 'early'\n")
    (folder / "35-late.py").write_text("c.KubeSpawner.delete_grace_period *= 7\n")
    say = (
        "s = c.KubeSpawner\nprint('seen', s.image, s.delete_grace_period, sorted(s.environment))\nraise SystemExit(1)\n"
    )
    (folder / "99-say.py").write_text(say)
    _, log = end_of(deployment)
    told = ["HOME", "JLD_FILES", "JLD_RUN", "JUPYTERHUB_ACTIVITY_INTERVAL", "TZ", "USER", "XDG_CACHE_HOME"]
    assert f"seen localhost/jld/lab:0.1.0 35 {told}" in log
