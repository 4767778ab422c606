from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest

from milepost.pipeline.first_sight import NameSeen
from milepost.pipeline.propose_catalogue import catalogue_csv, propose_features, value_candidates, words_of
from milepost.signals.catalogue import read_catalogue


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("report_exported", ("report", "export")), ("ReportExported", ("report", "export")),
        ("export report v2", ("export", "report")), ("reports.exported.3", ("report", "export")),
        ("deal_won", ("deal", "win")), ("access_viewed", ("access", "view")), ("42", ()), ("bus", ("bus",)),
    ],
)  # fmt: skip
def test_words(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == words


def test_alike_names_are_one_feature_and_others_are_not() -> None:
    names = ["report_exported", "ReportExported", "export report v2", "report_viewed", "search", "create_search"]
    found = propose_features([NameSeen(name, 10 - place) for place, name in enumerate(names)], 0)
    assert [feature.names for feature in found] == [
        tuple(names[:3]),
        ("report_viewed",),
        ("search",),
        ("create_search",),
    ]
    assert [feature.rows for feature in found] == [10 + 9 + 8, 7, 6, 5]
    assert [feature.category for feature in found] == ["report", "report", "search", "search"]


def test_names_of_digits_or_signs_stay_apart() -> None:
    found = propose_features([NameSeen("1", 3), NameSeen("2", 2), NameSeen("!!", 1)], 0)
    assert [feature.names for feature in found] == [("1",), ("2",), ("!!",)]


def steps(*seen: NameSeen, newcomers: int = 100) -> dict[str, int]:
    return {f.names[0]: f.setup_step for f in propose_features(seen, newcomers) if f.setup_step is not None}


def test_setup_is_done_once_and_soon_by_many() -> None:
    once = NameSeen("widget_placed", 80, accounts=0.8, uses=1, first_day=6)
    sooner = NameSeen("email_connected", 90, accounts=0.9, uses=2, first_day=2)  # a word of setting up: twice will do
    assert steps(once, sooner) == {"email_connected": 1, "widget_placed": 2}
    for other in (
        NameSeen("macro_applied", 80, accounts=0.8, uses=2, first_day=6),  # repeated
        NameSeen("teammate_invited", 80, accounts=0.8, uses=16, first_day=6),  # repeated, whatever its name
        NameSeen("plan_upgraded", 80, accounts=0.8, uses=1, first_day=60),  # late
        NameSeen("domain_verified", 80, accounts=0.05, uses=1, first_day=3),  # by few
        NameSeen("unknown", 80),  # nobody begins within the data
    ):
        assert steps(other) == {}
    assert steps(once, newcomers=19) == {}  # too few to tell


def test_value_events_are_offered_by_what_they_sound_like() -> None:
    names = ["page_viewed", "conversation_resolved", "deal_won", "search"]
    assert value_candidates(propose_features([NameSeen(name, 1) for name in names], 0)) == names[1:3]


def test_the_text_is_a_catalogue(tmp_path: Path) -> None:
    seen = [NameSeen("a, b", 1), NameSeen("c|d", 3), NameSeen(" padded", 2), NameSeen("file_imported", 1200, 0.5, 1, 3)]
    text = catalogue_csv(propose_features(seen, 50))
    rows = list(csv.DictReader(StringIO(text)))
    assert [(row["feature"], row["setup_step"]) for row in rows] == [("a, b", ""), ("file_imported", "1")]
    assert rows[1]["description"] == "1,200 uses in the events; setup step guessed: soon and hardly more than once"
    (tmp_path / "features.csv").write_text(text, encoding="utf-8")
    assert read_catalogue(tmp_path / "features.csv")[1].setup_step == 1
