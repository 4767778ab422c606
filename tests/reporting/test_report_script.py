"""The page in Debian's chromium: no error, no request, no fault for assistive technology; what can be clicked works."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.reporting.page import render
from milepost.reporting.summary import Results, Summary

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent


def page_module() -> Any:
    """test_page, for its hostile texts and the page poisoned with them."""
    name = "milepost_test_page"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / "test_page.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


class Told:
    """A page of a browser with everything it complained about or asked for."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.path = page, path
        self.lines: list[str] = []
        page.on("console", lambda message: self.lines.append(message.text))
        page.on("pageerror", lambda error: self.lines.append(str(error)))
        page.on("dialog", lambda dialog: (self.lines.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: self.lines.append(request.url) if request.url != path.as_uri() else None)

    def show(self, text: str) -> Any:
        self.path.write_text(text, encoding="utf-8")
        self.page.goto(self.path.as_uri())
        return self.page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Told]]:
    """A page of a width and a colour scheme; nothing may have been told when the test is over."""
    told: list[Told] = []

    def make(width: int = 1440, scheme: str = "light") -> Told:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        told.append(Told(context.new_page(), tmp_path / "report.html"))
        return told[-1]

    yield make
    assert [line for one in told for line in one.lines] == []
    for one in told:
        one.page.context.close()


def accounts() -> pd.DataFrame:
    """120 accounts: the risk falls, MRR rises, two plans, three milestones, a route for every third."""
    place = np.arange(1, 121)
    reason = "Raises the risk: uses of macros a day observed, last 84 days: 0 (retained accounts usually 1.2)"
    return pd.DataFrame({
        "account_id": [f"acct-{n:04d}" for n in place], "snapshot_date": pd.Timestamp("2024-07-01"),
        "churn_risk": 0.6 / place, "risk_rank": place, "risk_band": np.where(place <= 4, "high", "low"),
        "expected_loss": 60.0, "plan": np.where(place % 2, "team", "solo"), "seats": 5.0, "mrr": 100.0 * place,
        "segment": np.where(place % 2, "retail", "health"), "tenure_days": 400.0, "level_automation": "mature",
        "mature_categories": 1, "milestone": np.array(["setup", "utilization", "maturity"])[place % 3],
        "route": np.where(place % 3, None, "serve"), "reason_1": reason, "next_step": "Start with 'macros'",
        "next_step_because": "Retention differs by +1.9 points (+1.3 to +2.5), an association.",
        "scored_by": "model",
    })  # fmt: skip


def first(page: Any) -> str:
    return str(page.inner_text("#accounts-table tbody tr:first-child th"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_opens_and_fits(summary: Summary, opened: Callable[..., Told], width: int, scheme: str) -> None:
    page = opened(width, scheme).show(page_module().page_of(summary))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 23, 26)" if scheme == "dark" else "rgb(246, 247, 248)")


def test_search_filters_and_sorting(make_summary: Callable[..., Summary], opened: Callable[..., Told]) -> None:
    page = opened().show(page_module().quick_page_of(make_summary(scores=accounts())))
    told = "#accounts-told"
    assert page.inner_text(told) == "120 of 120 accounts match, 50 shown"
    page.click("#accounts-more")
    assert page.inner_text(told) == "120 of 120 accounts match, 100 shown"
    page.fill("#accounts-filter", "ACCT-0003")
    assert (page.inner_text(told), first(page)) == ("1 of 120 accounts match, 1 shown", "acct-0003")
    page.fill("#accounts-filter", "uses of macros")  # a reason
    assert page.inner_text(told) == "120 of 120 accounts match, 50 shown"
    page.fill("#accounts-filter", "")
    for field, value, count in (("band", "high", 4), ("plan", "solo", 60), ("segment", "health", 60),
                                ("milestone", "maturity", 40)):  # fmt: skip
        page.select_option(f"#accounts-{field}", value)
        assert page.inner_text(told).startswith(f"{count} of 120"), field
        page.select_option(f"#accounts-{field}", "")
    page.select_option("#accounts-plan", "solo")
    page.select_option("#accounts-band", "high")
    assert page.inner_text(told) == "2 of 120 accounts match, 2 shown"  # acct-0002 and acct-0004
    page.select_option("#accounts-plan", "")
    page.select_option("#accounts-band", "")
    page.click("#accounts-table th[data-field=mrr] button")
    assert first(page) == "acct-0120"
    page.click("#accounts-table th[data-field=mrr] button")
    assert first(page) == "acct-0001"
    assert page.get_attribute("#accounts-table th[data-field=mrr]", "aria-sort") == "ascending"
    page.select_option("#accounts-route", "serve")
    assert page.inner_text(told) == "40 of 120 accounts match, 40 shown"
    page = opened().show(page_module().quick_page_of(make_summary(scores=accounts().assign(route=None, plan="team"))))
    for field in ("route", "plan"):  # there is nothing to choose from
        assert page.locator(f"#accounts-{field}").is_hidden(), field
    assert page.locator("#accounts-band").is_visible()


def test_the_card_by_keyboard(make_summary: Callable[..., Summary], opened: Callable[..., Told]) -> None:
    page = opened(390).show(page_module().quick_page_of(make_summary(scores=accounts())))
    page.focus("#accounts-table tbody tr:nth-child(3) button")
    page.keyboard.press("Enter")
    card = page.inner_text("#account-card")
    for said in ("acct-0003", "20.0 %, high (no. 3)", "300 MRR; expected loss 60", "team, retail", "400 days",
                 "automation mature", "serve", "▲ uses of macros a day observed, last 84 days: 0",
                 "Start with 'macros'", "+1.9 points (+1.3 to +2.5)"):  # fmt: skip
        assert said in card, said
    assert page.evaluate("document.activeElement.id") == "account-close"
    page.keyboard.press("Escape")
    assert not page.is_visible("#account-card")
    assert page.evaluate("document.activeElement.textContent") == "acct-0003"  # back where one was


def test_hostile_names_stay_text(make_summary: Callable[..., Summary], opened: Callable[..., Told]) -> None:
    """Every text in every place, with the card opened: nothing runs and nothing is asked for."""
    told = opened(390)
    for text in page_module().HOSTILE:
        page = told.show(page_module().quick_page_of(page_module().poisoned(make_summary, text)))
        page.evaluate("document.querySelector('#accounts-table tbody button').click()")
        assert page.evaluate("document.querySelectorAll('#account-content *').length") > 10
        assert page.evaluate("document.querySelectorAll('main img, main iframe, main object, main form').length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_the_first_accounts_are_there(
    make_summary: Callable[..., Summary], chromium: Any, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page_module().quick_page_of(make_summary(scores=accounts())), encoding="utf-8")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("#accounts-table tbody tr").count() == 50
    assert page.locator("#accounts-tools").is_hidden()
    context.close()


def test_it_prints_without_what_only_a_screen_needs(summary: Summary, opened: Callable[..., Told]) -> None:
    page = opened(1440, "dark").show(page_module().page_of(summary))
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in ("nav", "#accounts-tools", "#accounts-more"):
        assert not page.is_visible(hidden), hidden
    assert len(page.pdf()) > 20_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(make_summary: Callable[..., Summary], opened: Callable[..., Told], scheme: str) -> None:
    """axe-core's rules, with a card open and without: no fault of any weight, contrast among them."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core is not installed (pip install axe-playwright-python)")
    axe = (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    page = opened(1440, scheme).show(page_module().page_of(make_summary(scores=accounts())))
    for card in (False, True):
        if card:
            page.click("#accounts-table tbody tr:first-child button")
        page.evaluate(axe)
        answer = page.evaluate("axe.run()")
        assert "color-contrast" in {rule["id"] for rule in answer["passes"]}  # the rules did run
        faults = [(fault["id"], fault["impact"], fault["nodes"][0]["html"][:200]) for fault in answer["violations"]]
        assert faults == []


def test_an_empty_page_opens_too(make_summary: Callable[..., Summary], opened: Callable[..., Told]) -> None:
    empty = make_summary(**dict.fromkeys(("evidence", "maturity", "evaluation", "scores")))
    assert isinstance(empty.results, Results)
    page = opened().show(render(empty, {}))
    assert "Not computed in this run" in page.inner_text("main")
