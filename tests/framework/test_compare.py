"""What differs between two frameworks."""

from __future__ import annotations

from dataclasses import replace

from milepost.framework import Change, changes


def test_nothing_differs_but_evidence(framework, make_category):
    other = replace(
        framework,
        version=9,
        activation=replace(framework.activation, because="else"),
        categories=(make_category(features=("bots", "inbox"), effect=9.0), framework.categories[1]),
    )
    assert changes(framework, other) == ()


def test_every_difference_in_the_order_of_the_file(framework, make_category):
    other = replace(
        framework,
        setup=None,
        activation=replace(framework.activation, count=8),
        utilization=replace(framework.utilization, metric="reports", threshold=None),
        categories=(framework.categories[0], make_category("voice", ("calls",), 1)),
    )
    assert changes(framework, other) == (
        Change("setup", "steps", ("invite", "import", "connect"), ()),
        Change("setup", "needed", 2, None),
        Change("setup", "within_days", 28, None),
        Change("activation", "count", 5, 8),
        Change("utilization", "metric", "conversations resolved", "reports"),
        Change("utilization", "threshold", 3.5, None),
        Change("category mail", "features", ("rules", "lists"), ()),
        Change("category voice", "features", (), ("calls",)),
        Change("category voice", "cut", None, 1),
    )


def test_a_table_that_came_stands_where_the_file_has_it(make):
    both = changes(make(setup=None, areas=()), make(categories=()))
    assert list(dict.fromkeys(change.where for change in both)) == [
        "setup", "area reporting", "category chat", "category mail"
    ]  # fmt: skip
