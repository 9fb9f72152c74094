"""Every sentence of the pages exists in Thai and in English, and none is left over."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from dashboard.language import CATALOGUES, refusal, speak
from raksa.errors import RaksaError

ROOM = Path(__file__).parents[2] / "dashboard"
# Whose refusals a page or form shows in the words they were raised with.
SHOWN_ON_PAGES = (
    "care/visit_sheet.py",
    "dashboard/planning.py",
    "raksa/access.py",
    "raksa/accounts.py",
    "raksa/retention.py",
    "raksa/school_settings.py",
    "raksa/seal.py",
    "register/readers.py",
    "register/staff.py",
    "register/transfer.py",
)
SPEAKING = {"_", "N_", "say", "thai", "english"}


def sentences_used() -> set[str]:
    """What stands in a call of _("…"), N_("…") or say("…"), read from the syntax tree: also inside f-strings."""
    found = set()
    for file in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if called in SPEAKING and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
    return found | refusals()


def refusals() -> set[str]:
    """Sentences of RaksaError that the pages may show as they are, said again in Thai by `refusal`."""
    found = set()
    for file in SHOWN_ON_PAGES:
        for node in ast.walk(ast.parse((ROOM.parent / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RaksaError":
                sentence = node.args[0]
                assert isinstance(sentence, ast.Constant), f"{file}:{node.lineno} puts values into its sentence itself"
                assert places(sentence.value) == {word.arg for word in node.keywords}, f"{file}:{node.lineno}"
                found.add(sentence.value)
    return found


def catalogue() -> dict[str, str]:
    return {sentence: thai for catalogue in catalogues().values() for sentence, thai in catalogue.items()}


def catalogues() -> dict[str, dict[str, str]]:
    found = {}
    for one in sorted(CATALOGUES.glob("*.po")):
        with one.open("rb") as file:
            found[one.name] = {str(m.id): str(m.string) for m in read_po(file, locale="th") if m.id}
    return found


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_the_catalogue_holds_what_is_used_and_nothing_else() -> None:
    assert set(catalogue()) == sentences_used()
    assert len(sentences_used()) > 100


def test_no_sentence_stands_in_two_catalogues() -> None:
    assert sum(len(one) for one in catalogues().values()) == len(catalogue())


@pytest.mark.parametrize("sentence", sorted(catalogue()))
def test_each_sentence_is_thai_with_the_same_places(sentence: str) -> None:
    thai = catalogue()[sentence]
    assert re.search("[ก-๙]", thai), f"{sentence!r} has no Thai"
    assert places(thai) == places(sentence)
    assert thai.count("**") == sentence.count("**")


def test_no_sentence_calls_a_child_a_risk() -> None:
    """DOMAIN 12: on shared screens a child is somebody who needs more care, never a case of เสี่ยงหลุด."""
    for thai in catalogue().values():
        assert not re.search("เสี่ยง|หลุด|กลุ่มเป้าหมาย", thai), thai
    for english in catalogue():
        assert not re.search(r"\b(at.risk|dropouts?|flagged|red|predict)", english, re.IGNORECASE), english


def test_a_sentence_without_a_translation_speaks_for_itself() -> None:
    assert speak("th")("Not in {place}", place="raksa.po") == "Not in raksa.po"
    assert speak("en")("Sign in") == "Sign in"
    assert speak("th")("Sign in") == "เข้าใช้"


def test_a_refusal_is_said_in_the_language_of_the_page_with_its_values() -> None:
    wrong = RaksaError("There is an account {username} already. Choose another name.", username="noi")
    assert refusal(speak("th"), wrong) == "มีบัญชี noi อยู่แล้ว โปรดใช้ชื่อบัญชีอื่น"
    assert refusal(speak("en"), wrong) == str(wrong)
    assert refusal(speak("th"), RaksaError("Not in a {catalogue} yet.")) == "Not in a {catalogue} yet."
