from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from milepost import bundle
from milepost.bundle import CHALLENGER, load_bundle, model_in_use, promote, roll_back, save_bundle
from milepost.data.publish import lock
from milepost.errors import BundleError, EnvironmentFault, LockHeld
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.training.boosting import fit_boosting
from milepost.training.calibrate import Calibrator
from milepost.training.logistic import fit_logistic
from milepost.training.model import ChurnModel
from milepost.training.season import Season

SIGNALS = tuple(Signal(name, name, "count", 84, "day", "uses", name) for name in ("=cmd()", 'ügly, "name"\n', "c"))
EXTRA = {"young_risk": 0.07, "metrics": {"roc_auc": 0.8, "low": float("nan")}, "typical": {"c": np.float32(0.5)}}


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    values = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    values[::5, 2] = np.nan
    rows = pd.DataFrame({"account_id": np.arange(500).astype(str), "snapshot_date": pd.Timestamp(0)})
    return Matrix(values, rows, SIGNALS, "")


@pytest.fixture(scope="module")
def models(matrix: Matrix) -> dict[str, ChurnModel]:
    churned = (matrix.values[:, 0] + np.random.default_rng(1).normal(size=500) > 1).astype(np.float64)
    booster = fit_boosting(matrix.values, churned, seed=1, threads=1, rounds=5).text
    platt = Calibrator("platt", 1.1, -0.3, season=Season(0.02, 0.1, -0.2))
    isotonic = Calibrator("isotonic", x=np.array([-2.0, 0.1, 3.0]), y=np.array([0.01, 1 / 3, 0.9]))
    return {
        "boosting": ChurnModel("boosting", SIGNALS, platt, 0.2, booster=booster),
        "logistic": ChurnModel("logistic", SIGNALS, isotonic, 0.2, logistic=fit_logistic(matrix.values, churned)[-1]),
    }


@pytest.fixture(params=["boosting", "logistic"])
def model(request: pytest.FixtureRequest, models: dict[str, ChurnModel]) -> ChurnModel:
    return models[request.param]


def rewrite(folder: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Change files of a bundle and put every hash right, as somebody would who means harm."""
    names = [path.name for path in folder.iterdir() if path.name != "manifest.json"]
    files = {name: (folder / name).read_bytes() for name in names}
    about = json.loads((folder / "manifest.json").read_bytes())
    change(files)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    del about["content"]
    about |= {"files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}
    about["model_id"] = bundle._model_id(files)
    (folder / "manifest.json").write_bytes(bundle._manifest(about))


def test_a_bundle_from_before_there_were_seasons_knows_none(tmp_path: Path, models: dict[str, ChurnModel]) -> None:
    def forget(files: dict[str, bytes]) -> None:
        saved = json.loads(files["calibrator.json"])
        assert saved.pop("season") == {"shift": 0.02, "sine": 0.1, "cosine": -0.2}
        files["calibrator.json"] = json.dumps(saved).encode()

    folder = save_bundle(tmp_path, "run-1", models["boosting"], EXTRA).path
    rewrite(folder, forget)
    loaded, _ = load_bundle(folder)
    assert loaded.calibrator.season == Season()


def test_a_model_comes_back_byte_for_byte_with_what_was_saved_beside_it(
    tmp_path: Path, model: ChurnModel, matrix: Matrix
) -> None:
    saved = save_bundle(tmp_path, "run-1", model, EXTRA)
    loaded, about = load_bundle(tmp_path)
    assert loaded.signals == SIGNALS
    assert loaded.predict(matrix).tobytes() == model.predict(matrix).tobytes()
    assert loaded.contributions(matrix).tobytes() == model.contributions(matrix).tobytes()
    assert about["model_id"] == saved.model_id
    assert about["metrics"] == {"roc_auc": 0.8, "low": None}
    assert (about["young_risk"], about["typical"], about["kind"]) == (0.07, {"c": 0.5}, model.kind)
    assert load_bundle(saved.path)[1] == about


def test_current_names_the_last_one_saved_and_the_id_depends_on_the_model_alone(
    tmp_path: Path, models: dict[str, ChurnModel]
) -> None:
    first = save_bundle(tmp_path, "run-1", models["boosting"], {})
    second = save_bundle(tmp_path, "run-2", models["boosting"], EXTRA)
    third = save_bundle(tmp_path, "run-3", models["logistic"], {})
    assert first.model_id == second.model_id != third.model_id
    assert load_bundle(tmp_path)[0].kind == "logistic"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["run-1", "run-2", "run-3"]


@pytest.mark.promise("own artefacts damaged: found before use", cases=240)
def test_every_flipped_bit_and_every_cut_is_found(tmp_path: Path, model: ChurnModel) -> None:
    saved = save_bundle(tmp_path, "run", model, EXTRA)
    random, found = np.random.default_rng(11), 0
    for path in [*saved.path.iterdir(), tmp_path / "CURRENT"]:
        whole = path.read_bytes()
        for place in random.integers(0, len(whole), 20):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << int(random.integers(0, 8))
            for damaged in (bytes(flipped), whole[:place]):
                path.write_bytes(damaged)
                with pytest.raises(BundleError):
                    load_bundle(tmp_path)
                found += 1
        path.write_bytes(whole)
    load_bundle(tmp_path)
    assert found == 240


def test_damage_to_a_manifest_is_found_without_current(tmp_path: Path, models: dict[str, ChurnModel]) -> None:
    saved = save_bundle(tmp_path, "run", models["logistic"], EXTRA)
    manifest = saved.path / "manifest.json"
    whole = manifest.read_bytes()
    for place in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        manifest.write_bytes(bytes(flipped))
        with pytest.raises(BundleError):
            load_bundle(saved.path)


class Bomb:
    """Writes a marker when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[Path, str]]:
        return Path.write_text, (self.marker, "ran")


def _array(bomb: Bomb) -> bytes:
    made = io.BytesIO()
    np.save(made, np.array([bomb], dtype=object), allow_pickle=True)
    return made.getvalue()


def _archive(bomb: Bomb) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(bomb))
        archive.writestr("../../escaped.txt", "out of the folder")
    return made.getvalue()


HOSTILE: dict[str, Callable[[Bomb], bytes]] = {
    "pickle": pickle.dumps,
    "pickle as text": lambda bomb: pickle.dumps(bomb, protocol=0),
    "numpy objects": _array,
    "archive": _archive,
    "python": lambda bomb: f"__import__('pathlib').Path({str(bomb.marker)!r}).write_text('ran')\n".encode(),
    "yaml": lambda bomb: f"!!python/object/apply:pathlib.Path.write_text [{bomb.marker}, ran]\n".encode(),
}
HOSTS = [("boosting", name) for name in ("booster.txt", "signals.json", "calibrator.json", "metrics.json")]
HOSTS.append(("logistic", "logistic.json"))


@pytest.mark.promise("hostile bundles run no code", cases=1)
@pytest.mark.parametrize("payload", HOSTILE)
@pytest.mark.parametrize(("kind", "name"), HOSTS)
def test_code_in_a_bundle_with_right_hashes_never_runs(
    tmp_path: Path, models: dict[str, ChurnModel], kind: str, name: str, payload: str
) -> None:
    """Thirty bundles, each whole by its manifest, each with something in it that would run if anything ran it."""
    marker = tmp_path / "marker"
    folder = save_bundle(tmp_path / "models", "run", models[kind], {}).path
    assert (folder / name).exists()
    rewrite(folder, lambda files: files.update({name: HOSTILE[payload](Bomb(marker))}))
    with pytest.raises(BundleError):
        load_bundle(folder)
    assert not marker.exists()
    assert not list(tmp_path.rglob("escaped.txt"))


def test_a_pickle_beside_the_files_of_a_bundle_never_runs(tmp_path: Path, models: dict[str, ChurnModel]) -> None:
    marker = tmp_path / "marker"
    folder = save_bundle(tmp_path / "models", "run", models["boosting"], {}).path
    rewrite(folder, lambda files: files.update({"extra.pkl": pickle.dumps(Bomb(marker))}))
    with pytest.raises(BundleError):
        load_bundle(folder)
    assert not marker.exists()


def test_links_unexpected_files_and_names_that_leave_the_folder_are_refused(
    tmp_path: Path, models: dict[str, ChurnModel]
) -> None:
    folder = save_bundle(tmp_path, "run", models["boosting"], {}).path
    (folder / "notes.txt").write_text("hello")
    with pytest.raises(BundleError, match=r"unexpected file 'notes\.txt'"):
        load_bundle(tmp_path)
    (folder / "notes.txt").unlink()
    real = (folder / "signals.json").rename(tmp_path / "elsewhere.json")
    (folder / "signals.json").symlink_to(real)
    with pytest.raises(BundleError, match=r"signals\.json is missing or no plain file"):
        load_bundle(tmp_path)
    for run in ("../run", "a/b", "..", "", "-x", ".hidden"):
        with pytest.raises(BundleError, match="leaves its folder"):
            save_bundle(tmp_path, run, models["boosting"], {})
    pointer = bundle._manifest({"run": "../other", "manifest": "0", "earlier": []})
    (tmp_path / "CURRENT").write_bytes(pointer)
    with pytest.raises(BundleError, match="leaves its folder"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("signals.json", b'"format": 1', b'"format": 2', "signal format 2; expected format 1"),
        ("booster.txt", b"left_child=", b"left_child=0 ", "the booster cannot be used"),
        ("calibrator.json", b'"slope": 1.1', b'"slope": NaN', "do not hold a model"),
        ("calibrator.json", b'"kind": "platt"', b'"kind": "eval"', "do not hold a model"),
        ("signals.json", b'"measure"', b'"mesure"', "do not hold a model"),
        ("metrics.json", b"{", b"[" * 200_000, "do not hold a model"),
    ],
)
def test_content_that_cannot_be_is_refused_even_with_right_hashes(
    tmp_path: Path, models: dict[str, ChurnModel], name: str, old: bytes, new: bytes, message: str
) -> None:
    folder = save_bundle(tmp_path, "run", models["boosting"], {}).path

    def change(files: dict[str, bytes]) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    rewrite(folder, change)
    with pytest.raises(BundleError, match=message):
        load_bundle(folder)


def test_nothing_saved_yet_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no model has been saved here yet.*run 'milepost train'"):
        load_bundle(tmp_path)


def test_a_failure_while_writing_leaves_the_old_model_in_use_and_nothing_behind(
    tmp_path: Path, models: dict[str, ChurnModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_bundle(tmp_path, "run-1", models["boosting"], {})

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle.os, "fsync", full)
    with pytest.raises(EnvironmentFault, match="no space left"):
        save_bundle(tmp_path, "run-2", models["logistic"], {})
    monkeypatch.undo()
    assert load_bundle(tmp_path)[0].kind == "boosting"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["run-1"]


def test_a_folder_in_use_by_another_is_refused(tmp_path: Path, models: dict[str, ChurnModel]) -> None:
    with lock(tmp_path), pytest.raises(LockHeld):
        save_bundle(tmp_path, "run", models["boosting"], {})


def test_a_challenger_waits_until_it_is_promoted_and_can_be_taken_back(
    tmp_path: Path, models: dict[str, ChurnModel]
) -> None:
    first = save_bundle(tmp_path, "one", models["boosting"], {})
    second = save_bundle(tmp_path, "two", models["logistic"], {}, CHALLENGER)
    assert model_in_use(tmp_path) == first.model_id
    assert model_in_use(tmp_path, CHALLENGER) == second.model_id
    promote(tmp_path)
    assert model_in_use(tmp_path) == second.model_id
    assert model_in_use(tmp_path, CHALLENGER) == ""
    with pytest.raises(BundleError, match="no model waits to be promoted"):
        promote(tmp_path)
    roll_back(tmp_path)
    assert model_in_use(tmp_path) == first.model_id
    with pytest.raises(BundleError, match="no model was in use before this one"):
        roll_back(tmp_path)


def test_a_damaged_bundle_is_neither_promoted_nor_returned_to(tmp_path: Path, models: dict[str, ChurnModel]) -> None:
    save_bundle(tmp_path, "one", models["boosting"], {})
    save_bundle(tmp_path, "two", models["boosting"], {})
    waiting = save_bundle(tmp_path, "three", models["logistic"], {}, CHALLENGER)
    for path, act in ((waiting.path, promote), (tmp_path / "one", roll_back)):
        (path / "signals.json").write_text("{}")
        with pytest.raises(BundleError, match=r"signals\.json is damaged"):
            act(tmp_path)
        assert json.loads((tmp_path / "CURRENT").read_bytes())["run"] == "two"


def test_only_so_many_earlier_models_are_remembered(
    tmp_path: Path, models: dict[str, ChurnModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "KEPT_EARLIER", 2)
    for run in ("a", "b", "c", "d", "c"):
        save_bundle(tmp_path, run, models["boosting"], {})
    assert json.loads((tmp_path / "CURRENT").read_bytes())["earlier"] == ["b", "d"]
