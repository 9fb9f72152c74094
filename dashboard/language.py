"""The language of a page: English sentences in the code, their Thai in locale/th/LC_MESSAGES/*.po.

An English sentence is its own key, so a page without a catalogue still reads. A test holds the two
together: every sentence used has a Thai one with the same {places}, and the catalogue has no sentence
nobody uses.

    _ = speak("th")
    _("Hello {name}", name="มะลิ")
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

from babel.messages.pofile import read_po

from raksa.errors import RaksaError

LANGUAGES = {"th": "ไทย", "en": "English"}
CATALOGUES = Path(__file__).parent / "locale" / "th" / "LC_MESSAGES"  # one for each page, raksa.po for what they share


class Speaker(Protocol):
    def __call__(self, sentence: str, **values: object) -> str: ...


@lru_cache(maxsize=1)
def _thai() -> dict[str, str]:
    found: dict[str, str] = {}
    for catalogue in sorted(CATALOGUES.glob("*.po")):
        with catalogue.open("rb") as file:
            found |= {str(m.id): str(m.string) for m in read_po(file, locale="th") if m.id and m.string}
    return found


def speak(language: str) -> Speaker:
    """The function that says a sentence in this language, with {places} filled by name."""
    words = _thai() if language == "th" else {}

    def say(sentence: str, **values: object) -> str:
        said = words.get(sentence, sentence)
        return said.format(**values) if values else said

    return say


def refusal(say: Speaker, wrong: RaksaError) -> str:
    """What a person may mend, in the language of her page: the error's sentence with its values. One that is not in
    the catalogues is said in English, as the command line says it."""
    return say(wrong.sentence, **wrong.values)


def N_(sentence: str) -> str:
    """Marks a sentence for the catalogue where it is written down before the language is known."""
    return sentence
