"""The harness's errors: sentences with the remedy."""


class MachineError(Exception):
    """Something did not work on this machine; the text says what and what to do."""


class Unsupported(MachineError):
    """This machine lacks what is needed, which shows before anything is tried. Tests that need it do not run; after any
    other MachineError they fail."""
