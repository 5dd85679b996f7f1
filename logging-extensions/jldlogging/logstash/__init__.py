"""Writes the files with which logstash and the RabbitMQ beside it start, in an init container of their pod.

The chart mounts this package into a container of the hub's image, beside the settings. What it writes is secret, so it goes
into memory: the address of the broker elsewhere with its password, and a password by which logstash and RabbitMQ know
each other on loopback.
"""
