"""How processes of one test run share a cluster, and what is seen of a trial beside them."""

from pathlib import Path

import pytest

from tests.cluster import trial
from tests.cluster.release import pod_millicores
from tests.cluster.users import Users, shared_folder


def test_the_first_notes_what_the_last_finds(tmp_path: Path) -> None:
    one, other = (Users(tmp_path / "users.json") for _ in range(2))
    with one.first() as noted:
        assert noted == {}
        noted["found running"] = True
    with other.first() as noted:
        assert noted is None
    assert other.noted() == {"found running": True}
    with one.last() as noted:
        assert noted is None
    with other.last() as noted:
        assert noted == {"found running": True}


def test_who_could_not_join_leaves_the_first_place_to_the_next(tmp_path: Path) -> None:
    users = Users(tmp_path / "users.json")
    with pytest.raises(ValueError, match="no cluster"), users.first() as noted:
        raise ValueError("no cluster")
    with users.first() as noted:
        assert noted == {}


def test_who_comes_after_the_last_is_first_again(tmp_path: Path) -> None:
    users = Users(tmp_path / "users.json")
    for number in range(2):
        with users.first() as noted:
            assert noted is not None
            noted["number"] = number
        with users.last() as noted:
            assert noted == {"number": number}


def test_processes_meet_in_the_folder_of_their_run(tmp_path: Path) -> None:
    assert shared_folder(tmp_path / "popen-gw1", is_worker=True) == shared_folder(tmp_path, is_worker=False) == tmp_path


def test_a_trial_lost_what_is_gone_replaced_or_started_again() -> None:
    before = {name: [f"uid of {name}", "main: True, 0"] for name in ("hub", "lab", "nginx", "other")}
    now = {
        **before,
        "hub": ["another uid", "main: True, 0"],
        "nginx": ["uid of nginx", "main: True, 1"],
        "new": ["uid"],
    }
    del now["lab"]
    assert trial.lost(before, before | {"new": ["uid"]}) == []
    assert trial.lost(before, now) == ["hub", "lab", "nginx"]


@pytest.mark.parametrize(
    ("spec", "asked"),
    [
        ({"containers": [{"name": "a"}]}, 0),
        ({"containers": [{"resources": {"limits": {"cpu": "2"}}}]}, 0),
        ({"containers": [{"resources": {"requests": {"cpu": cpu}}} for cpu in ("5m", "0.25", "1")]}, 1255),
        (
            {
                "containers": [{"resources": {"requests": {"cpu": "5m"}}}],
                "initContainers": [{"resources": {"requests": {"cpu": cpu}}} for cpu in ("10m", "3m")],
            },
            10,
        ),
    ],
)
def test_what_a_pod_asks_for(spec: dict[str, object], asked: int) -> None:
    assert pod_millicores(spec) == asked
