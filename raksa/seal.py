"""Secrets that must be read again, closed while they lie in the people database.

Passwords and tokens are kept as hashes; the secret of an authenticator app has to be read at each code. So it lies
there encrypted (Fernet: AES-128-CBC with HMAC-SHA-256), and the key lies in a file: `people.key` in the data folder,
readable by its owner alone, or where the setting `key_file` says. Whoever gets the database or a backup, and not that
file, makes no codes.

The file holds a key a line: the first closes, each opens. To change the key put a new line above the old one
(`python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"`).
"""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from filelock import FileLock

from raksa.errors import RaksaError
from raksa.settings import Settings


class Seal:
    """Closes and opens with the keys of a file, which is read each time and made when something is first closed."""

    def __init__(self, settings: Settings) -> None:
        self.file = key_file(settings)

    def close(self, secret: str) -> str:
        """Some 140 signs for a short secret. Raises RaksaError if there is no key and none can be made."""
        try:
            if not self.file.exists():
                self._make()
            return self._keys().encrypt(secret.encode()).decode()
        except (OSError, ValueError):  # not to be read or written; no key in it
            raise RaksaError(
                "The key of second factors can neither be read nor made. "
                "Whoever looks after the machine runs: raksa doctor"
            ) from None

    def open(self, closed: str) -> str | None:
        """What was closed; None if no key of the file fits, or the file holds none, or there is no file."""
        try:
            return self._keys().decrypt(closed.encode()).decode()
        except (OSError, ValueError, InvalidToken):
            return None

    def has_key(self) -> bool:
        """Whether the file can be read and each of its lines is a key."""
        try:
            return bool(self._keys())
        except (OSError, ValueError):
            return False

    def _make(self) -> None:
        with FileLock(self.file.with_name(f".{self.file.name}.lock"), timeout=60):
            if not self.file.exists():  # of several processes one makes it
                beside = self.file.with_suffix(".tmp")
                beside.touch(mode=0o600)
                beside.write_bytes(Fernet.generate_key() + b"\n")
                beside.replace(self.file)

    def _keys(self) -> MultiFernet:
        return MultiFernet([Fernet(line) for line in self.file.read_text(encoding="utf-8").split()])


def key_file(settings: Settings) -> Path:
    """Where the keys lie."""
    return Path(settings.key_file) if settings.key_file else settings.home / "people.key"


def is_closed(held: str) -> bool:
    """Whether a value of the database is closed: a secret in the clear is 32 capital letters and digits (base32)."""
    return not held.isupper()
