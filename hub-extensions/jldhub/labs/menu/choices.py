"""The options of a start besides the lab's image and size, and the site's notices on the same page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jldhub.support.refusal import Refusal

# The names of options, in the form and in the API.
SIZE = "profile"  # KubeSpawner's name for it
IMAGE = "image"
ENVIRONMENT = "environment"
DEBUG = "debug"
# Of the form alone: the field in which an image is typed, and the value of IMAGE that says so. No image of a list has a slash.
TYPED_IMAGE, TYPED = "typed-image", "/"
_KEPT = (SIZE, IMAGE, TYPED_IMAGE)
_LONGEST_FIELD = 500  # characters
# Options for one start only: JupyterHub would store them and apply them at every later start.
ONCE = frozenset({ENVIRONMENT, DEBUG})


class EnvironmentChoice(StrEnum):
    """What is done with a person's packages and configuration: keep them, or rename folders of the home."""

    KEEP = "keep"
    LOCAL = "local"
    ALL = "all"


ENVIRONMENTS = {
    EnvironmentChoice.KEEP: "Keep what I installed and configured",
    EnvironmentChoice.LOCAL: "Set ~/.local aside: what pip installed",
    EnvironmentChoice.ALL: "Set all of it aside: ~/.local, ~/.conda, ~/.jupyter, ~/.ipython, caches",
}


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


def chosen_fields(form: Mapping[str, list[str]]) -> dict[str, str]:
    """What of a form is shown again where it was refused, no longer than the page's fields are."""
    return {name: form[name][0][:_LONGEST_FIELD] for name in _KEPT if form.get(name)}


def from_form(form: Mapping[str, list[str]]) -> dict[str, Any]:
    """The fields of the form as the user options of an API request, whose checks are those of both.

    Raises a Refusal where somebody wants to type an image and typed none.
    """
    fields = {name: form[name][0] for name in (*_KEPT, ENVIRONMENT, DEBUG) if form.get(name)}
    options: dict[str, Any] = {name: fields[name] for name in (SIZE, IMAGE, ENVIRONMENT) if fields.get(name)}
    if fields.get(IMAGE) == TYPED:
        options[IMAGE] = fields.get(TYPED_IMAGE, "").strip()
        if not options[IMAGE]:
            raise Refusal(400, "Type the image that you want, with its registry and tag, or choose one of the list.")
    if DEBUG in fields:
        options[DEBUG] = True if fields[DEBUG] == "on" else fields[DEBUG]
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


def motd(notices: Iterable[str]) -> str:
    """What terminals show first."""
    return "".join(f"{notice.strip()}\n\n" for notice in notices)
