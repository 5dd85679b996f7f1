"""The init container as it runs: what it leaves behind, on the second run too, and what it says when it cannot."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jldlogging.logstash.__main__ import main

from tests.unit.jldlogging.logstash.building import written
from tests.unit.jldlogging.logstash.test_secret_files import CONTENTS


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file whose folders are there."""
    names = ("secret", "volume", "logstash", "rabbitmq")
    for name in names:
        (tmp_path / name).mkdir()
    for name, content in CONTENTS.items():
        (tmp_path / "secret" / name).write_bytes(content)
    return written(tmp_path, folders={name: str(tmp_path / name) for name in names}, volumeSize="1Gi")


def passwords(folder: Path) -> tuple[str, str]:
    """logstash's, and what RabbitMQ keeps of it."""
    found = re.search(r'password => "(.*)"', (folder / "logstash" / "pipeline.conf").read_text())
    assert found
    return found[1], json.loads((folder / "rabbitmq" / "definitions.json").read_text())["users"][0]["password_hash"]


def test_everything_is_written_and_nobody_else_may_read_it(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(file)]) == 0

    files = {
        path.relative_to(tmp_path).as_posix()
        for name in ("logstash", "rabbitmq")
        for path in (tmp_path / name).iterdir()
    }
    assert files == {
        *(f"logstash/{name}" for name in ("logstash.yml", "log4j2.properties", "pipeline.conf")),
        *(f"rabbitmq/{name}" for name in ("rabbitmq-env.conf", "rabbitmq.conf", "enabled_plugins", "definitions.json")),
    }
    assert {oct((tmp_path / name).stat().st_mode & 0o777) for name in files} == {"0o400"}
    assert {path.name for path in (tmp_path / "volume").iterdir()} == {"logstash", "rabbitmq"}
    said = capsys.readouterr().out
    assert said.startswith("jld: of 1024 MiB logstash's queue takes up to 307 MiB")
    assert "pass word" not in said


def test_a_second_run_makes_another_password_and_keeps_what_is_on_the_volume(file: Path, tmp_path: Path) -> None:
    assert main([str(file)]) == 0
    first = passwords(tmp_path)
    (tmp_path / "volume" / "rabbitmq" / "kept").touch()
    assert main([str(file)]) == 0

    assert set(first).isdisjoint(passwords(tmp_path))
    assert (tmp_path / "volume" / "rabbitmq" / "kept").exists()


def test_the_passwords_are_where_they_are_read_and_nowhere_else(file: Path, tmp_path: Path) -> None:
    assert main([str(file)]) == 0
    own, _ = passwords(tmp_path)
    texts = {path.name: path.read_text() for name in ("logstash", "rabbitmq") for path in (tmp_path / name).iterdir()}

    assert {name for name, text in texts.items() if own in text} == {"pipeline.conf"}
    assert {name for name, text in texts.items() if "pass%20word" in text} == {"definitions.json"}


def test_queues_and_alarms_have_their_shares(file: Path, tmp_path: Path) -> None:
    assert main([str(file)]) == 0
    logstash = yaml.safe_load((tmp_path / "logstash" / "logstash.yml").read_text())
    rabbitmq = (tmp_path / "rabbitmq" / "rabbitmq.conf").read_text()

    assert (logstash["queue.type"], logstash["queue.max_bytes"], logstash["queue.checkpoint.writes"]) == (
        "persisted",
        "307mb",
        1,
    )
    assert f"disk_free_limit.absolute = {512 * 1024**2}\n" in rabbitmq
    assert f"vm_memory_high_watermark.absolute = {1024**3 * 6 // 10}\n" in rabbitmq


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("secret/brokerPassword", "jld: secret brokerPassword: "),
        ("logstash", "jld: {}/logstash: cannot be written (No such file or directory)"),
        ("volume", "jld: the volume of logging.logstash.storage cannot be written (No such file or directory)"),
        ("logstash.yaml", "jld: {}/logstash.yaml: cannot be read (No such file or directory)"),
    ],
)
def test_what_is_missing_is_one_sentence_and_no_traceback(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str, sentence: str
) -> None:
    path = tmp_path / missing
    path.rmdir() if path.is_dir() else path.unlink()

    assert main([str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(sentence.format(tmp_path))
    assert len(said.err.splitlines()) == 1


def test_a_wrong_command_line_says_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err == "usage: python -m jldlogging.logstash SETTINGS\n"
