"""Writing that a reader never sees half done: lock, write aside, fsync, rename, then point CURRENT at it.

    folder/versions/<run>.tmp/  →  folder/versions/<run>/  →  folder/CURRENT  →  folder/<name> (links for people)

Readers follow CURRENT, which lists the sha256 of every file; the links beside it are for opening by hand.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from milepost.errors import ContractError, EnvironmentFault, LockHeld

KEPT_VERSIONS = 3
# the path leads to no folder that can hold files, such as /proc
_NO_PLACE = (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")
# a spreadsheet runs a cell that begins with one of these, full-width forms included
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file aside and move it into place; on any failure the old one stays and nothing else is left.

    Raises EnvironmentFault when the disk or the permissions say no.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _environment(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def publish(
    folder: Path, run: str, write: Callable[[Path], object], hashes: Mapping[str, str] = MappingProxyType({})
) -> Path:
    """Publish what `write` puts into the folder it is given as one version; returns the version's folder.

    `hashes` has the sha256 of files that are the same ones as in an earlier version and were checked there.
    Raises LockHeld when another process publishes here, EnvironmentFault when the disk or the permissions say no.
    """
    with holding(folder), _environment(folder):
        versions = folder / "versions"
        versions.mkdir(exist_ok=True)
        clear_left(folder, versions)
        run = _free_name(versions, run)
        written = _write_aside(versions, run, write, hashes)
        manifest = json.dumps({"run": run, "files": written}, indent=1)
        gone = _named_before(folder) - set(written)
        write_atomic(folder / "CURRENT", lambda path: path.write_text(manifest, encoding="utf-8"))
        _link_for_people(folder, versions / run, list(written))
        for name in gone:
            (folder / Path(name).name).unlink(missing_ok=True)
        _forget_old(versions, run)
    return versions / run


def _named_before(folder: Path) -> set[str]:
    """The files of the version so far, none where there is none."""
    try:
        return set(_read_current(folder)[1])
    except ContractError:
        return set()


def _write_aside(versions: Path, run: str, write: Callable[[Path], object], known: Mapping[str, str]) -> dict[str, str]:
    """Write a version under another name, sync it and rename it; on any failure nothing of it stays."""
    aside = versions / f"{run}.tmp"
    aside.mkdir()
    try:
        write(aside)
        hashes = {path.name: known.get(path.name) or sha256(path) for path in sorted(aside.iterdir())}
        for path in [*aside.iterdir(), aside]:
            _sync(path)
        os.rename(aside, versions / run)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _sync(versions)
    return hashes


def clear_left(folder: Path, versions: Path) -> None:
    """Remove what processes that died left half written: folders in `versions`, files in `folder`; the lock is held."""
    for left in versions.glob("*.tmp"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
    for left in folder.glob(".*.tmp"):
        process = left.name.split(".")[-2]
        if process.isdigit() and not _is_running(int(process)):
            left.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _free_name(versions: Path, run: str) -> str:
    """The run's name, numbered when that version is there already: what readers may hold is never replaced."""
    names = [run, *(f"{run}-{number}" for number in range(2, 1000))]
    return next(name for name in names if not (versions / name).exists())


def current(folder: Path, only: Sequence[str] | None = None) -> Path:
    """The version CURRENT names, every file checked against its hash; with `only` the content of these alone.

    Raises ContractError when nothing is published or a file is damaged, missing or unexpected.
    """
    return published(folder, only)[0]


def published(folder: Path, only: Sequence[str] | None = None) -> tuple[Path, dict[str, str]]:
    """As `current`, with the sha256 of every file."""
    while True:
        named = _read_current(folder)
        try:
            return _checked(folder, *named, only), named[1]
        except (ContractError, FileNotFoundError):
            # a reader that is overtaken by writers begins anew
            if _read_current(folder) == named:
                raise


def _read_current(folder: Path) -> tuple[str, dict[str, str]]:
    try:
        manifest = json.loads((folder / "CURRENT").read_text(encoding="utf-8"))
        return str(manifest["run"]), dict(manifest["files"])
    except FileNotFoundError:
        raise ContractError("nothing is published here yet", where=str(folder)) from None
    except (ValueError, KeyError, TypeError):
        raise ContractError("CURRENT is damaged", where=str(folder), fix="publish again") from None


def _checked(folder: Path, run: str, files: dict[str, str], only: Sequence[str] | None) -> Path:
    source = folder / "versions" / Path(run).name
    found = {path.name for path in source.iterdir()} if source.is_dir() else set()
    if found != set(files):
        raise ContractError(f"version {run} is not complete", where=str(folder), fix="publish again")
    for name, expected in files.items():
        if only is not None and name not in only:
            continue
        if (source / name).is_symlink() or sha256(source / name) != expected:
            raise ContractError(f"{name} is damaged: its sha256 differs", where=str(folder), fix="publish again")
    return source


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the holder's process id stands in the file. Raises LockHeld when it is taken."""
    with _environment(folder):
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise LockHeld(
                f"process {holder} is writing here", where=str(folder), fix="wait for it, or stop it"
            ) from None
        with _environment(folder):
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Make a folder and hold its lock. Raises LockHeld, and EnvironmentFault when it cannot be made."""
    with _environment(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        yield


def sha256(path: Path) -> str:
    """Hash of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def spreadsheet_safe(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an apostrophe before text that a spreadsheet would run as a formula; numbers stay numbers."""
    safe = frame.copy()
    for name in safe.columns:
        if pd.api.types.is_string_dtype(safe[name]) or safe[name].dtype == object:
            safe[name] = safe[name].map(_safe_cell)
    return safe.rename(columns=_safe_cell)


def _safe_cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


@contextmanager
def _environment(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refused(error, str(path)) from None


def refused(error: OSError, where: str) -> EnvironmentFault:
    """What the machine said to an attempt to write, with what to do about it."""
    reason = (error.strerror or "input/output error").lower()
    # numpy says how much of an array was written, and no number of an error
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or _CUT_SHORT.fullmatch(str(error)):
        return EnvironmentFault("no space left on the disk", where=where, fix="free some space")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return EnvironmentFault(reason, where=where, fix="allow writing there, or choose another folder")
    if error.errno in _NO_PLACE:
        return EnvironmentFault(f"nothing can be written here ({reason})", where=where, fix="choose another folder")
    return EnvironmentFault(reason, where=where, fix="check the disk")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _link_for_people(folder: Path, target: Path, names: list[str]) -> None:
    """Give every file of the version a stable name beside CURRENT: a hard link, or a copy where links fail."""
    for name in names:
        aside = folder / f".{name}.{os.getpid()}.tmp"
        aside.unlink(missing_ok=True)
        try:
            try:
                os.link(target / name, aside)
            except OSError:
                shutil.copy2(target / name, aside)
            os.replace(aside, folder / name)
        finally:
            aside.unlink(missing_ok=True)


def _forget_old(versions: Path, run: str) -> None:
    """Keep the newest few versions; the current one always stays."""
    others = sorted((path for path in versions.iterdir() if path.name != run), key=lambda path: path.stat().st_mtime)
    for path in others[: max(0, len(others) - KEPT_VERSIONS + 1)]:
        with suppress(OSError):
            shutil.rmtree(path)
