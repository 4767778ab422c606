"""Model bundles: everything scoring needs, as text with a manifest of hashes; loading one runs no code.

    folder/CURRENT            which run is in use, with the sha256 of its manifest, and those in use before it
    folder/CHALLENGER         in the same way the run that waits to be promoted, where there is one
    folder/<run>/manifest.json    model_id and the sha256 of every other file
    folder/<run>/signals.json  calibrator.json  metrics.json  booster.txt | logistic.json

The hashes find damage. Against a bundle made with intent there is no pickle to run, and every number is checked.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milepost import __version__
from milepost.data.publish import clear_left, lock, refused, write_atomic
from milepost.errors import BundleError
from milepost.signals.spec import Signal
from milepost.training.booster_text import check_booster
from milepost.training.calibrate import Calibrator
from milepost.training.logistic import Logistic, Scaler
from milepost.training.model import BOOSTING, LOGISTIC, ChurnModel
from milepost.training.season import Season

FORMAT = 1
LARGEST = 200_000_000
CHAMPION, CHALLENGER = "CURRENT", "CHALLENGER"
KEPT_EARLIER = 20
MODEL_FILE = {BOOSTING: "booster.txt", LOGISTIC: "logistic.json"}
SAFE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}$")


@dataclass(frozen=True)
class Pointer:
    """The run a pointer names, the sha256 of its manifest, and the runs that were named before, oldest first."""

    run: str
    manifest: str
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True)
class SavedBundle:
    """Where a bundle lies, and the id that scores carry: a hash of the model alone, not of its figures."""

    path: Path
    model_id: str


def save_bundle(
    folder: Path, run: str, model: ChurnModel, extra: Mapping[str, Any], pointer: str = CHAMPION
) -> SavedBundle:
    """Write `folder`/`run` as one unit and point CURRENT at it, or CHALLENGER; `extra` comes back from `load_bundle`.

    Raises LockHeld when another process saves here, EnvironmentFault when the disk or the permissions say no.
    """
    _check_name(run)
    files = {**_model_files(model), "metrics.json": _dump(_finite(dict(extra)))}
    model_id = _model_id(files)
    about = {"format": FORMAT, "kind": model.kind, "milepost": __version__, "model_id": model_id}
    files["manifest.json"] = _manifest({**about, "files": {name: _sha256(data) for name, data in files.items()}})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with lock(folder):
            _write_folder(folder / run, files)
            _point(folder, pointer, run, _sha256(files["manifest.json"]))
    except OSError as error:
        raise refused(error, str(folder)) from None
    return SavedBundle(folder / run, model_id)


def promote(folder: Path) -> None:
    """Point CURRENT at the run that CHALLENGER names. Raises BundleError when there is none or it is damaged."""
    load_bundle(folder, CHALLENGER)
    with lock(folder):
        found = _read_pointer(folder, CHALLENGER)
        _point(folder, CHAMPION, found.run, found.manifest)
        (folder / CHALLENGER).unlink()


def roll_back(folder: Path) -> None:
    """Point CURRENT at the run that was in use before. Raises BundleError when there is none or it is damaged."""
    now = _read_pointer(folder, CHAMPION)
    if not now.earlier:
        raise BundleError("no model was in use before this one", where=str(folder), fix="train, then promote")
    run = now.earlier[-1]
    load_bundle(folder / run)
    with lock(folder):
        _write_pointer(folder, CHAMPION, Pointer(run, _sha256(_read(folder / run, "manifest.json")), now.earlier[:-1]))


def model_in_use(folder: Path, pointer: str = CHAMPION) -> str:
    """The id of the model that CURRENT, or CHALLENGER, names; "" where there is none.

    Raises BundleError when it is damaged.
    """
    return str(load_bundle(folder, pointer)[1]["model_id"]) if (folder / pointer).exists() else ""


def load_bundle(folder: Path, pointer: str = CHAMPION) -> tuple[ChurnModel, dict[str, Any]]:
    """The model and what was saved beside it, with `model_id`, `kind` and `milepost` (the version that saved it).

    `folder` is a bundle, or a folder of bundles whose CURRENT (or another pointer) names one. Every hash is checked
    before anything is parsed. Raises BundleError for whatever is damaged, missing, unexpected, or of another format.
    """
    source, expected = _source(folder, pointer)
    raw = _read(source, "manifest.json")
    if expected and _sha256(raw) != expected:
        raise _damaged(source, "manifest.json is not the one CURRENT names")
    manifest = _read_manifest(raw, source)
    files = _read_files(source, manifest)
    try:
        model = _model(manifest, files)
        metrics = json.loads(files["metrics.json"])
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError):
        raise _damaged(source, "its files do not hold a model") from None
    return model, {**metrics, **{name: manifest[name] for name in ("model_id", "kind", "milepost")}}


def refuse_misfit(about: Mapping[str, Any], in_use: Mapping[str, Any], where: str) -> None:
    """Raise BundleError when a model was trained for other windows than those in use; `about` is what lies beside it.

    Its signals would be counted over other days, and its outcome would be another one.
    """
    trained = about.get("windows")
    fix = "run 'milepost train' again"
    if not isinstance(trained, Mapping):
        raise BundleError("the model does not say which windows it was trained for", where=where, fix=fix)
    other = [f"{key} {trained.get(key)}, now {value}" for key, value in in_use.items() if trained.get(key) != value]
    if other:
        raise BundleError(f"the model was trained for {'; '.join(other)}", where=where,
                          fix=f"{fix}, or set them back")  # fmt: skip


# -- writing


def _point(folder: Path, pointer: str, run: str, manifest: str) -> None:
    """Name a run as the one in use, remembering the one before it; or as the challenger."""
    earlier: tuple[str, ...] = ()
    if pointer == CHAMPION and (folder / CHAMPION).exists():
        try:
            before = _read_pointer(folder, CHAMPION)
            earlier = (*(one for one in before.earlier if one != run), *(() if before.run == run else (before.run,)))
        except BundleError:
            earlier = ()  # a damaged pointer is replaced by a whole one
    _write_pointer(folder, pointer, Pointer(run, manifest, earlier[-KEPT_EARLIER:]))


def _write_pointer(folder: Path, pointer: str, found: Pointer) -> None:
    content = _manifest({"run": found.run, "manifest": found.manifest, "earlier": list(found.earlier)})
    write_atomic(folder / pointer, lambda path: path.write_bytes(content))


def _model_files(model: ChurnModel) -> dict[str, bytes]:
    content = model.booster.encode() if model.kind == BOOSTING else _dump(_logistic_json(model.logistic))
    calibrator = model.calibrator
    arrays = {"x": calibrator.x.tolist(), "y": calibrator.y.tolist()}
    return {
        MODEL_FILE[model.kind]: content,
        "calibrator.json": _dump({**asdict(calibrator), **arrays, "base_rate": model.base_rate}),
        "signals.json": _dump({"format": FORMAT, "signals": [asdict(signal) for signal in model.signals]}),
    }


def _logistic_json(model: Logistic | None) -> dict[str, Any]:
    if model is None:
        raise BundleError("a logistic model without its coefficients cannot be saved")
    scaler = {name: getattr(model.scaler, name).tolist() for name in Scaler.__dataclass_fields__}
    return {**scaler, "coefficients": model.coefficients.tolist(), "intercept": model.intercept}


def _model_id(files: Mapping[str, bytes]) -> str:
    parts = "".join(f"{name} {_sha256(files[name])}\n" for name in sorted(files) if name != "metrics.json")
    return _sha256(parts.encode())[:12]


def _manifest(content: dict[str, Any]) -> bytes:
    return _dump({**content, "content": _sha256(_dump(content))})


def _dump(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _finite(value: Any) -> Any:
    """JSON-ready: NaN and infinity become null, NumPy numbers plain ones."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def _write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """All files or none: written aside, flushed to the disk, then renamed."""
    clear_left(target.parent, target.parent)
    aside = target.with_name(f"{target.name}.tmp")
    aside.mkdir()
    try:
        for name, data in files.items():
            with (aside / name).open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        if target.exists():
            shutil.rmtree(target)
        os.rename(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


# -- reading


def _source(folder: Path, pointer: str) -> tuple[Path, str]:
    """The bundle's folder and the sha256 of its manifest, "" when no pointer says it."""
    if not (folder / pointer).exists():
        if (folder / "manifest.json").exists():
            return folder, ""
        what = "no model has been saved here yet" if pointer == CHAMPION else "no model waits to be promoted"
        raise BundleError(what, where=str(folder), fix="run 'milepost train'")
    found = _read_pointer(folder, pointer)
    return folder / found.run, found.manifest


def _read_pointer(folder: Path, pointer: str) -> Pointer:
    try:
        raw = _read(folder, pointer)
        saved = {key: value for key, value in json.loads(raw).items() if key != "content"}
        found = Pointer(str(saved["run"]), str(saved["manifest"]), tuple(map(str, saved["earlier"])))
        if _manifest(saved) != raw:
            raise ValueError(pointer)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise _damaged(folder, f"{pointer} cannot be read") from None
    for run in (found.run, *found.earlier):
        _check_name(run)
    if not found.manifest or (folder / found.run).is_symlink():
        raise _damaged(folder, f"{pointer} points at something that is no bundle")
    return found


def _read_manifest(raw: bytes, source: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(raw)
        content = {key: value for key, value in manifest.items() if key != "content"}
        whole = _manifest(content) == raw
        names = {"format", "kind", "milepost", "model_id", "files"}
    except (AttributeError, TypeError, ValueError, RecursionError):
        raise _damaged(source, "manifest.json cannot be read") from None
    if not whole or set(content) != names or not isinstance(content["files"], dict):
        raise _damaged(source, "manifest.json is not as it was written")
    if content["format"] != FORMAT:
        raise _other_format(source, content["format"])
    return content


def _read_files(source: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Every file of the bundle, its hash checked; nothing has been parsed yet."""
    wanted = {MODEL_FILE.get(str(manifest["kind"]), ""), "calibrator.json", "signals.json", "metrics.json"}
    if set(manifest["files"]) != wanted:
        raise _damaged(source, "the manifest lists other files than a model has")
    if unexpected := {path.name for path in source.iterdir()} - wanted - {"manifest.json"}:
        raise _damaged(source, f"unexpected file {sorted(unexpected)[0]!r}")
    files = {name: _read(source, name) for name in sorted(wanted)}
    for name, data in files.items():
        if _sha256(data) != manifest["files"][name]:
            raise _damaged(source, f"{name} is damaged: its sha256 differs")
    if _model_id(files) != manifest["model_id"]:
        raise _damaged(source, "the model's id does not fit its files")
    return files


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise _damaged(folder, f"{name} is missing or no plain file")
    if path.stat().st_size > LARGEST:
        raise _damaged(folder, f"{name} is larger than {LARGEST // 1_000_000} MB")
    return path.read_bytes()


def _model(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> ChurnModel:
    declared = json.loads(files["signals.json"])
    if declared["format"] != FORMAT:
        raise _other_format(Path("signals.json"), declared["format"])
    signals = tuple(Signal(**signal) for signal in declared["signals"])
    saved = json.loads(files["calibrator.json"])
    base_rate = _number(saved.pop("base_rate"))
    calibrator = _calibrator(saved)
    if manifest["kind"] == LOGISTIC:
        logistic = _logistic(json.loads(files["logistic.json"]), len(signals))
        return ChurnModel(LOGISTIC, signals, calibrator, base_rate, logistic=logistic)
    text = files["booster.txt"].decode("ascii")
    check_booster(text, len(signals))
    return ChurnModel(BOOSTING, signals, calibrator, base_rate, booster=text)


def _calibrator(saved: Mapping[str, Any]) -> Calibrator:
    x, y = _floats(saved["x"]), _floats(saved["y"])
    season = Season(**{name: _number(value) for name, value in saved.get("season", {}).items()})
    found = Calibrator(str(saved["kind"]), _number(saved["slope"]), _number(saved["intercept"]), x, y, season)
    isotonic = found.kind == "isotonic" and len(x) == len(y) > 0 and bool((np.diff(x) >= 0).all())
    if not (isotonic or (found.kind == "platt" and not len(x))) or not ((y >= 0) & (y <= 1)).all():
        raise ValueError(found.kind)
    return found


def _logistic(saved: Mapping[str, Any], columns: int) -> Logistic:
    flags = {name: np.array(saved[name], dtype=np.bool_) for name in ("logged", "flagged")}
    numbers = {name: _floats(saved[name]).astype(np.float32) for name in ("medians", "means", "scales")}
    if any(part.shape != (columns,) for part in (*flags.values(), *numbers.values())) or (numbers["scales"] <= 0).any():
        raise ValueError(columns)
    coefficients = _floats(saved["coefficients"])
    if coefficients.shape != (columns + int(flags["flagged"].sum()),):
        raise ValueError(columns)
    scaler = Scaler(flags["logged"], numbers["medians"], numbers["means"], numbers["scales"], flags["flagged"])
    return Logistic(scaler, coefficients, _number(saved["intercept"]))


def _floats(values: Any) -> NDArray[np.float64]:
    found = np.array(values, dtype=np.float64)
    if not np.isfinite(found).all():
        raise ValueError("not finite")
    return found


def _number(value: Any) -> float:
    return float(_floats(value))


def _check_name(run: str) -> None:
    if not SAFE_NAME.match(run) or ".." in run:
        raise BundleError("the name of a bundle leaves its folder", expected="letters, digits, '-', '_' and '.'")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _damaged(source: Path, what: str) -> BundleError:
    return BundleError(what, where=str(source), fix="train again, or restore the bundle from where it was made")


def _other_format(source: Path, found: object) -> BundleError:
    return BundleError(
        f"it has signal format {str(found)[:20]}",
        where=str(source),
        expected=f"format {FORMAT}",
        fix="train again with this version",
    )
