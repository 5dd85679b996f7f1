"""What can go wrong between JLD and a registry. Each message names the repository, the cause and the remedy, and never a secret."""


class RegistryError(Exception):
    """A registry cannot be asked, or what it answers cannot be used."""

    def __init__(self, place: object, cause: str, remedy: str) -> None:
        super().__init__(f"{place}: {cause}. {remedy}.")


class RegistryConfigurationError(RegistryError):
    """What JLD was given for registries cannot be used: a pull Secret, or a file with a certificate authority."""


class RegistryUnavailable(RegistryError):
    """It does not answer now. `retry_after` is how many seconds it wants to be left alone, where it says so."""

    def __init__(self, place: object, cause: str, remedy: str, retry_after: float | None = None) -> None:
        super().__init__(place, cause, remedy)
        self.retry_after = retry_after


class RegistryLoginRefused(RegistryError):
    """It wants a login that JLD does not have, refuses the one that JLD has, or would have it sent where it does not belong."""


class ImageUnknown(RegistryError):
    """It has no such repository or tag, at least for this login."""


class RegistryAnswerUnusable(RegistryError):
    """It answers, and not as a registry does."""
