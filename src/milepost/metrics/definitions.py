"""What every metric means, in the words that `milepost metrics explain` prints."""

from __future__ import annotations

from dataclasses import dataclass

from milepost.errors import InputError, nearest


@dataclass(frozen=True)
class Definition:
    """name; unit: share, MRR or accounts; text: the definition; interval: how it is made, or why there is none."""

    name: str
    unit: str
    text: str
    interval: str


_GRACE = "An account that left less than the grace days before the date may still come back: it is `undecided` and "
_JACKKNIFE = "delete-one-account jackknife with Student's t on the "
_EXACT = "none: it is counted, not estimated"


def _line(name: str, text: str) -> Definition:
    return Definition(name, "MRR", text, _EXACT)


def _wait(metric: str, unit: str, what: str, share: str) -> Definition:
    words = "Median" if share == "median" else "90th percentile of the"
    clock = "within the hours of [team]" if metric.endswith("_working") else "by the clock"
    text = (
        f"{words} time from opening to {what}, {clock}, of conversations opened in the period that have had it by "
        "its end. Those that still wait are `undecided` and left out: many of them make the figure too favourable."
    )
    return Definition(
        f"{metric}_{share}", unit, text, "95 %, by account: Woodruff's, from the interval of the share up to it"
    )


_ALL = (
    Definition(
        "logo_retention", "share",
        "Accounts with a subscription running at both dates, divided by the accounts running at the first. "
        + _GRACE + "stands on neither side.", "95 %, Wilson",
    ),
    Definition(
        "gross_revenue_retention", "share",
        "Of the MRR at the first date, the part still there at the second: per account the smaller of the two, so "
        "that growth of one account hides no loss of another. New accounts do not count. " + _GRACE + "is left out.",
        f"95 %, by account: {_JACKKNIFE}logit scale",
    ),
    Definition(
        "net_revenue_retention", "share",
        "MRR at the second date of the accounts running at the first, divided by their MRR at the first; growth "
        "counts, new accounts do not. " + _GRACE + "is left out.", f"95 %, by account: {_JACKKNIFE}log scale",
    ),
    Definition(
        "renewal_rate", "share",
        "Of the base item's terms that came to their end in the period, the share after which the account went on: "
        "something runs on, or starts again within the grace days. A term that was replaced before its end (an "
        "upgrade) is not due. By billing period: the months of the term.",
        f"95 %: Wilson where no account is due twice, else {_JACKKNIFE}logit scale",
    ),
    Definition(
        "cohort_retention", "share",
        "Kaplan-Meier share of the accounts created in the same month that have not churned so many months after "
        "their first subscription began. Accounts still running, or gone for less than the grace days, are censored; "
        "a month with too few accounts still watched is left empty.",
        "95 %, on the complementary log-log scale",
    ),
    _line("mrr_opening", "MRR just before midnight of the first date, summed over items."),
    _line("mrr_new", "MRR at the second date of accounts whose first subscription began in the period."),
    _line("mrr_reactivated", "MRR at the second date of accounts that had churned before the period and came back."),
    _line("mrr_resumed", "MRR at the second date of accounts that came back from a pause within the grace days."),
    _line("mrr_expanded", "Growth of accounts running at both dates that pay more."),
    _line("mrr_contracted", "Loss, below zero, of accounts running at both dates that pay less."),
    _line("mrr_paused", "Loss, below zero, of accounts that left less than the grace days before the second date."),
    _line("mrr_churned", "Loss, below zero, of accounts that left and have not come back within the grace days."),
    _line("mrr_closing", "MRR just before midnight of the second date: opening plus the lines between, to the cent."),
    Definition("conversations_opened", "conversations", "Opened in the period.", _EXACT),
    Definition("conversations_resolved", "conversations", "Resolved in the period, whenever opened.", _EXACT),
    Definition("backlog", "conversations", "Opened before the second date and not resolved by then.", _EXACT),
    *(
        _wait(f"{metric}{clock}", unit, what, share)
        for metric, unit, what in (("first_reply_minutes", "minutes", "first reply"),
                                   ("resolution_hours", "hours", "resolution"))
        for clock in ("", "_working") for share in ("median", "p90")
    ),
    Definition(
        "hours_uncovered", "hours", "Hours of the day (0 to 24, in the time zone of [team]) in which accounts opened "
        "conversations in the period and fewer than one first reply was given for every ten of them. Hour by hour: "
        "hours.csv.", _EXACT,
    ),
    Definition(
        "one_touch_share", "share", "Conversations resolved in the period with exactly one reply, divided by those "
        "resolved whose number of replies is known.", f"95 %, by account: {_JACKKNIFE}logit scale",
    ),
    Definition(
        "reopened_share", "share", "Conversations resolved in the period that had been opened again at least once, "
        "divided by those resolved of which that is known.", f"95 %, by account: {_JACKKNIFE}logit scale",
    ),
    Definition(
        "satisfaction_mean", "rating", "Mean of the ratings given in the period. Few answer: read it beside "
        "satisfaction_response_rate.", f"95 %, by account: {_JACKKNIFE}log scale",
    ),
    Definition(
        "satisfaction_response_rate", "share", "Conversations resolved in the period that were rated by its end, "
        "divided by those resolved.", f"95 %, by account: {_JACKKNIFE}logit scale",
    ),
    Definition(
        "reply_quality_mean", "score", "Mean quality score of conversations resolved in the period that have one.",
        f"95 %, by account: {_JACKKNIFE}log scale",
    ),
    Definition(
        "conversations_per_account", "conversations", "Opened in the period by accounts running at its end, divided by "
        "these accounts.", f"95 %, by account: {_JACKKNIFE}log scale",
    ),
    Definition(
        "conversations_per_seat", "conversations", "Opened in the period by accounts running at its end that have "
        "seats, divided by these seats.", f"95 %, by account: {_JACKKNIFE}log scale",
    ),
    Definition(
        "help_reach", "share", "Of the accounts running at the end of the period, those with a read_event of [help] "
        "in it.", "95 %, Wilson",
    ),
    Definition(
        "help_followed_share", "share", "Days on which an account read help and then opened a conversation within 24 "
        "hours of the first view, divided by all days on which an account read help. Days whose 24 hours are not over "
        "are `undecided`.", f"95 %, by account: {_JACKKNIFE}logit scale",
    ),
    Definition(
        "self_served_share", "share", "Of all needs for help, those without a person: days on which an account read "
        "help and asked nobody within 24 hours, divided by these days and all conversations opened. Reading out of "
        "interest counts as a need: compare dates and segments rather than the level.",
        f"95 %, by account: {_JACKKNIFE}logit scale",
    ),
    Definition(
        "contacts_avoided_per_help_view", "conversations", "An assumption, not a measurement: days on which an account "
        "read help and asked nobody within 24 hours, times would_ask of [help] (the share of them on which it would "
        "have asked without help), divided by the views on the days known. An experiment that takes help away measures "
        "it.", f"95 %, by account, the assumption taken as true: {_JACKKNIFE}log scale",
    ),
    Definition(
        "help_searches_without_click_share", "share", "Days on which an account searched help and neither opened what "
        "it found nor read help, divided by the days on which it searched.",
        f"95 %, by account: {_JACKKNIFE}logit scale",
    ),
    Definition(
        "help_searches_followed_share", "share", "Days on which an account searched help and opened a conversation "
        "within 24 hours, divided by the days on which it searched. Days whose 24 hours are not over are `undecided`.",
        f"95 %, by account: {_JACKKNIFE}logit scale",
    ),
)  # fmt: skip
DEFINITIONS = {definition.name: definition for definition in _ALL}


def explain(name: str) -> Definition:
    """The definition of a metric. Raises InputError with the nearest right name."""
    if name not in DEFINITIONS:
        raise InputError(f"no metric '{name}'", fix=nearest(name, DEFINITIONS))
    return DEFINITIONS[name]
