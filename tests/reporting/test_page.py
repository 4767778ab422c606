from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from milepost.data.contract import Finding, RowCount
from milepost.importance.worth import GapWorth
from milepost.maturity.curves import Curve, CurvePoint
from milepost.reporting.category_figures import draw_categories
from milepost.reporting.figure_data import FigureData, figure_data
from milepost.reporting.figures import draw_all
from milepost.reporting.page import SCRIPT, p_value, render, undefined
from milepost.reporting.sentences import five_sentences
from milepost.reporting.summary import Summary
from milepost.reporting.text import LONGEST_TEXT, cut
from milepost.terms import Action, Verdict
from milepost.training.results import SegmentFigures

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
    """What a parser finds: elements with their attributes, and all text outside style, script and data."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.data: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        kind = "data" if (dict(attrs).get("type") or "").endswith("json") else tag
        self._inside = kind if tag in ("script", "style") else self._inside

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag in ("script", "style") else self._inside

    def handle_data(self, data: str) -> None:
        {"script": self.scripts, "data": self.data}.get(self._inside, self.text).append(data)


def parse(page: str) -> Seen:
    seen = Seen()
    seen.feed(page)
    return seen


def page_of(summary: Summary) -> str:
    return render(summary, draw_all(figure_data(summary)) | draw_categories(summary.results.curves))


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
    scores = scores.assign(account_id=[f"{text}{n}" for n in range(6)], plan=text, reason_1=text, risk_band=text,
                           segment=text, milestone=text, route=text, next_step=text, next_step_because=text,
                           next_step_alternatives=text, size_band=text, scored_by=text)  # fmt: skip
    scores[f"level_{text}"] = text
    changed = make_summary(
        evidence=rows,
        maturity=replace(
            maturity, categories=(category, *maturity.categories[1:]), by_group=maturity.by_group.assign(value=text)
        ),
        scores=scores,
        missing=(f"model: {text}", text),
        alarms=(text,),
        curves=(Curve(text, 2, 1, (CurvePoint(0, 9, 9, 0.5, 0.2, 0.8), CurvePoint(1, 9, 9, 0.9, 0.6, 1.0))),),
        worth=(GapWorth(text, 3, 1, 200.0, 20.0, 2.0, 4.0, 2.0, 6.0),),
    )
    finding = Finding(text, text, 3, Action.WARN, text)
    data = replace(changed.data, row_counts=(RowCount(text, 1, 1, 0, 0, 0),), findings=(finding,), fingerprint=text)
    versions = replace(changed.versions, model_id=text, run_id=text, milepost=text)
    return replace(changed, project=text, data=data, versions=versions)


@pytest.fixture(scope="module")
def shape() -> dict[str, Any]:
    return {}


@pytest.mark.promise("a report is inert (payloads in every text)", cases=1)
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
    assert "All 300 scored accounts." in text
    assert "Without scripts this page lists the first 50 accounts" in text


def test_a_million_accounts_are_cut_to_a_size_and_ten_thousand_are_not(make_summary: Callable[..., Summary]) -> None:
    """At most 3 MB for 10,000 accounts, and no more for a million: only the first 10,000 rows are written."""
    base = make_summary()
    assert base.risk is not None
    summary = make_summary(scores=wordy_scores(10_000))
    page = page_of(summary)
    assert len(page.encode()) <= 3_000_000
    assert "All 10,000 scored accounts. Reasons and next steps are on this page for the first" in page
    million = replace(summary, risk=replace(base.risk, accounts=1_000_000))
    assert "The 10,000 accounts with the highest risk of 1,000,000 scored" in quick_page_of(million)


def wordy_scores(accounts: int) -> pd.DataFrame:
    """Scores in which no reason is like another, five levels, and names of forty letters."""
    frame = make_wordy(accounts)
    for n in (1, 2, 3):
        frame[f"reason_{n}"] = [
            f"Raises the risk: uses of feature {place} a day observed, last 84 days: {place / 7:.3g} "
            f"(retained accounts usually {place / 9:.3g})"
            for place in range(n, accounts + n)
        ]
    return frame


def make_wordy(accounts: int) -> pd.DataFrame:
    places = pd.Series(range(1, accounts + 1))
    levels = {f"level_category {n}": "mature" for n in range(5)}
    return pd.DataFrame({
        "account_id": places.map("0123456789abcdef0123456789abcdef-{:07d}".format), "churn_risk": 1 / (places + 1),
        "risk_rank": places, "risk_band": "low", "plan": "team", "segment": "retail", "size_band": "6-20 seats",
        "seats": 12.0, "mrr": 1234.56, "expected_loss": 1234.56 / (places + 1), "mature_categories": 3,
        "milestone": "utilization", "scored_by": "model", "tenure_days": 412.4, "setup_on": pd.Timestamp("2024-01-01"),
        "activated_on": pd.Timestamp("2024-02-01"), "utilized": True,
        "next_step": places.map("Start with feature {}: support is mature from 2 features, 0 in use".format),
    } | levels)  # fmt: skip


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


def test_gaps_in_mrr_are_shown_or_said_to_be_missing(make_summary: Callable[..., Summary], summary: Summary) -> None:
    worth = (GapWorth("macros", 1200, 7, 90_000.4, 2_500.0, 4.2, 1_000.0, 700.0, 1_300.0),)
    page = " ".join("".join(parse(quick_page_of(make_summary(worth=worth))).text).split())
    assert "macros1,200 (7 not counted: MRR or risk unknown)90,0002,500+4.21,000 (700 to 1,300)" in page
    assert "the figures do not add up" in page
    assert "Not computed: it takes accounts with an MRR" in quick_page_of(make_summary())
    unkept = tuple(replace(row, verdict=Verdict.INCONCLUSIVE) for row in summary.evidence)
    assert "No feature is kept, so there is no gap" in quick_page_of(make_summary(evidence=unkept, worth=worth))


def test_segments_and_simple_rules_are_shown_where_they_were_measured(
    make_summary: Callable[..., Summary], summary: Summary
) -> None:
    plain = quick_page_of(summary)
    assert "No simple rule was measured beside the models" in plain
    assert "Not measured in this run: the figures above are over all accounts" in plain
    segments = (SegmentFigures("plan", "team", 1200, 80, 0.71, 0.66, 0.77, 0.061, 0.067),
                SegmentFigures("plan", "solo", 40, 2, None, 0.0, 0.0, 0.05, 0.05))  # fmt: skip
    found = summary.results.evaluation
    assert found is not None
    ruled = replace(found, disjoint={**found.disjoint, "last_use": found.disjoint["base_rate"]}, segments=segments)
    page = quick_page_of(make_summary(evaluation=ruled))
    text = " ".join("".join(parse(page).text).split())
    assert "planteam1,200800.710 (0.660 to 0.770)6.1 %6.7 %" in text
    assert "plansolo402too few churned5.0 %5.0 %" in text
    assert "days since last use" in text
    assert "No simple rule was measured" not in text


def test_expectations_are_told_with_what_the_data_say(summary: Summary, make_summary: Callable[..., Summary]) -> None:
    assert summary.hypotheses == (("confirmed", ("macros",)),)
    rows = tuple(
        replace(row, hypothesis={"macros": "contradicted", "tags": "open", "themes": "open"}.get(row.feature, ""))
        for row in summary.evidence
    )
    text = " ".join("".join(parse(quick_page_of(make_summary(evidence=rows))).text).split())
    assert "contradicted (1)macroscannot tell yet (2)tags, themes" in text
    none = tuple(replace(row, hypothesis="") for row in rows)
    assert "What was expected" not in quick_page_of(make_summary(evidence=none))


def test_milestones_without_a_definition_are_named() -> None:
    funnel = pd.DataFrame({"milestone": ["setup", "activation", "maturity"], "share": [float("nan"), 0.4, 0.0]})
    assert undefined(funnel) == ["setup"]


def test_cells() -> None:
    assert cut("x" * 10_000) == "x" * LONGEST_TEXT + "… (10,000 characters)"
    assert cut("a\u202eb\x00") == "ab�"
    assert [p_value(value) for value in (0.0341, 0.0004, float("nan"))] == ["0.034", "< 0.001", "–"]
