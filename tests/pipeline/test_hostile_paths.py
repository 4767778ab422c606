"""Output paths that leave the project's folder are refused before anything is read or written."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from milepost.errors import SettingsError
from milepost.pipeline.job import open_job

NOW = datetime(2024, 7, 1, 9)
FORMS: dict[str, Callable[[Path], str]] = {
    "above the folder": lambda elsewhere: "../../x",
    "down and above": lambda elsewhere: "out/../../x",
    "absolute": lambda elsewhere: str(elsewhere / "x"),
    "through a link": lambda elsewhere: "link/x",
    "home": lambda elsewhere: "~/x",
    "NUL": lambda elsewhere: "out\0/x",
}
KEYS = ("output", "models", "mlruns", "framework", "experiments", "sink")


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.promise("output paths outside the declared folders are refused", cases=1)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", KEYS)
def test_an_output_path_outside_is_refused_and_nothing_is_written(
    tmp_path: Path, product: Path, key: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder, elsewhere = tmp_path / "deep" / "project", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "out").mkdir(parents=True)
    (folder / "link").symlink_to(elsewhere)
    place = json.dumps(FORMS[form](elsewhere))
    section = f"[project]\n{key} = {place}\n"
    if key == "sink":
        section = f'[[scoring.sinks]]\nkind = "duckdb"\npath = {place}\n'
    (folder / "milepost.toml").write_text((product / "milepost.toml").read_text(encoding="utf-8") + section)
    before = everything(tmp_path)
    with pytest.raises(SettingsError, match=r"leaves the project's folder|begins with ~|cannot be followed") as caught:
        open_job(folder / "milepost.toml", NOW, None, lambda line: None)
    assert caught.value.exit_code == 2
    assert len(caught.value.line.splitlines()) == 1
    assert everything(tmp_path) == before


def test_a_circle_of_links_is_refused(product: Path) -> None:
    (product / "one").symlink_to(product / "two")
    (product / "two").symlink_to(product / "one")
    settings = (product / "milepost.toml").read_text(encoding="utf-8")
    (product / "milepost.toml").write_text(settings + '[project]\noutput = "one/x"\n')
    with pytest.raises(SettingsError, match=r"'one/x' cannot be followed"):
        open_job(product / "milepost.toml", NOW, None, lambda line: None)


def test_the_same_keys_inside_the_folder_are_taken(product: Path) -> None:
    # the refusals above are about the place, not about the key
    named = "".join(f'{key} = "own/{key}"\n' for key in KEYS[:-1])
    sink = '[[scoring.sinks]]\nkind = "duckdb"\npath = "own/x.duckdb"\n'
    settings = (product / "milepost.toml").read_text(encoding="utf-8")
    (product / "milepost.toml").write_text(f"{settings}{sink}[project]\n{named}")
    assert open_job(product / "milepost.toml", NOW, None, lambda line: None).settings.output == product / "own/output"
