"""The sentences on the page against the published tables: every figure is computed again from those, by other means."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from milepost.data.publish import current
from milepost.demo.simulate import simulate
from milepost.demo.world import World
from milepost.demo.write import write_demo

EXAMPLE = Path(__file__).parents[2] / "examples" / "crm5"


def run(milepost, folder):
    ran = milepost("run", "-c", folder / "milepost.toml", "--json")
    assert ran.exit_code == 0, ran.stderr
    return folder, json.loads(ran.stdout)


def larger(milepost, folder):
    """A product in which some features are kept."""
    write_demo(simulate(World(accounts=2000, months=16, seed=11, churned_share=0.15)), folder)
    return run(milepost, folder)


def crm5(milepost, folder):
    shutil.copytree(EXAMPLE, folder / "examples" / "crm5", ignore=shutil.ignore_patterns("out"))
    return run(milepost, folder / "examples" / "crm5")


@pytest.fixture(scope="module", params=[None, *(pytest.param(make, marks=pytest.mark.long) for make in (larger, crm5))])
def done(request, milepost, finished, tmp_path_factory):
    """A folder after `milepost run`, and the answer: the small product, in which nothing is kept, and two others."""
    return finished if request.param is None else request.param(milepost, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def said(done):
    """The five sentences, and the folder they are about."""
    folder, answer = done
    with open(answer["report"], encoding="utf-8") as page:
        part = re.search(r'<ol class="answer">(.*?)</ol>', page.read(), re.DOTALL)
    return [html.unescape(text) for text in re.findall(r"<li>(.*?)</li>", part.group(1), re.DOTALL)], folder


def numbers(text):
    """Every figure in a sentence as it is written, dates left out."""
    return set(re.findall(r"[+−]?\d[\d,]*(?:\.\d+)?", re.sub(r"\d{4}-\d\d-\d\d", "", text)))


def point(value):
    return f"{'+' if value > 0 else '−'}{abs(value):.1f}" if f"{abs(value):.1f}" != "0.0" else "0.0"


def test_the_features_that_mark_the_accounts_that_stay(said):
    sentence, ranking = said[0][0], pd.read_parquet(said[1] / "out" / "ranking" / "ranking.parquet").sort_values("rank")
    kept = ranking[ranking["verdict"] == "keep"]
    if kept.empty:
        unclear = (ranking["verdict"] == "inconclusive").sum()
        assert sentence.startswith(f"None of {len(ranking)} features was shown")
        assert numbers(sentence) == {str(len(ranking)), str(unclear)}
        return
    shown = kept.head(3)
    expected = {str(len(kept)), str(len(ranking))} | {point(value) for name in ("effect", "low", "high")
                                                     for value in shown[name]}  # fmt: skip
    assert numbers(sentence) == expected
    assert all(name in sentence for name in shown["feature"])


def test_who_is_about_to_leave(said):
    sentence, scores = said[0][2], pd.read_parquet(said[1] / "out" / "scores" / "scores.parquet")
    high = scores[scores["churn_risk"] >= 0.15]
    loss = (scores["churn_risk"] * scores["mrr"]).sum()
    amounts = (high["mrr"].sum(), scores["mrr"].sum(), loss)
    assert numbers(sentence) == {f"{len(high):,}", f"{len(scores):,}", "15", *(f"{value:,.0f}" for value in amounts)}


def test_how_good_the_model_is(said):
    sentence, folder = said[0][3], current(said[1] / "out" / "training")
    saved = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    models = saved[saved["headline"]]
    best = models[saved["champion"]]
    rates = {f"{100 * sum(saved['outcome']) / len(saved['outcome']):.1f}", f"{len(saved['outcome']):,}"}
    aucs = {f"{value:.3f}" for value in (best["roc_auc"], best["low"], best["high"], models["base_rate"]["roc_auc"])}
    losses = {f"{models[name]['log_loss']:.4f}" for name in (saved["champion"], "base_rate")}
    beside = {f"{models['logistic']['roc_auc']:.3f}"} if saved["champion"] != "logistic" else set()
    assert numbers(sentence) == rates | aucs | losses | beside | {f"{best['churned_accounts']:,}"}


def test_what_was_corrected(said):
    sentence, ranking = said[0][4], pd.read_parquet(said[1] / "out" / "ranking" / "ranking.parquet")
    first = ranking[ranking["naive_rank"].between(1, 15)].sort_values("naive_rank")
    out = first[first["verdict"] != "keep"]
    assert numbers(sentence) == {"15", str(len(out)), *(str(rank) for rank in out["naive_rank"].head(3))}


def test_how_far_accounts_are(said, done):
    sentence, maturity = said[0][1], done[1]["maturity"]
    if maturity["share_three_or_more"] is None:
        assert "is not given" in sentence
        return
    assert f"{100 * maturity['share_three_or_more']:.1f} %" in sentence


def test_the_gaps_in_mrr(said, done):
    """A row per kept feature, and no more retained than is expected to be lost."""
    with open(done[1]["report"], encoding="utf-8") as page:
        text = page.read()
    ranking = pd.read_parquet(said[1] / "out" / "ranking" / "ranking.parquet")
    kept = ranking[ranking["verdict"] == "keep"].sort_values("rank")
    if kept.empty:
        assert "No feature is kept, so there is no gap to put a figure on." in text
        return
    table = re.search(r'aria-label="Adoption gaps in MRR">(.*?)</table>', text, re.DOTALL).group(1)
    rows = [re.findall(r">([^<>]+)</t[hd]>", row) for row in table.split("<tr>")[2:]]
    assert [row[0] for row in rows] == kept["feature"].tolist()
    scores = pd.read_parquet(said[1] / "out" / "scores" / "scores.parquet")
    for row in rows:
        paid, lost = (float(cell.replace(",", "")) for cell in row[2:4])
        worth, low, high = (float(cell.replace(",", "")) for cell in re.findall(r"[\d,]+", row[5]))
        assert 0 < low <= worth <= high <= lost <= paid <= scores["mrr"].sum() + 1
