"""The card as a page: what it says, what it must not say, and that it can be read on a phone and on paper."""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import Any

import made_models
import pytest
from browser import chromium
from lxml import html as parsed
from playwright.sync_api import sync_playwright

from models.card import curve, html, of_20, percent, verdicts
from raksa.cli_models import fonts

LANGUAGES = ("th", "en")
# Words that would label a child or tell a cause: at risk, dropping out, because, owing to, makes, cause, problem, lazy.
FORBIDDEN = ("เสี่ยง", "หลุด", "เพราะ", "เนื่องจาก", "ทำให้", "สาเหตุ", "มีปัญหา", "ขี้เกียจ",
             "at risk", "at-risk", "drop", "because", "due to", "cause", "problem", "lazy", "failure")  # fmt: skip


@pytest.fixture
def card() -> dict[str, Any]:
    return copy.deepcopy(made_models.card() | {"learned": made_models.learned().about})


def text(page: str) -> str:
    """What a reader sees, a space between elements."""
    body = parsed.fromstring(page).find("body")
    return re.sub(r"\s+", " ", " ".join(body.itertext()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_stands_alone_and_says_all_a_card_must(card: dict[str, Any], language: str) -> None:
    page = html(card, language, fonts=fonts(), checksums={"model-1.txt": "ab" * 32})
    tree = parsed.fromstring(page)
    assert tree.get("lang") == language
    assert tree.xpath("//script | //link | //img | //@onclick | //@src | //@href") == []
    assert re.findall(r"url\((?!data:font/woff2;base64,)", page) == [] and page.count("@font-face") == 4
    titles = {
        "th": ["ใช้ทำอะไร และไม่ใช้ทำอะไร", "ข้อมูล", "ช่วงเวลา และวิธีตรวจสอบ", "ตัวเลข", "เทียบกับวิธีอื่น", "ที่คาดไว้ กับที่เกิดจริง",
               "แต่ละกลุ่มได้รับการดูแลเท่ากันหรือไม่", "ความคงที่", "ข้อจำกัด", "ถ้าไม่เห็นด้วย", "รุ่นและค่าตรวจสอบ"],
        "en": ["What it is for, and what it is not for", "Data", "Period, and how it was judged", "Figures",
               "Compared with other ways", "Foreseen and seen", "Whether each group is seen alike", "Stability",
               "Limits",
               "If you do not agree", "Versions and checksums"],
    }  # fmt: skip
    assert [h.text_content() for h in tree.xpath("//h2")] == titles[language]
    assert all(svg.get("aria-label") for svg in tree.xpath("//svg")) and tree.xpath("//svg")
    assert all(table.xpath("caption") and table.xpath(".//th[@scope]") for table in tree.xpath("//table"))
    seen = text(page)
    assert "ab" * 32 in seen and card["id"] in seen
    assert re.findall(r"\b(nan|None|Undefined|inf)\b|[{}]", seen) == []


def test_english_is_english_and_thai_is_thai(card: dict[str, Any]) -> None:
    assert re.findall("[ก-๙]+", text(html(card, "en"))) == []
    # Names of settings of the trees, ids and sums are the same in every language; so are a few short names.
    known = (
        r"Raksa|AUC|ABC|ECE|Brier|SHA-256|seed|model-\d\.txt|\d{4}-\w+|\w+_\w+|objective|binary|verbosity|deterministic"
    )
    said = re.sub(known + r"|True|False|abc", "", text(html(card)))
    assert re.findall(r"[A-Za-z]{2,}", said) == []


def test_a_page_names_no_label_and_no_cause(card: dict[str, Any]) -> None:
    seen = (text(html(card)) + text(html(card, "en"))).lower()
    assert [word for word in FORBIDDEN if word in seen] == []


def test_a_card_with_nothing_in_it_still_says_what_the_model_is_not_for_and_whom_to_ask() -> None:
    seen = text(html({"id": "2567-0000aaaa"}, "en"))
    assert "A label on a child" in seen and "Whom to ask" in seen and "Of 20 listed" not in seen


def test_what_a_card_lacks_is_left_out(card: dict[str, Any]) -> None:
    whole = html(card, "en")
    for key in set(card) - {"id", "judged"}:
        assert html({k: v for k, v in card.items() if k != key}, "en")
    for key in card["judged"]:
        judged = {k: v for k, v in card["judged"].items() if k != key}
        assert len(html(card | {"judged": judged}, "en")) <= len(whole), key
    for key in card["judged"]["compared"]["model"]:
        less = copy.deepcopy(card)
        del less["judged"]["compared"]["model"][key]
        assert html(less, "en"), key


def test_same_card_same_bytes(card: dict[str, Any]) -> None:
    assert html(card) == html(copy.deepcopy(card))


def test_where_a_rule_does_better_the_page_says_so(card: dict[str, Any]) -> None:
    compared = card["judged"]["compared"]
    for name, each in compared.items():
        if name != "model":
            each["at_capacity"]["precision"], each["ap"], each["auc"] = 0.01, 0.01, 0.5
    rule = compared["abc_flags"]
    model = compared["model"]
    rule["at_capacity"]["precision"] = model["at_capacity"]["precision"] + 0.05
    rule["ap"], rule["auc"] = model["ap"] - 0.01, model["auc"] - 0.1
    rule["against_model"] = {"precision": [-0.08, -0.02], "ap": [-0.02, 0.04], "auc": [0.05, 0.15]}
    found = verdicts(card)
    assert [kind for kind, *_ in found] == ["worse", "same", "better"]
    assert found[0][2] == (
        "leavers on the lists: the model is not better than “count of warning signs (ABC)”; use that instead "
        "(−0.080 – −0.020)"
    )
    page = html(card)
    assert "แบบจำลองไม่ดีกว่า “นับสัญญาณเตือน (ABC)” ควรใช้กฎนั้นแทน" in page and 'class="note worse"' in page
    del rule["against_model"]  # no interval: the figures alone
    assert [kind for kind, *_ in verdicts(card)] == ["worse", "open", "open"]


@pytest.mark.parametrize(
    ("rule", "said"), [("absent_rate_year", "days away, this year"), ("abc_flags", "count of warning signs (ABC)")]
)
def test_the_best_rule_is_called_by_its_fact_or_flags(card: dict[str, Any], rule: str, said: str) -> None:
    card["judged"]["best_rule"] = rule
    assert f"the best single rule: {said}" in text(html(card, "en"))


def test_false_alarms_are_counted_in_children() -> None:
    own = {"base": 0.02, "at_capacity": {"precision": 0.15, "recall": 0.4}}
    assert of_20(own) == {"leave": 3.0, "stay": 17.0, "missed": 12.0, "chance": 0.4}
    assert of_20({"base": float("nan"), "at_capacity": {"recall": None}}) == {}
    seen = text(html({"id": "x", "judged": {"compared": {"model": own}}}, "en"))
    assert "Of 20 listed, about 17 stay" in seen and "Of 20 who leave, about 12 are on no list" in seen


def test_few_leavers_are_not_told_nor_to_be_reckoned_from_the_rest(card: dict[str, Any]) -> None:
    def area(name: str, left: float) -> dict[str, Any]:
        return {"id": name, "n": 900, "left": left, "foreseen": 20.0, "ratio": left / 20, "low": 0.1, "high": 3.0}

    card["judged"]["by_area"] = [area("9901", 3), area("9902", 41), area("9903", 57)]
    rows = {row[0].text_content(): [cell.text_content() for cell in row[1:]] for row in parsed.fromstring(
        html(card, "en")).xpath("//table[contains(caption, 'By service area')]/tbody/tr")}  # fmt: skip
    assert rows == {
        "9901": ["900", "20", "few", "–", "–"],
        "9902": ["900", "20", "few", "–", "–"],  # the next fewest: 98 − 57 − 41 would tell the first
        "9903": ["900", "20", "57", "2.85", "0.10 – 3.00"],
    }
    card["judged"]["by_school"] = [{**area("10009991", 2), "high": 0.4}, {**area("10009992", 60), "low": 2.2}]
    assert "10009991" not in html(card)


def test_names_from_files_cannot_become_markup(card: dict[str, Any]) -> None:
    card["judged"]["by_area"] = [
        {"id": "<script>alert(1)</script>", "n": 9, "left": 9, "foreseen": 9, "ratio": 1, "low": 0.5, "high": 2}
    ]
    assert "<script" not in html(card) and "&lt;script&gt;" in html(card)


def test_undefined_figures_are_dashes(card: dict[str, Any]) -> None:
    card["judged"]["compared"]["model"]["auc"] = float("nan")
    card["judged"]["compared"]["model"]["lead"] = {"weeks_median": float("nan"), "share_60_days": None}
    assert not re.search(r"\bnan\b", text(html(card, "en")))
    assert (percent(None), percent(0.0204), percent(0.35)) == ("–", "2.0 %", "35 %")


def test_the_picture_has_a_point_a_group_within_its_frame() -> None:
    groups = [{"n": 500, "foreseen": f, "seen": s} for f, s in ((0.002, 0.0), (0.05, 0.06), (0.9, 1.0))]
    svg = parsed.fromstring(str(curve(groups, 4, "alt")))
    points = [(float(c.get("cx")), float(c.get("cy"))) for c in svg.iter("circle")]
    _, _, width, height = map(float, svg.get("viewbox").split())
    assert len(points) == 3 and all(0 < x < width and 0 < y < height for x, y in points)
    assert points == sorted(points) and points[0][1] > points[1][1] > points[2][1]
    assert curve([], 4, "alt") == "" and curve([{"n": 0, "foreseen": 0.1, "seen": 0.1}], 4, "alt") == ""


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_on_a_phone_and_it_prints(card: dict[str, Any], language: str, tmp_path: Path) -> None:
    path = chromium()
    if path is None:
        how = "No chromium: apt-get install chromium, or playwright install chromium."
        pytest.fail(how) if os.environ.get("CI") else pytest.skip(how)
    (tmp_path / "card.html").write_text(html(card, language, fonts=fonts()), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 390, "height": 844})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.partition(":")[0]))
        page.goto(f"file://{tmp_path}/card.html")
        page.evaluate("() => document.fonts.ready")
        assert set(asked) <= {"file", "data"}
        assert page.evaluate("() => [...document.fonts].map(f => f.status)") == ["loaded"] * 4
        assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
        # Only the tables' frames may be narrower than what is in them: they scroll. Nothing hides what does not fit.
        of = "() => [...document.querySelectorAll('body *')].filter(e => e.clientHeight > 1 && !e.closest('svg') && "
        wider = "e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline'"
        named = ").map(e => e.outerHTML.slice(0, 80))"
        assert page.evaluate(of + "getComputedStyle(e).overflowY === 'hidden'" + named) == []
        assert page.evaluate(of + "!e.matches('.wide') && " + wider + named) == []
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 696, "height": 1000})  # A4 less its margins
        assert page.evaluate(of + wider + named) == []
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
        browser.close()
