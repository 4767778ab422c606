"""An experiment of the demo on disk: its tables, settings that run as they are, its plan, and the truth apart."""

from __future__ import annotations

import json
from pathlib import Path

from milepost.demo.experiment_worlds import END, HELP, START, SUPPORT, UNTIL, ExperimentWorld
from milepost.demo.write import arrow, catalogue_text, parquet
from milepost.errors import EnvironmentFault

TABLES = ("accounts", "subscriptions", "events", "conversations", "surveys")
SETTINGS = """\
# An experiment of a product that does not exist, simulated with known effects: they stand in truth/, which nothing
# reads. The plan stands in experiments/{name}/plan.toml. Every path is relative to the folder of this file.

[project]
name = "{name}"

[data]
complete_until = {until}
value_events = ["conversation_resolved"]
segment = "segment"

[tables.accounts]
path = "data/accounts.parquet"
immutable = ["region", "source"]
"""
_TABLE = '\n[tables.{name}]\npath = "data/{name}.parquet"\n'
_ENROLMENT = f"""
[eligibility.where]
source = ["self_serve"]

[enrolment]
start = {START}
end = {END}
per_day = PER_DAY
"""
_HELP = (
    f"""\
name = "{HELP}"
question = "Does help inside the product do anything for new accounts, or do keen accounts read help?"
salt = "help-content-2024"
features = ["help_content"]
"""
    + _ENROLMENT.replace("PER_DAY", "143")
    + """
[exposure]
event = "help_link_shown"
days = 28

[[arm]]
name = "help"
control = true

[[arm]]
name = "no_help"
change = "taking help away"
without = true

[[metric]]
name = "activated"
label = "activation by day 28"
role = "primary"
kind = "conversion"
measure = "active"
events = ["conversation_resolved"]
window_days = 28
smallest_effect = 0.05

[[metric]]
name = "questions"
label = "questions to support"
role = "secondary"
kind = "count"
measure = "conversations"
window_days = 28
better = "lower"
smallest_effect = 0.2

[[metric]]
name = "paid_day_28"
label = "paid conversion by day 28"
role = "secondary"
kind = "conversion"
measure = "paid"
window_days = 28
smallest_effect = 0.03

[[metric]]
name = "paid_day_90"
label = "paid conversion by day 90"
role = "long_run"
kind = "conversion"
measure = "paid"
window_days = 90
smallest_effect = 0.04

[[metric]]
name = "satisfaction"
role = "guardrail"
kind = "mean"
measure = "survey"
survey = "csat"
window_days = 28
margin = 0.25

[[metric]]
name = "help_links"
label = "help links seen"
role = "delivery"
kind = "count"
measure = "events"
events = ["help_link_shown"]
expected = "lower"
window_days = 28

[[hypothesis]]
name = "activation"
metric = "activated"
direction = "lower"
because = "accounts that read help activate 2.5 times as often"

[[hypothesis]]
name = "deflection"
metric = "questions"
direction = "higher"
because = "without help people have to ask"

[[hypothesis]]
name = "early_payment"
metric = "paid_day_28"
direction = "lower"
because = "what does not activate does not pay"

[[hypothesis]]
name = "long_run"
metric = "paid_day_90"
direction = "lower"
because = "the difference in activation reaches payment later"

[analysis]
segments = ["region"]

[decision]
by = ["paid_day_90"]
"""
)
_SUPPORT = (
    f"""\
name = "{SUPPORT}"
question = "Is support in real time worth what it costs?"
salt = "real-time-support-2024"
"""
    + _ENROLMENT.replace("PER_DAY", "429")
    + """
[exposure]
days = 112

[[arm]]
name = "in_hours"
control = true

[[arm]]
name = "real_time"
change = "support in real time"

[[metric]]
name = "questions"
label = "questions to support"
role = "secondary"
kind = "count"
measure = "conversations"
window_days = 112
smallest_effect = 0.1

[[metric]]
name = "trials"
label = "trials started"
role = "primary"
kind = "conversion"
measure = "active"
events = ["trial_started"]
window_days = 112
smallest_effect = 0.02

[[metric]]
name = "revenue"
label = "revenue"
role = "primary"
kind = "mean"
measure = "revenue"
window_days = 112
smallest_effect = 3

[[metric]]
name = "satisfaction"
role = "guardrail"
kind = "mean"
measure = "survey"
survey = "csat"
window_days = 112
margin = 0.1

[[metric]]
name = "loyalty"
role = "exploratory"
kind = "mean"
measure = "survey"
survey = "nps"
window_days = 112

[[metric]]
name = "first_reply_minutes"
label = "minutes to the first reply"
role = "delivery"
kind = "quantile"
measure = "first_reply_minutes"
expected = "lower"
window_days = 112

[[hypothesis]]
name = "asking"
metric = "questions"
direction = "higher"

[[hypothesis]]
name = "trying"
metric = "trials"
direction = "higher"

[[hypothesis]]
name = "paying"
metric = "revenue"
direction = "higher"

[analysis]
segments = ["region"]
underpowered_because = "revenue differs so much between accounts that no affordable number shows 15 %"

[costs]
value = "revenue"
unit = "questions"

[costs.per_unit]
in_hours = 1.5
real_time = 4.0
"""
)
PLANS = {HELP: _HELP, SUPPORT: _SUPPORT}


def write_experiment(world: ExperimentWorld, folder: Path) -> None:
    """Write data/*.parquet, features.csv, milepost.toml and truth/truth.json; the plan is written by who locks it.

    Raises EnvironmentFault when the disk says no.
    """
    try:
        for part in ("data", "truth"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            parquet(arrow(getattr(world, name)), folder / "data" / f"{name}.parquet")
        (folder / "truth" / "truth.json").write_text(json.dumps(world.truth, indent=2) + "\n", encoding="utf-8")
        (folder / "features.csv").write_text(catalogue_text(world.catalogue), encoding="utf-8")
        (folder / "milepost.toml").write_text(settings_of(world.kind), encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write the demo: {error.strerror or error}", where=str(folder), fix="choose another folder"
        ) from None


def settings_of(kind: str) -> str:
    """milepost.toml of one of the experiments."""
    return SETTINGS.format(name=kind, until=UNTIL) + "".join(_TABLE.format(name=name) for name in TABLES[1:])
