"""What people choose before a lab starts besides its size, and what the site tells them there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Any

from jldhub.support.refusal import Refusal

ENVIRONMENT = "environment"
DEBUG = "debug"
# These hold for one start: nobody means to set their environment aside at every start to come.
ONCE = frozenset({ENVIRONMENT, DEBUG})


class Environment(StrEnum):
    """What becomes of what a person has installed and configured."""

    KEEP = "keep"
    LOCAL = "local"
    ALL = "all"


_LABELS = {
    Environment.KEEP: "Keep what I installed and configured",
    Environment.LOCAL: "Set ~/.local aside: what pip installed",
    Environment.ALL: "Set all of it aside: ~/.local, ~/.conda, ~/.jupyter, ~/.ipython, caches",
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
    environment: Environment = Environment.KEEP
    debug: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """For the lab's start program. What nobody chose is left out."""
        chosen = {} if self.environment is Environment.KEEP else {"JLD_ENVIRONMENT": self.environment.value}
        return chosen | ({"JLD_DEBUG": "1"} if self.debug else {})


def from_form(form: Mapping[str, list[str]]) -> dict[str, Any]:
    """The form's fields as a request to the API has them. What they say is checked later, as the API's is."""
    options: dict[str, Any] = {}
    if ENVIRONMENT in form:
        options[ENVIRONMENT] = form[ENVIRONMENT][0]
    if DEBUG in form:
        options[DEBUG] = True if form[DEBUG][0] == "on" else form[DEBUG][0]
    return options


def check(options: Mapping[str, Any]) -> Choices:
    """Raises a Refusal that says what there is to choose."""
    environment, debug = options.get(ENVIRONMENT, Environment.KEEP.value), options.get(DEBUG, False)
    if not isinstance(environment, str) or environment not in set(Environment):
        known = ", ".join(Environment)
        raise Refusal(400, f"The environment cannot be {str(environment)[:40]!r}. Choose one of: {known}.")
    if not isinstance(debug, bool):
        raise Refusal(400, f"Debug is true or false, and not {str(debug)[:40]!r}.")
    return Choices(Environment(environment), debug)


def form_template(notices: Iterable[str]) -> str:
    """For KubeSpawner: notices above its own list of sizes, our choices below."""
    options = [f'<option value="{each}">{_text(_LABELS[each])}</option>' for each in Environment]
    return "\n".join(
        [
            *(f'<div class="alert alert-info" role="note">{_text(notice)}</div>' for notice in notices),
            '{% include "form.html" %}',
            _FORM.format(options="\n    ".join(options)),
        ]
    )


def motd(notices: Iterable[str]) -> str:
    """What a terminal shows first."""
    return "".join(f"{notice.strip()}\n\n" for notice in notices)


def _text(text: str) -> str:
    """As text to a browser, and to Jinja, which reads the page as a template."""
    return escape(text.strip()).replace("{", "&#123;").replace("\n", "<br>")
