"""The harness's exceptions. Their messages name the remedy."""


class MachineError(Exception):
    """Something failed on this machine."""


class Unsupported(MachineError):
    """This machine lacks a requirement, which is checked before anything is changed.

    Tests that have the requirement are skipped. After any other MachineError they fail.
    """
