"""The alerts of hub, front door, prepuller and backups, as promtool reads them, and what is said of every alert."""

import re
from pathlib import Path

import pytest
from alerting import Series, alerts, fires, rule_file, series
from rendering import CHECKOUT, Question, render

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("promtool")]

SCRAPERS = '[{"namespace": "monitoring"}]'
METRICS = (
    'hub.secret.metricsToken="N2U3ZTdlN2U3ZTdl"',
    "global.monitoring.rules=true",
    *(f"{part}.metrics.scrapers={SCRAPERS}" for part in ("hub", "logging", "nginx", "prepuller")),
)
LOGS = ("logging.enabled=true", 'logging.existingSecret="logs"', 'logging.broker.host="rabbitmq.example.org"')
LISTED = {"handler": "jupyterhub.apihandlers.users.UserListAPIHandler", "method": "GET", "code": "200"}


def here(name: str, numbers: str, **labels: str) -> Series:
    return series(name, numbers, namespace="science", **labels)


def available(deployment: str, numbers: str = "1x200") -> Series:
    return here("kube_deployment_status_replicas_available", numbers, deployment=f"jld-{deployment}")


def logins(admitted: str, refused: str, unavailable: str) -> list[Series]:
    told = {"admitted": admitted, "refused": refused, "unavailable": unavailable}
    return [here("jld_logins_total", each, provider="GitHub", result=result) for result, each in told.items()]


def starts(good: str, **failed: str) -> list[Series]:
    """Starts that were good, all of which took 60 s at most, and failed ones by reason."""
    name = "jupyterhub_server_spawn_duration_seconds"
    return [
        here(f"{name}_count", good, status="success", reason=""),
        *(here(f"{name}_bucket", good, status="success", reason="", le=le) for le in ("60", "180", "+Inf")),
        *(here("jld_failed_starts_total", each, reason=reason) for reason, each in failed.items()),
        *(here(f"{name}_count", each, status="failure", reason=reason) for reason, each in failed.items()),
    ]


HUB = [
    available("hub"),
    here("jld_starts_waiting", "0x200"),
    here("jld_front_door_unfilled_replicas", "0x200"),
    here("jupyterhub_request_duration_seconds_count", "0+1x200", **LISTED),
    *logins("0+1x200", "0x200", "0x200"),
    *starts("0+1x200", image="0x200", quota="0x200"),
]


def but(*changed: Series) -> list[Series]:
    """A hub that is well but for this."""
    names = {each["series"] for each in changed}
    return [*(each for each in HUB if each["series"] not in names), *changed]


SLOW = [
    here("jupyterhub_server_spawn_duration_seconds_bucket", "0x200", status="success", reason="", le="60"),
    here("jupyterhub_server_spawn_duration_seconds_bucket", "0+1x200", status="success", reason="", le="180"),
]
OTHERS = [each | {"series": each["series"].replace("science", "art")} for each in HUB]
OF_HUB: dict[str, tuple[list[Series], int, set[str]]] = {
    "all is well": (HUB, 180, set()),
    "a hub that is down": (but(available("hub", "0x200")), 10, {"JldHubDown"}),
    "a hub that starts anew": (but(available("hub", "1x60 0x3 1x100")), 63, set()),
    "a hub that nobody reads": ([available("hub")], 20, {"JldHubUnwatched"}),
    "somebody else's hub": ([available("hub"), *OTHERS], 20, {"JldHubUnwatched"}),
    "a provider that is away": (but(*logins("60x200", "0x200", "0+1x200")), 30, {"JldLoginsFailing"}),
    "a provider that missed one in ten": (but(*logins("0+9x200", "0x200", "0+1x200")), 60, set()),
    "a provider that was away for one": (but(*logins("0+1x200", "0x200", "0x60 1x100")), 70, set()),
    "logins that are refused": (but(*logins("0x200", "0+1x200", "0x200")), 30, {"JldLoginsRefused"}),
    "some who are refused": (but(*logins("0+2x200", "0+1x200", "0x200")), 90, set()),
    "starts that fail": (but(*starts("60x200", image="0+1x200", quota="0x200")), 30, {"JldStartsFailing"}),
    "one in ten that fails": (but(*starts("0+9x200", image="0+1x200", quota="0x200")), 90, set()),
    "starts beyond a quota": (but(*starts("0+1x200", image="0x200", quota="0+9x200")), 90, set()),
    "slow starts": (but(*SLOW), 60, {"JldStartsSlow"}),
    "a long line": (but(here("jld_starts_waiting", "40x200")), 20, {"JldStartsWaiting"}),
    "a line of a lecture": (but(here("jld_starts_waiting", "0x60 90x6 0x100")), 67, set()),
    "a copy without routes": (
        but(here("jld_front_door_unfilled_replicas", "1x200")),
        *(5, {"JldFrontDoorUnfilled"}),
    ),
    "a copy that starts": (but(here("jld_front_door_unfilled_replicas", "0x60 1 0x100")), 61, set()),
    "a culler that ended": (
        but(here("jupyterhub_request_duration_seconds_count", "0+1x20 20x200", **LISTED)),
        *(120, {"JldCullingStopped"}),
    ),
    "a culler that never began": (
        [each for each in HUB if "request_duration" not in each["series"]],
        *(40, {"JldCullingStopped"}),
    ),
    "a culler that looks every ten minutes": (
        but(here("jupyterhub_request_duration_seconds_count", "0x9 1x9 2x9 3x9 4x9 5x9 6x9 7x9", **LISTED)),
        *(70, set()),
    ),
}


@pytest.mark.parametrize(("told", "minutes", "expected"), OF_HUB.values(), ids=OF_HUB)
def test_what_is_wrong_with_the_hub_fires_and_nothing_else(
    values: dict[str, Path], told: list[Series], minutes: int, expected: set[str], tmp_path: Path
) -> None:
    rules = rule_file(Question(values["minimal"], METRICS), "jld-hub", tmp_path)
    fires(told, minutes, {(alert,) for alert in expected}, ("alertname",), rules)


def requests(good: str, bad: str, to: str = "hub") -> list[Series]:
    told = {"2xx": good, "5xx": bad}
    name = "jld_front_door_requests_total"
    return [here(name, each, pod="jld-nginx-a", to=to, status=status) for status, each in told.items()]


def copy(pod: str, routes: str = "7x200", ready: str = "1x200") -> list[Series]:
    told = {"routes": routes, "ready": ready}
    return [here(f"jld_front_door_{name}", each, pod=f"jld-nginx-{pod}") for name, each in told.items()]


DOOR = [available("nginx", "2x200"), *copy("a"), *copy("b"), *requests("0+99x200", "0x200")]
OF_DOOR: dict[str, tuple[list[Series], int, set[tuple[str, str]]]] = {
    "all is well": (DOOR, 120, set()),
    "no copy": ([available("nginx", "0x200"), *copy("a")], 5, {("JldFrontDoorDown", "")}),
    "nobody reads it": ([available("nginx")], 20, {("JldFrontDoorUnwatched", "")}),
    "errors of labs": ([*DOOR, *requests("0+99x200", "0+20x200", "lab")], 15, {("JldFrontDoorErrors", "")}),
    "one error in a hundred": ([*DOOR, *requests("0+990x200", "0+10x200", "lab")], 60, set()),
    "a few errors at night": ([*DOOR, *requests("0x200", "0x30 1x30 2x100", "lab")], 70, set()),
    "a copy that is not filled": (
        [available("nginx"), *copy("a"), *copy("b", "7x200", "0x200")],
        *(10, {("JldRoutesMissing", "jld-nginx-b")}),
    ),
    "a copy that has just begun": ([available("nginx"), *copy("a", ready="0x2 1x100")], 6, set()),
    "copies that differ": (
        [available("nginx"), *copy("a"), *copy("b", "5x200")],
        *(20, {("JldRoutesDiffer", "")}),
    ),
    "copies that differ for a moment": ([available("nginx"), *copy("a"), *copy("b", "7x60 6 7x100")], 61, set()),
}


@pytest.mark.parametrize(("told", "minutes", "expected"), OF_DOOR.values(), ids=OF_DOOR)
def test_what_is_wrong_with_the_front_door_fires_and_nothing_else(
    values: dict[str, Path], told: list[Series], minutes: int, expected: set[tuple[str, str]], tmp_path: Path
) -> None:
    rules = rule_file(Question(values["minimal"], METRICS), "jld-nginx", tmp_path)
    fires(told, minutes, expected, ("alertname", "pod"), rules)


PREPULLER = [
    here("jld_catalogue_bytes", "900x200"),
    here("jld_registry_age_seconds", "240x200", image="lsst"),
    here("jld_pulls_total", "0+1x200", result="pulled"),
    here("jld_pulls_total", "0x200", result="failed"),
]
OF_PREPULLER: dict[str, tuple[list[Series], int, set[str]]] = {
    "all is well": (PREPULLER, 120, set()),
    "it is away": ([], 20, {"JldPrepullerUnwatched"}),
    "a registry that is away": (
        [*PREPULLER[:1], here("jld_registry_age_seconds", "0+60x200", image="lsst")],
        *(70, {"JldRegistryUnanswered"}),
    ),
    "pulls that fail": (
        [*PREPULLER[:2], here("jld_pulls_total", "0+1x200", result="refused")],
        *(30, {"JldPullsFailing"}),
    ),
}


@pytest.mark.parametrize(("told", "minutes", "expected"), OF_PREPULLER.values(), ids=OF_PREPULLER)
def test_what_is_wrong_with_the_prepuller_fires_and_nothing_else(
    values: dict[str, Path], told: list[Series], minutes: int, expected: set[str], tmp_path: Path
) -> None:
    rules = rule_file(Question(values["minimal"], METRICS), "jld-prepuller", tmp_path)
    told = [*told, series("up", "1x200")]
    fires(told, minutes, {(alert,) for alert in expected}, ("alertname",), rules)


HOUR = 3600


def job(begun: int, failed: str, name: str = "jld-backup-1") -> list[Series]:
    return [
        here("kube_job_status_start_time", f"{begun}x200", job_name=name),
        here("kube_job_failed", failed, job_name=name, condition="true"),
    ]


def backups(succeeded: int | None, then: int = 100 * HOUR) -> list[Series]:
    good = here("kube_cronjob_status_last_successful_time", f"{succeeded}x200", cronjob="jld-backup")
    return [
        here("kube_cronjob_next_schedule_time", f"{then}x200", cronjob="jld-backup"),
        *([good] if succeeded is not None else []),
    ]


STORAGE = [
    available("file-server"),
    here("kubelet_volume_stats_capacity_bytes", "100x200", persistentvolumeclaim="jld-home"),
]
OF_BACKUPS: dict[str, tuple[list[Series], int, set[str]]] = {
    "all is well": ([*backups(30), *job(10, "0x200")], 60, set()),
    "one that failed": ([*backups(30), *job(60, "1x200")], 20, {"JldBackupFailing"}),
    "one that was good after one that failed": ([*backups(90), *job(60, "1x200")], 20, set()),
    "the first one failed": ([*backups(None), *job(60, "1x200")], 20, {"JldBackupFailing"}),
    "another Job that failed": ([*backups(30), *job(60, "1x200", "something-else")], 20, set()),
    "one that did not begin": ([*backups(30, 600)], 90, {"JldBackupMissed"}),
    "one that is to begin": ([*backups(30, 80 * 60)], 90, set()),
}


@pytest.mark.parametrize(("told", "minutes", "expected"), OF_BACKUPS.values(), ids=OF_BACKUPS)
def test_what_is_wrong_with_backups_fires_and_nothing_else(
    values: dict[str, Path], told: list[Series], minutes: int, expected: set[str], tmp_path: Path
) -> None:
    backup = 'storage.backup={"claim": "archives", "schedule": "0 2 * * *"}'
    rules = rule_file(Question(values["nfs"], (*METRICS, backup)), "jld-storage", tmp_path)
    fires([*STORAGE, *told], minutes, {(alert,) for alert in expected}, ("alertname",), rules)


def test_nobody_is_told_of_culling_where_nothing_is_culled(values: dict[str, Path], tmp_path: Path) -> None:
    never = ('hub.culling.idleTimeout="0s"', 'hub.culling.maxAge="0s"')
    names = alerts(rule_file(Question(values["minimal"], (*METRICS, *never)), "jld-hub", tmp_path))

    assert "JldCullingStopped" not in names
    assert "JldStartsFailing" in names


def section(page: str, anchor: str) -> str:
    """What stands below a heading, up to the next one of its rank."""
    for part in re.split(r"(?m)^## ", (CHECKOUT / page).read_text())[1:]:
        title, _, text = part.partition("\n")
        if re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") == anchor:
            return text
    raise AssertionError(f"{page} has no heading {anchor}")


def test_every_alert_says_how_grave_it_is_what_to_do_and_where_to_read_more(values: dict[str, Path]) -> None:
    everything = (*METRICS, *LOGS, 'storage.backup.claim="archives"', "storage.keepalive.enabled=true")
    objects = render(Question(values["nfs"], everything)).of_kind("PrometheusRule")
    rules = [rule for each in objects for group in each["spec"]["groups"] for rule in group["rules"]]

    assert len({rule["alert"] for rule in rules}) == len(rules) > 25
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning"), rule
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}, rule
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert f"`{rule['alert']}`" in section(page, anchor), rule["alert"]
