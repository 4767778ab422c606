"""The report's contents as plain frozen data: nothing is drawn, written or looked up here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd

from milepost.adoption import Adoption
from milepost.data.contract import Finding, RowCount
from milepost.importance.evidence import FeatureEvidence
from milepost.importance.worth import GapWorth
from milepost.maturity.categories import Maturity
from milepost.maturity.curves import Curve, CurvePoint
from milepost.milestones.definitions import Milestones
from milepost.reporting.metric_data import MetricsPart
from milepost.settings import Settings
from milepost.terms import ACCOUNT, RiskBand, Verdict
from milepost.training.results import Evaluation

SHOWN_ACCOUNTS = 50  # without scripts; with them the page shows as many as fit, see account_pack


@dataclass(frozen=True)
class Choices:
    """The settings that the page names: the benchmark band, the length of lists, the cuts, the outcome window."""

    band_low: float = 0.10
    band_high: float = 0.90
    top_k: int = 15
    mature_categories: int = 3
    elevated_from: float = 0.05
    high_from: float = 0.15
    observation_days: int = 84
    gap_days: int = 14
    outcome_days: int = 56

    @classmethod
    def of(cls, settings: Settings) -> Choices:
        """The choices made in milepost.toml."""
        adoption, scoring, windows = settings.adoption, settings.scoring, settings.windows
        return cls(
            adoption.low, adoption.high, settings.ranking.top_k, settings.maturity.mature_categories,
            scoring.elevated_from, scoring.high_from, windows.observation_days, windows.gap_days, windows.outcome_days,
        )  # fmt: skip


@dataclass(frozen=True)
class DataPart:
    """What went in: row accounting, findings, fingerprint of the tables, and the size of the matrix made of them."""

    row_counts: tuple[RowCount, ...] = ()
    findings: tuple[Finding, ...] = ()
    fingerprint: str = ""
    matrix_rows: int = 0
    signals: int = 0
    snapshots: int = 0


@dataclass(frozen=True)
class Plainly:
    """The rows with a known outcome, and the accounts running at the scored date.

    retained: None where no outcome is known. running: frame account_id, plan, seats, mrr, tenure_days,
    days_since_last_use, days_to_term_end, features_used; features: how many the catalogue has.
    """

    retained: CurvePoint | None
    running: pd.DataFrame
    features: int


@dataclass(frozen=True)
class Results:
    """What was computed; None where it could not be.

    adoption: shown in place of the ranking where that could not be made.
    metrics: retention and support of the period up to the date.
    missing: one text each, "part: reason", where part is `ranking`, `maturity`, `milestones`, `model`, `scores`,
    `metrics` or free.
    alarms: leak alarms, printed above everything else. notes: what a reader of the ranking has to know.
    curves: retention by the number of kept features in use, per category; worth: the gaps of kept features in MRR.
    plainly: what can be said without a ranking or a model, where one of them is missing.
    """

    evidence: tuple[FeatureEvidence, ...] | None = None
    maturity: Maturity | None = None
    evaluation: Evaluation | None = None
    scores: pd.DataFrame | None = None
    adoption: tuple[Adoption, ...] = ()
    missing: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    milestones: Milestones | None = None
    curves: tuple[Curve, ...] = ()
    worth: tuple[GapWorth, ...] = ()
    plainly: Plainly | None = None
    metrics: MetricsPart | None = None


@dataclass(frozen=True)
class Versions:
    """Which software, framework, model and run made the page; "" or 0 where there is none."""

    milepost: str = ""
    framework: int = 0
    model_id: str = ""
    run_id: str = ""


@dataclass(frozen=True)
class Move:
    """A feature in the naive top list or the corrected one: where it stood, where it stands, and why."""

    feature: str
    naive_rank: int
    rank: int
    verdict: Verdict
    because: str

    @property
    def kept(self) -> bool:
        return self.verdict == Verdict.KEEP


@dataclass(frozen=True)
class AccountRow:
    """One account to act on; None where the data do not say. `levels`: (category, level) in the framework's order;
    milestone, next_step: "" for none known.
    """

    account_id: str
    risk: float
    band: str
    place: int
    plan: str
    seats: float | None
    mrr: float | None
    expected_loss: float | None
    levels: tuple[tuple[str, str], ...]
    mature_categories: int | None
    reasons: tuple[str, ...]
    scored_by: str
    milestone: str
    next_step: str


@dataclass(frozen=True)
class RiskTotals:
    """All scored accounts, counted by risk band; MRR is None where no account has one."""

    accounts: int
    by_band: dict[str, int]
    mrr: float | None
    mrr_high: float | None
    expected_loss: float | None

    @property
    def high(self) -> int:
        return self.by_band.get(RiskBand.HIGH, 0)


@dataclass(frozen=True)
class Summary:
    """Everything on the page.

    moves: features of the naive top list, in its order; entrants: kept features of the corrected top list that the
    naive one does not show. accounts: highest risk first, at most SHOWN_ACCOUNTS; `risk` counts all of them.
    """

    project: str
    as_of: date
    choices: Choices
    data: DataPart
    results: Results
    versions: Versions
    verdict_counts: tuple[tuple[Verdict, int], ...]
    moves: tuple[Move, ...]
    entrants: tuple[Move, ...]
    accounts: tuple[AccountRow, ...]
    risk: RiskTotals | None

    @property
    def evidence(self) -> tuple[FeatureEvidence, ...]:
        """The ranking in corrected order, empty when there is none."""
        return self.results.evidence or ()

    @property
    def kept(self) -> tuple[FeatureEvidence, ...]:
        return tuple(row for row in self.evidence if row.verdict == Verdict.KEEP)

    @property
    def outcome_window(self) -> tuple[date, date]:
        """First and last day on which an account counted as churned would end."""
        start = self.as_of + timedelta(days=self.choices.gap_days)
        return start, start + timedelta(days=self.choices.outcome_days - 1)

    @property
    def hypotheses(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What product people expected, and what the data say: (answer, features), only answers that there are."""
        answers = ("confirmed", "contradicted", "open")
        found = (
            (answer, tuple(row.feature for row in self.evidence if row.hypothesis == answer)) for answer in answers
        )
        return tuple((answer, features) for answer, features in found if features)

    def why_missing(self, part: str) -> str:
        """The reason given for a missing part, "" when none was given."""
        reasons = (text.partition(":") for text in self.results.missing)
        return next((reason.strip() for name, _, reason in reasons if name.strip() == part), "")


def build_summary(
    project: str, as_of: date, data: DataPart, results: Results, versions: Versions, choices: Choices | None = None
) -> Summary:
    """Arrange finished results for the page; counts and selections only, no estimates."""
    choices = choices or Choices()
    evidence = tuple(sorted(results.evidence or (), key=lambda row: row.rank))
    if results.evidence is not None:
        results = replace(results, evidence=evidence)
    moves, entrants = _moves(evidence, choices.top_k)
    scores = results.scores
    return Summary(
        project, as_of, choices, data, results, versions, _verdict_counts(evidence), moves, entrants,
        () if scores is None else _account_rows(scores), None if scores is None else _totals(scores),
    )  # fmt: skip


def _verdict_counts(evidence: tuple[FeatureEvidence, ...]) -> tuple[tuple[Verdict, int], ...]:
    counts = Counter(row.verdict for row in evidence)
    return tuple((verdict, counts[verdict]) for verdict in (Verdict.KEEP, *_other_verdicts()) if counts[verdict])


def _other_verdicts() -> list[Verdict]:
    return [verdict for verdict in Verdict if verdict != Verdict.KEEP]


def _moves(evidence: tuple[FeatureEvidence, ...], top_k: int) -> tuple[tuple[Move, ...], tuple[Move, ...]]:
    """Naive top list, and the kept features within the corrected top list that are not in it.

    A naive rank below 1 means that no forest was fitted: there is then no naive list.
    """
    ranked = sorted((row for row in evidence if row.naive_rank >= 1), key=lambda row: row.naive_rank)
    moves = tuple(_move(row) for row in ranked[:top_k])
    shown = {move.feature for move in moves}
    corrected = [row for row in evidence[:top_k] if row.verdict == Verdict.KEEP and row.feature not in shown]
    return moves, tuple(_move(row) for row in corrected) if moves else ()


def _move(row: FeatureEvidence) -> Move:
    return Move(row.feature, row.naive_rank, row.rank, row.verdict, row.because)


def _totals(scores: pd.DataFrame) -> RiskTotals:
    bands = {str(band): int(count) for band, count in scores["risk_band"].astype(str).value_counts().items()}
    high = scores[scores["risk_band"].astype(str) == RiskBand.HIGH.value]
    return RiskTotals(
        len(scores), bands, _sum(scores, "mrr"), _sum(high, "mrr") if _sum(scores, "mrr") is not None else None,
        _sum(scores, "expected_loss"),
    )  # fmt: skip


def _sum(frame: pd.DataFrame, column: str) -> float | None:
    """The sum of what is known; None for a column that is absent or wholly unknown (but 0 for no rows)."""
    if column not in frame or (len(frame) and bool(frame[column].isna().all())):
        return None
    return float(frame[column].sum())


def _account_rows(scores: pd.DataFrame) -> tuple[AccountRow, ...]:
    top = scores.sort_values(["risk_rank", ACCOUNT], kind="stable").head(SHOWN_ACCOUNTS)
    return tuple(_account_row({str(name): value for name, value in row.items()}) for row in top.to_dict("records"))


def _account_row(row: dict[str, object]) -> AccountRow:
    levels = tuple(
        (name.removeprefix("level_"), _text(value)) for name, value in row.items() if name.startswith("level_")
    )
    reasons = tuple(_text(row[name]) for name in sorted(row) if name.startswith("reason_") and _text(row[name]))
    mature = _number(row.get("mature_categories"))
    return AccountRow(
        _text(row[ACCOUNT]), float(str(row["churn_risk"])), _text(row["risk_band"]), int(str(row["risk_rank"])),
        _text(row.get("plan")), _number(row.get("seats")), _number(row.get("mrr")), _number(row.get("expected_loss")),
        levels, None if mature is None else int(mature), reasons, _text(row.get("scored_by")),
        _text(row.get("milestone")), _text(row.get("next_step")),
    )  # fmt: skip


def _text(value: object) -> str:
    return "" if value is None or bool(pd.isna(value)) else str(value)  # type: ignore[call-overload]


def _number(value: object) -> float | None:
    return None if value is None or bool(pd.isna(value)) else float(str(value))  # type: ignore[call-overload]
