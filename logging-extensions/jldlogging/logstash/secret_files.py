"""The keys of `logging.secret` that logstash's pod reads: one file each, in a folder that the kubelet fills."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jldlogging.logstash.settings import SettingsError

NEEDED = ("brokerPassword", "brokerCaCertificate", "caCertificate", "serverCertificate", "serverKey")
CLIENT = ("brokerCertificate", "brokerKey")  # where the broker asks for a certificate


@dataclass(frozen=True)
class Login:
    """How the broker elsewhere knows us."""

    password: str = field(repr=False)
    has_certificate: bool = False


def read(folder: Path) -> Login:
    """The login; what others read themselves is looked at. Raises SettingsError with every mistake, and shows no value."""
    wrong = list(_mistakes(folder))
    if wrong:
        raise SettingsError("\n".join(wrong))
    return Login(_text(folder / NEEDED[0]), has_certificate=(folder / CLIENT[0]).exists())


def _mistakes(folder: Path) -> Iterator[str]:
    there = [key for key in CLIENT if (folder / key).exists()]
    if len(there) == 1:
        (missing,) = set(CLIENT) - set(there)
        yield f"secret {missing}: {folder / missing} does not exist, and {there[0]} does; add it, or remove the other one"
    for key in (*NEEDED, *there):
        file = folder / key
        try:
            if not (text := _text(file)):
                yield f"secret {key}: is empty; write a value"
            elif "\0" in text:
                yield f"secret {key}: has a NUL character (not shown), which no login can hold; write another one"
            elif key == "serverKey" and not _is_pkcs8(text):
                yield f"secret {key}: is no key in PKCS8, the only form that logstash reads; convert it with: openssl pkcs8 -topk8 -nocrypt"
        except FileNotFoundError:
            yield (
                f"secret {key}: {file} does not exist; add {key} to logging.secret, "
                "or to the Secret that logging.existingSecret names"
            )
        except UnicodeDecodeError:
            yield f"secret {key}: is not text; encode it once with base64, not the bytes themselves"
        except OSError as error:
            yield f"secret {key}: {file} cannot be read ({error.strerror})"


def _is_pkcs8(pem: str) -> bool:
    """By its first line: other forms name the kind of the key there, or that it is encrypted."""
    return any(line.strip("-") == "BEGIN PRIVATE KEY" for line in pem.splitlines())


def _text(file: Path) -> str:
    """Without the line end that editors and `echo` leave behind."""
    return file.read_bytes().decode().strip("\r\n")
