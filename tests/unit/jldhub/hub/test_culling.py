"""What the culler is told, and whether the hub learns of activity in time."""

from pathlib import Path

import jld_activity
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jld.schema.chart import Chart
from jld.schema.validation import problems
from jld.site.tree import tree
from jldhub.hub.culling import culling_roles, culling_services
from jldhub.hub.process import hub_config
from jldhub.labs.environment import culling_environment
from jldhub.settings.hub import Culling
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings
from jupyterhub.singleuser.extension import JupyterHubSingleUser
from pydantic import ValidationError

# A lab waits up to a tenth longer for its next report, and tries a report for a minute (jupyterhub.singleuser.extension).
JITTER, RETRY_SECONDS = 1.1, 60
SCHEMA = Chart(Path(__file__).resolve().parents[4] / "chart").schema()


def with_culling(settings: Settings, **culling: str) -> Settings:
    hub = settings.hub.model_copy(update={"culling": Culling.model_validate(culling)})
    return settings.model_copy(update={"hub": hub})


def oldest(interval: int) -> float:
    """The greatest age, in seconds, of what the hub knows of a lab in use, of whose reports one was lost."""
    return jld_activity.SECONDS + 2 * (JITTER * interval + RETRY_SECONDS)


@pytest.mark.parametrize("idle_timeout", ["5m", "300s", "301s", "7m", "10m", "29m", "30m", "1h", "12h", "9999d"])
def test_a_lab_in_use_has_told_the_hub_before_it_counts_as_idle(
    idle_timeout: str, settings: Settings, secret_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    culling = Culling.model_validate({"idleTimeout": idle_timeout})
    monkeypatch.setenv("JUPYTERHUB_ACTIVITY_INTERVAL", culling_environment(culling)["JUPYTERHUB_ACTIVITY_INTERVAL"])
    reported = JupyterHubSingleUser().hub_activity_interval
    assert oldest(reported) < culling.idle_timeout.total_seconds()

    complete = settings.model_copy(update={"secret_directory": secret_directory})
    told = with_culling(complete, idleTimeout=idle_timeout)
    assert hub_config(told, HubSecrets.load(complete))["JupyterHub"]["last_activity_interval"] == reported
    (service,) = culling_services(told)
    start_delay = float(service["command"][3])
    assert start_delay > JITTER * reported  # the first round comes when each lab had the time for a report


@given(st.integers(min_value=0, max_value=9_999_999).map("{}s".format) | st.integers(0, 9_999).map("{}m".format))
def test_every_accepted_time_out_leaves_the_time_for_reports(idle_timeout: str) -> None:
    site = {"hub": {"culling": {"idleTimeout": idle_timeout}}}
    refused = [each for each in problems(tree(site), site, SCHEMA) if each.key == "hub.culling.idleTimeout"]
    try:
        culling = Culling.model_validate({"idleTimeout": idle_timeout})
    except ValidationError:
        assert refused
        return
    assert not refused
    assert not culling.idle_timeout or oldest(culling.report_seconds) < culling.idle_timeout.total_seconds()
    assert 0 < culling.report_seconds <= 300


def test_the_hub_refuses_a_time_out_before_a_report_with_the_remedy() -> None:
    with pytest.raises(
        ValidationError, match="labs in use would be stopped before they have told the hub; write 5m or more"
    ):
        Culling.model_validate({"idleTimeout": "299s"})


def test_labs_are_told_whether_a_silent_computation_counts() -> None:
    assert "JLD_BUSY_IS_IDLE" not in culling_environment(Culling())
    assert culling_environment(Culling.model_validate({"busyLabs": True}))["JLD_BUSY_IS_IDLE"] == "1"


def test_idle_labs_are_stopped_with_the_least_rights(settings: Settings) -> None:
    (service,) = culling_services(settings)
    assert service["command"][1:] == [
        "-m",
        "jldhub.hub.idle_culler",
        "600",
        "json",
        "--url=http://127.0.0.1:8081/hub/api",
        "--timeout=43200",
        "--max-age=0",
        "--cull-every=600",
    ]
    assert culling_roles(settings) == [
        {
            "name": "idle-culler",
            "services": ["idle-culler"],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        }
    ]


def test_without_limits_there_is_no_culler(settings: Settings) -> None:
    never = with_culling(settings, idleTimeout="0s", maxAge="0s")
    assert (culling_services(never), culling_roles(never)) == ([], [])


def test_an_age_limit_alone_stops_no_idle_lab(settings: Settings) -> None:
    """The culler takes an idle limit of 0 for "at once"."""
    (service,) = culling_services(with_culling(settings, idleTimeout="0s", maxAge="1h"))
    assert "--timeout=3153600000" in service["command"]
    assert "--max-age=3600" in service["command"]
    assert "--cull-every=600" in service["command"]


def test_a_short_limit_is_looked_after_more_often(settings: Settings) -> None:
    (service,) = culling_services(with_culling(settings, idleTimeout="5m", maxAge="0s"))
    assert "--cull-every=150" in service["command"]
