"""The hub's log: one JSON object a line. Secrets are masked in every line, from whichever library it comes."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from jupyterhub.log import CoroutineLogFormatter

from jldhub.settings.hub import Log

HIDDEN = "[secret]"
_SHORTEST = 8  # characters; masking a shorter secret would hide parts of ordinary words
_PATTERNS = [
    # A value in the query of a URL: ?code=…, &state=…, &_xsrf=…
    (re.compile(r"([?&;](?:[\w-]*(?:token|code|state|secret|password|key|auth|_xsrf)[\w-]*)=)[^&;\s'\"<>\\]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    # A header, or a password in a URL: Authorization: token …, postgresql://jld:…@db
    (re.compile(r"\b((?:token|bearer|basic)\s+)[A-Za-z0-9._~+/=-]{12,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(\w://[^\s:/@]*:)[^\s/@]+(?=@)"), rf"\1{HIDDEN}"),
    # GitHub's tokens, and the form of JupyterHub's own tokens and session IDs.
    (re.compile(r"\b(?:gh[opusr]_|github_pat_)[A-Za-z0-9_]{16,}"), HIDDEN),
    (re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])"), HIDDEN),
]  # fmt: skip
_known: set[str] = set()


def register_secrets(*secrets: str | bytes) -> None:
    """Mask these values from now on. Bytes are masked in their hexadecimal form, in which people write them."""
    texts = (secret.hex() if isinstance(secret, bytes) else secret for secret in secrets)
    _known.update(text for text in texts if len(text) >= _SHORTEST)


def mask(text: str) -> str:
    """The text with registered secrets, and whatever looks like a secret, replaced."""
    for secret in _known:
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class JsonLines(CoroutineLogFormatter):  # type: ignore[misc]
    """`{"time": …, "level": …, "logger": …, "where": …, "message": …}`, and `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "where": f"{record.module}:{record.lineno}",
            "message": mask(_message(record)),
        }
        if record.exc_info:
            line["exception"] = mask(self.formatException(record.exc_info)).rstrip()
        return json.dumps(line, ensure_ascii=False)


class PlainLines(CoroutineLogFormatter):  # type: ignore[misc]
    """JupyterHub's own text format, with secrets masked."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError) as error:  # the arguments do not fit the format: log the line without them
        return f"{record.msg} ({error})"


def log_config(log: Log) -> dict[str, Any]:
    """JupyterHub's traits.

    The root logger gets the same format, for libraries that do not log through JupyterHub's logger.
    """
    formatter = JsonLines if log.format == "json" else PlainLines
    return {
        "log_level": log.level,
        "logging_config": {
            "formatters": {"console": {"class": f"{formatter.__module__}.{formatter.__name__}"}},
            "root": {"level": "WARNING", "handlers": ["console"]},
        },
    }
