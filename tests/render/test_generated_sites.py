"""Whatever the schema accepts, the tool accepts, the chart renders, and Kubernetes and the hub take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from generating import sites
from hypothesis import HealthCheck, Phase, given, settings
from jld.schema.chart import Chart
from jld.values.assembly import Sources, assemble
from jld.values.values_file import render_values as document
from jldhub.settings.settings import Settings
from manifests import complaints
from rendering import CHART, KUBERNETES, Question, render
from test_mutations import NOW, SECRET, odd_names

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("JLD_EXAMPLES", "30"))
SECRETS = "hub: {secret: {dbUrl: 'postgresql://hub:made-up@db.example.org/hub'}}\n"


@pytest.fixture(scope="module")
def folder(values: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generated")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="JLD_EXAMPLES" not in os.environ,  # the same ones in every run, unless somebody looks for more
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # making the example smaller takes longer than reading it
)
@given(site=sites(Chart(CHART).schema()))
def test_a_site_that_the_schema_accepts_works(site: dict[str, Any], folder: Path) -> None:
    file, given_secrets, output = (folder / name for name in ("site.yaml", "secrets.yaml", "values.yaml"))
    file.write_bytes(document(site))
    external = site["hub"].get("db", {}).get("external") and not site["hub"].get("existingSecret")
    given_secrets.write_text(SECRETS if external else "")
    sources = Sources([file], given_secrets, environment=SECRET)

    output.write_bytes(document(assemble(sources, Chart(CHART), NOW).data))
    render.cache_clear()
    rendered = render(Question(output, program="helm4"))

    assert Settings.parse(rendered.settings()).site.hostname == site["global"]["hostname"]
    for version in KUBERNETES:
        assert complaints(rendered.objects, version) == []
    assert list(odd_names(rendered.objects)) == []
