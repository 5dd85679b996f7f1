"""The options of a start besides the lab's size, and the site's notices on the same page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Any

from jldhub.support.refusal import Refusal

ENVIRONMENT = "environment"
DEBUG = "debug"
# Options for one start only: JupyterHub would store them and apply them at every later start.
ONCE = frozenset({ENVIRONMENT, DEBUG})


class EnvironmentChoice(StrEnum):
    """What is done with a person's packages and configuration: keep them, or rename folders of the home."""

    KEEP = "keep"
    LOCAL = "local"
    ALL = "all"


_LABELS = {
    EnvironmentChoice.KEEP: "Keep what I installed and configured",
    EnvironmentChoice.LOCAL: "Set ~/.local aside: what pip installed",
    EnvironmentChoice.ALL: "Set all of it aside: ~/.local, ~/.conda, ~/.jupyter, ~/.ipython, caches",
}

_FORM = """
<div class="form-group mt-3">
  <label for="environment">Environment</label>
  <select class="form-control" id="environment" name="environment">
    {options}
  </select>
  <p class="form-text">For a lab that does not start any more. Nothing is deleted: folders get the date as an ending.</p>
  <label for="debug"><input type="checkbox" id="debug" name="debug" value="on"> Write a detailed log</label>
</div>
"""


@dataclass(frozen=True)
class Choices:
    """The validated options of one start."""

    environment: EnvironmentChoice = EnvironmentChoice.KEEP
    debug: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables for the lab's start program. Defaults are omitted."""
        chosen = {} if self.environment is EnvironmentChoice.KEEP else {"JLD_ENVIRONMENT": self.environment.value}
        return chosen | ({"JLD_DEBUG": "1"} if self.debug else {})


def from_form(form: Mapping[str, list[str]]) -> dict[str, Any]:
    """The fields of the form as the user options of an API request. `check` validates both."""
    options: dict[str, Any] = {}
    if ENVIRONMENT in form:
        options[ENVIRONMENT] = form[ENVIRONMENT][0]
    if DEBUG in form:
        options[DEBUG] = True if form[DEBUG][0] == "on" else form[DEBUG][0]
    return options


def check(options: Mapping[str, Any]) -> Choices:
    """The validated options. Raises a Refusal with the valid choices."""
    environment, debug = options.get(ENVIRONMENT, EnvironmentChoice.KEEP.value), options.get(DEBUG, False)
    if not isinstance(environment, str) or environment not in set(EnvironmentChoice):
        valid = ", ".join(EnvironmentChoice)
        raise Refusal(400, f"The environment cannot be {str(environment)[:40]!r}. Choose one of: {valid}.")
    if not isinstance(debug, bool):
        raise Refusal(400, f"Debug is true or false, and not {str(debug)[:40]!r}.")
    return Choices(EnvironmentChoice(environment), debug)


def form_template(notices: Iterable[str]) -> str:
    """The trait `KubeSpawner.profile_form_template`: the notices, KubeSpawner's list of sizes, and JLD's options."""
    options = [f'<option value="{each}">{_text(_LABELS[each])}</option>' for each in EnvironmentChoice]
    return "\n".join(
        [
            *(f'<div class="alert alert-info" role="note">{_text(notice)}</div>' for notice in notices),
            '{% include "form.html" %}',
            _FORM.format(options="\n    ".join(options)),
        ]
    )


def motd(notices: Iterable[str]) -> str:
    """What terminals show first."""
    return "".join(f"{notice.strip()}\n\n" for notice in notices)


def _text(text: str) -> str:
    """Escaped for HTML, and for Jinja, which renders the form as a template."""
    return escape(text.strip()).replace("{", "&#123;").replace("\n", "<br>")
