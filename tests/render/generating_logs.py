"""What belongs together of a drawn `logging`: the limits stay as they are drawn."""

from typing import Any

Data = dict[str, Any]


def agreed(drawn: Data) -> Data:
    """One that is right, with a Secret of the operator's own: PEM files are not drawn."""
    logging = drawn | {"existingSecret": "log-shipping"}
    pipeline = logging.get("pipeline", "logstash")
    broker = {
        key: value
        for key, value in logging.get("broker", {}).items()
        if key not in ("caCertificate", "certificate", "key")
    }
    if logging.get("enabled"):
        inside = pipeline != "external"
        broker["host"] = (broker.get("host") or "rabbitmq.example.org") if inside else ""
        logging["external"] = {"hosts": [] if inside else ["logstash.example.org:5044"]}
    else:  # nobody would be told of them
        broker["host"], logging["external"] = "", {"hosts": []}
    logging["broker"] = broker
    if logging.get("containers", "release") == "release":
        logging["excludeNamespaces"] = []
    filebeat, logstash = logging.get("filebeat", {}), logging.get("logstash", {})
    logstash.pop("javaMemory", None)
    if "size" in logstash.get("storage", {}):
        logstash["storage"]["size"] = "100Gi"
    for owner in (filebeat, logging.get("relay", {}), logstash, logstash.get("rabbitmq", {})):
        if "resources" in owner:
            owner["resources"]["requests"] = {"cpu": "1m", "memory": "1Mi"}
            owner["resources"].get("limits", {}).pop("memory", None)
    return logging
