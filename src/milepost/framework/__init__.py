"""framework.toml: the versioned file that says what the milestones are, with its evidence; people read and edit it."""

from milepost.framework.compare import Change, changes
from milepost.framework.merge import merge
from milepost.framework.proven import Proven, with_proven
from milepost.framework.read import from_toml, text_in
from milepost.framework.rules import (
    ActivationRule,
    AreaRule,
    Framework,
    Override,
    Rule,
    Rules,
    SetupRule,
    Table,
    UtilizationRule,
    as_derived,
    definition_of,
    interval,
    is_weak,
    overrides,
    rules_of,
    with_tables,
)
from milepost.framework.text import in_between, in_words, proven_text, quoted, to_toml

__all__ = [
    "ActivationRule",
    "AreaRule",
    "Change",
    "Framework",
    "Override",
    "Proven",
    "Rule",
    "Rules",
    "SetupRule",
    "Table",
    "UtilizationRule",
    "as_derived",
    "changes",
    "definition_of",
    "from_toml",
    "in_between",
    "in_words",
    "interval",
    "is_weak",
    "merge",
    "overrides",
    "proven_text",
    "quoted",
    "rules_of",
    "text_in",
    "to_toml",
    "with_proven",
    "with_tables",
]
