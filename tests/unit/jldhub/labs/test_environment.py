"""The environment of labs where an HTTP proxy is between them and the internet."""

from typing import Any

from jldhub.labs.environment import lab_environment, proxy_environment
from jldhub.settings.settings import Settings

PROXY, PAST = "http://proxy.example.org:3128", "localhost,127.0.0.1,jld-hub.science"


def test_both_spellings_name_the_proxy_and_what_is_reached_past_it(settings_document: dict[str, Any]) -> None:
    document = {
        **settings_document,
        "global": {**settings_document["global"], "proxy": {"https": PROXY}},
        "names": {**settings_document["names"], "withoutProxy": PAST},
    }
    named = {
        name: value for name, value in lab_environment(Settings.parse(document)).items() if "proxy" in name.lower()
    }

    assert named == {
        **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), PROXY),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), PAST),
    }


def test_without_a_proxy_there_are_no_such_variables(settings: Settings) -> None:
    assert proxy_environment(settings) == {}
