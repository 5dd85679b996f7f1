import threading
from pathlib import Path

from jldhub.hub.settings_watch import watch

PAUSE = 0.01


def test_new_settings_stop_the_hub_once(tmp_path: Path) -> None:
    file, stops, stopped = tmp_path / "settings.yaml", [], threading.Event()
    file.write_text("a: 1")

    def stop() -> None:
        stops.append(file.read_text())
        stopped.set()

    watch(file, stop, PAUSE)
    replacement = tmp_path / "new"
    replacement.write_text("a: 2")
    replacement.rename(file)

    assert stopped.wait(20)
    file.write_text("a: 3")
    (thread,) = [each for each in threading.enumerate() if each.name == "settings"] or [None]
    if thread:
        thread.join(20)
    assert stops == ["a: 2"]


def test_the_same_text_in_a_new_file_stops_nobody(tmp_path: Path) -> None:
    file, stopped = tmp_path / "settings.yaml", threading.Event()
    file.write_text("a: 1")
    watch(file, stopped.set, PAUSE)
    for _ in range(20):
        file.unlink()
        replacement = tmp_path / "new"
        replacement.write_text("a: 1")
        replacement.rename(file)
        assert not stopped.wait(PAUSE)
    file.write_text("b: 1")  # it does look
    assert stopped.wait(20)


def test_where_there_are_none_nobody_looks(tmp_path: Path) -> None:
    before = threading.active_count()
    watch(tmp_path / "settings.yaml", lambda: None, PAUSE)

    assert threading.active_count() == before
