"""The hub's log: one JSON object a line. Secrets are masked in every line, from whichever library it comes."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from tornado.log import LogFormatter

from jldhub.settings.hub import Log
from jldhub.support.masking import mask

# Characters of one message or exception: what is longer came in from outside, and says no more.
_LONGEST = 16_000


class JsonLines(LogFormatter):
    """`{"time": …, "level": …, "logger": …, "where": …, "message": …}`, and `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "where": f"{record.module}:{record.lineno}",
            "message": _short(mask(_message(record))),
        }
        if record.exc_info:
            line["exception"] = _short(mask(self.formatException(record.exc_info))).rstrip()
        return json.dumps(line, ensure_ascii=False)


class PlainLines(LogFormatter):
    """A text format, with secrets masked."""

    def format(self, record: logging.LogRecord) -> str:
        return _short(mask(super().format(record)))


def _short(text: str) -> str:
    """The beginning and the end of a text that is too long."""
    left_out = len(text) - _LONGEST
    if left_out <= 0:
        return text
    half = _LONGEST // 2
    return f"{text[:half]} ... {left_out} characters left out ... {text[-half:]}"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError) as error:  # the arguments do not fit the format: log the line without them
        return f"{record.msg} ({error})"


def log_config(log: Log) -> dict[str, Any]:
    """JupyterHub's traits."""
    # traitlets gives its handler the level, and the logger DEBUG: each line that is not written would be made.
    logger = {"loggers": {"JupyterHub": {"level": log.level}}}
    # By number: traitlets calls WARNING otherwise.
    return {
        "log_level": logging.getLevelNamesMapping()[log.level],
        "logging_config": logging_config(log.format) | logger,
    }


def logging_config(form: str) -> dict[str, Any]:
    """The trait `logging_config` of a traitlets application, for a value of `hub.log.format`.

    The root logger gets the same format, for libraries that do not log through the application's logger.
    """
    formatter = JsonLines if form == "json" else PlainLines
    return {
        "formatters": {"console": {"class": f"{formatter.__module__}.{formatter.__name__}"}},
        "root": {"level": "WARNING", "handlers": ["console"]},
    }
