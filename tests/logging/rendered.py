"""What the chart renders for the example with logstash."""

from pathlib import Path
from typing import Any

import yaml

from tests.render.rendering import CHECKOUT, Question, Render, render, write_values


def with_logstash(folder: Path) -> Render:
    """The chart of values/logstash.yaml; `folder` takes the values."""
    return render(Question(write_values(CHECKOUT / "values" / "logstash.yaml", folder / "values.yaml")))


def logstash_settings(folder: Path) -> dict[str, Any]:
    """logstash.yaml, which the init container of logstash's pod reads."""
    data = with_logstash(folder).one("ConfigMap", "jld-logstash")["data"]["logstash.yaml"]
    found: dict[str, Any] = yaml.safe_load(data)
    return found
