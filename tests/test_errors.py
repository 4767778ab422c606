"""One line per error: what, where, what to do."""

import pytest

from milepost import errors


def test_the_parts_stand_in_one_order():
    error = errors.ContractError("column 'x' is missing", where="events.csv", expected="text", fix="map it")
    assert error.line == "error[TABLE] events.csv: column 'x' is missing; expected text; map it"


def test_a_long_line_is_cut_below_300_characters_and_stays_one_line():
    error = errors.SettingsError("a\nb " * 200, where="milepost.toml")
    assert len(error.line) < 300
    assert "\n" not in error.line
    assert error.line.endswith("…")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.MilepostError, 4), (errors.SettingsError, 2), (errors.ContractError, 2), (errors.CatalogueError, 2),
        (errors.FrameworkError, 2), (errors.BundleError, 2), (errors.NotEnoughData, 2), (errors.EnvironmentFault, 3),
        (errors.LockHeld, 3), (errors.GateFailed, 1),
    ],
)  # fmt: skip
def test_exit_codes(kind, code):
    assert kind("x").exit_code == code


def test_nearest_names_one_two_or_all():
    assert errors.nearest("exprt", ["export", "import", "login"]) == "did you mean 'export'?"
    assert errors.nearest("zzz", ["a", "b"]) == "one of 'a', 'b'"
    assert errors.nearest("zzz", [str(number) for number in range(20)]).endswith("'7' …")
