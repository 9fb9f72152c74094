"""What stands for a child in an address, instead of the learner's number, which never leaves the store.

One AES block under the store's own key: the number and eight zero bytes. The same in every run, so that a link kept
for a month still opens, and found again without a search; what somebody makes up does not come out with its zeros.
A key opens nothing by itself: raksa.access is asked at every use.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from raksa.store import Store

_ZEROS = bytes(8)


@lru_cache(maxsize=8)
def _cipher(home: Path) -> Cipher[modes.ECB]:
    key = sha256(f"page key of {Store(home).identity.id_key}".encode()).digest()
    return Cipher(algorithms.AES(key), modes.ECB())  # single blocks, each of another learner: no mode is needed


def key_of(home: Path, learner_id: int) -> str:
    """The 32 hexadecimal letters by which pages of this store's folder name a learner."""
    return _cipher(home).encryptor().update(learner_id.to_bytes(8) + _ZEROS).hex()


def learner_of(home: Path, key: str) -> int | None:
    """The learner of a key; None for what is none of this store's."""
    try:
        block = _cipher(home).decryptor().update(bytes.fromhex(key))
    except ValueError:
        return None
    return int.from_bytes(block[:8]) if len(block) == 16 and block[8:] == _ZEROS else None
