"""Tells Prometheus what filebeat does on its node. `python -m jldlogging.exporter` runs beside filebeat in its pod.

It needs the standard library only, and sends nothing to anybody: it answers, on port 9114.
"""
