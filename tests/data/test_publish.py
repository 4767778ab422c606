from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from milepost.data import publish as publishing
from milepost.data.publish import current, lock, publish, published, refused, sha256, spreadsheet_safe, write_atomic
from milepost.errors import ContractError, EnvironmentFault, LockHeld


def writer(text: str):  # type: ignore[no-untyped-def]
    def write(folder: Path) -> None:
        (folder / "a.txt").write_text(text)
        (folder / "b.txt").write_text(text * 2)

    return write


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.name.endswith(".tmp"))


def test_write_atomic_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_atomic(path, lambda aside: aside.write_text("one"))
    write_atomic(path, lambda aside: aside.write_text("two"))
    assert path.read_text() == "two"
    assert leftovers(tmp_path) == []


@pytest.mark.promise("disk full, I/O error, no permission at each write", cases=1)
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize(("number", "message"), [(errno.ENOSPC, "no space left on the disk"),
                                                 (errno.EIO, "input/output error"),
                                                 (errno.EACCES, "permission denied")])  # fmt: skip
def test_write_atomic_keeps_the_old_file_on_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, message: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    if step != "write":
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(EnvironmentFault, match=message) as caught:
        write_atomic(path, fail if step == "write" else lambda aside: aside.write_text("new"))
    assert caught.value.exit_code == 3
    assert path.read_text() == "old"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "fix"),
    [(errno.ENOSPC, "free some space"), (errno.EROFS, "allow writing there, or choose another folder"),
     (errno.ENOENT, "choose another folder"), (errno.ENOTDIR, "choose another folder"), (errno.EIO, "check the disk")],
)  # fmt: skip
def test_what_to_do_fits_what_the_machine_said(number: int, fix: str) -> None:
    fault = refused(OSError(number, os.strerror(number)), "out")
    assert (fault.where, fault.fix, fault.exit_code) == ("out", fix, 3)


def test_an_array_that_was_cut_short_had_no_room() -> None:
    fault = refused(OSError("1000000 requested and 131056 written"), "out")
    assert fault.what == "no space left on the disk"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_folder_that_can_hold_no_files_is_named() -> None:
    with pytest.raises(EnvironmentFault, match=r"/proc/milepost: nothing can be written here .*choose another"):
        publish(Path("/proc/milepost"), "r1", writer("one"))


def test_publish_and_read_back(tmp_path: Path) -> None:
    assert publish(tmp_path, "r1", writer("one")) == tmp_path / "versions" / "r1"
    assert (current(tmp_path) / "a.txt").read_text() == "one"
    assert (tmp_path / "b.txt").read_text() == "oneone"


def test_a_file_of_the_version_before_is_not_beside_current_any_longer(tmp_path: Path) -> None:
    publish(tmp_path, "r1", writer("old"))
    (tmp_path / "mine.txt").write_text("mine")
    publish(tmp_path, "r2", lambda target: (target / "a.txt").write_text("new"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "CURRENT", "a.txt", "mine.txt", "versions"]


def test_a_hash_that_is_known_is_taken_over_and_still_checked_by_readers(tmp_path: Path) -> None:
    known = hashlib.sha256(b"new").hexdigest()
    publish(tmp_path, "r1", lambda target: (target / "a.txt").write_text("new"), {"a.txt": known, "b.txt": "unused"})
    assert published(tmp_path) == (tmp_path / "versions" / "r1", {"a.txt": known})
    publish(tmp_path, "r2", lambda target: (target / "a.txt").write_text("other"), {"a.txt": known})
    with pytest.raises(ContractError, match=r"a\.txt is damaged"):
        current(tmp_path)
    assert current(tmp_path, only=[]).name == "r2"


def test_only_the_newest_versions_stay(tmp_path: Path) -> None:
    for number in range(5):
        target = publish(tmp_path, f"r{number}", writer(str(number)))
        os.utime(target, (number, number))
    assert sorted(path.name for path in (tmp_path / "versions").iterdir()) == ["r2", "r3", "r4"]
    assert (current(tmp_path) / "a.txt").read_text() == "4"


def test_the_oldest_version_goes_whatever_it_is_called(tmp_path: Path) -> None:
    for age, name in enumerate(["c", "a", "b"]):
        os.utime(publish(tmp_path, name, writer(name)), (age, age))
    publish(tmp_path, "d", writer("d"))
    assert sorted(path.name for path in (tmp_path / "versions").iterdir()) == ["a", "b", "d"]


def test_a_run_published_twice_does_not_touch_what_readers_hold(tmp_path: Path) -> None:
    first = publish(tmp_path, "r1", writer("one"))
    second = publish(tmp_path, "r1", writer("two"))
    assert (first / "a.txt").read_text() == "one"
    assert (current(tmp_path), (second / "a.txt").read_text()) == (second, "two")
    assert [second.name, publish(tmp_path, "r1", writer("three")).name] == ["r1-2", "r1-3"]


def test_only_what_the_dead_left_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file aside carries its process: 11 is gone, 12 is another user's, 13 runs, none can be called 10**30."""

    def kill(process: int, number: int) -> None:
        assert number == 0  # only asks
        if process > 2**31:
            raise OverflowError
        if process != 13:
            raise ProcessLookupError if process == 11 else PermissionError

    monkeypatch.setattr(os, "kill", kill)
    for process in (11, 12, 13, 10**30, "word"):
        (tmp_path / f".a.txt.{process}.tmp").write_text("half")
    publish(tmp_path, "r1", writer("one"))
    assert leftovers(tmp_path) == [".a.txt.12.tmp", ".a.txt.13.tmp", ".a.txt.word.tmp"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), ValueError("ours"), KeyboardInterrupt()])
def test_a_writer_that_fails_leaves_the_old_version(tmp_path: Path, error: BaseException) -> None:
    publish(tmp_path, "r1", writer("one"))

    def write(folder: Path) -> None:
        (folder / "a.txt").write_text("half")
        raise error

    expected = EnvironmentFault if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        publish(tmp_path, "r2", write)
    assert (current(tmp_path) / "a.txt").read_text() == "one"
    assert leftovers(tmp_path) == []


@pytest.mark.promise("disk full, I/O error, no permission at each write", cases=1)
@pytest.mark.parametrize("step", ["fsync", "rename", "replace"])
def test_a_fault_at_each_step_leaves_one_whole_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(os, step)
    publish(tmp_path, "r0", writer("old"))
    for place in range(1, 10):
        calls = 0

        def failing(*args: object, place: int = place) -> object:
            nonlocal calls
            calls += 1
            if calls == place:
                raise OSError(errno.EIO, "input/output error")
            return real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(os, step, failing)
            with suppress(EnvironmentFault):
                publish(tmp_path, f"r{place}", writer("new"))
        assert leftovers(tmp_path) == []
        text = (current(tmp_path) / "a.txt").read_text()
        assert text in ("old", "new")
        publish(tmp_path, f"again{place}", writer("old"))
        assert (current(tmp_path) / "a.txt").read_text() == "old"
        assert leftovers(tmp_path) == []


KILL = """
import os, sys
from pathlib import Path
from milepost.data import publish as publishing
step, place, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
module = publishing.shutil if step == "rmtree" else os
real, calls = getattr(module, step), 0
def killed(*args, **keywords):
    global calls
    calls += 1
    if calls == place:
        os._exit(9)
    return real(*args, **keywords)
setattr(module, step, killed)
def write(target):
    (target / "a.txt").write_text("new")
    (target / "b.txt").write_text("newnew")
publishing.publish(folder, f"{step}{place}", write)
"""


@pytest.mark.promise("kill -9 at each step of publishing", cases=1)
@pytest.mark.parametrize(
    ("step", "place"),
    [("mkdir", 3), ("fsync", 1), ("fsync", 3), ("rename", 1), ("fsync", 4), ("replace", 1), ("fsync", 6), ("link", 1),
     ("replace", 2), ("replace", 3), ("rmtree", 1)],
)  # fmt: skip
def test_a_process_killed_at_each_step_leaves_one_whole_version(tmp_path: Path, step: str, place: int) -> None:
    for number in range(3):
        publish(tmp_path, f"old{number}", writer("old"))
    done = subprocess.run([sys.executable, "-c", KILL, step, str(place), str(tmp_path)], check=False)
    assert done.returncode == 9
    before = (current(tmp_path) / "a.txt").read_text()
    pointed = step in ("link", "rmtree") or (step, place) in {("replace", 2), ("replace", 3), ("fsync", 6)}
    assert before == ("new" if pointed else "old")
    publish(tmp_path, "next", writer("next"))
    assert (current(tmp_path) / "a.txt").read_text() == (tmp_path / "a.txt").read_text() == "next"
    assert leftovers(tmp_path) == []


@pytest.mark.promise("two runs on one target: one wins, the other exits 3", cases=1)
def test_the_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with lock(tmp_path), pytest.raises(LockHeld, match=f"process {os.getpid()} is writing here") as caught:
        publish(tmp_path, "r1", writer("one"))
    assert caught.value.exit_code == 3
    assert publish(tmp_path, "r1", writer("one")).is_dir()


def test_the_lock_names_its_holder_and_nothing_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("123456789012345")
    with lock(tmp_path):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())


def test_folders_that_are_not_there_are_made(tmp_path: Path) -> None:
    target = publish(tmp_path / "a" / "b", "r1", writer("one"))
    assert current(tmp_path / "a" / "b") == target


@pytest.mark.promise("own artefacts damaged: found before use", cases=225)
def test_every_flipped_bit_and_every_cut_is_found(tmp_path: Path) -> None:
    found = 0
    source = publish(tmp_path, "r1", writer("some text"))
    for path in (tmp_path / "CURRENT", source / "a.txt", source / "b.txt"):
        whole = path.read_bytes()
        damaged = [
            whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :] for place in range(len(whole))
        ]
        for content in [*damaged, whole[: len(whole) // 2], whole[:-1], b""]:
            path.unlink()
            path.write_bytes(content)
            with pytest.raises(ContractError):
                current(tmp_path)
            found += 1
        path.write_bytes(whole)
        assert current(tmp_path) == source
    assert found == 225


@pytest.mark.parametrize("damage", ["missing", "extra", "link", "version gone", "list", "other folder"])
def test_other_damage_is_found(tmp_path: Path, damage: str) -> None:
    source = publish(tmp_path, "r1", writer("one"))
    if damage == "missing":
        (source / "a.txt").unlink()
    elif damage == "extra":
        (source / "c.txt").write_text("x")
    elif damage == "link":
        (source / "a.txt").rename(tmp_path / "moved")
        (source / "a.txt").symlink_to(tmp_path / "moved")
    elif damage == "version gone":
        source.rename(tmp_path / "elsewhere")
    elif damage == "list":
        (tmp_path / "CURRENT").write_text('{"run": "r1", "files": ["a.txt", "b.txt"]}')
    else:
        (tmp_path / "CURRENT").write_text((tmp_path / "CURRENT").read_text().replace('"r1"', '"../.."'))
    with pytest.raises(ContractError):
        current(tmp_path)


def test_nothing_published_yet(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="nothing is published here yet"):
        current(tmp_path)


@pytest.mark.promise("exports are safe in a spreadsheet (starts of a cell)", cases=1)
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_a_formula_becomes_text(start: str) -> None:
    frame = pd.DataFrame({"name": [f"{start}1+1", "plain", None], "number": [-1.5, 2.0, 3.0]})
    safe = spreadsheet_safe(frame)
    assert safe["name"].tolist()[:2] == [f"'{start}1+1", "plain"]
    assert safe["number"].tolist() == [-1.5, 2.0, 3.0]
    assert frame["name"].iloc[0] == f"{start}1+1"


def test_column_names_and_categories_are_made_safe_too() -> None:
    frame = pd.DataFrame({"=cmd": [1], "kind": pd.Categorical(["@x"])})
    safe = spreadsheet_safe(frame)
    assert list(safe.columns) == ["'=cmd", "kind"]
    assert safe["kind"].tolist() == ["'@x"]


def test_text_among_numbers_is_made_safe_and_the_numbers_stay() -> None:
    frame = pd.DataFrame({"mixed": pd.Series(["=1", -3, None, 2.5], dtype=object)})
    assert spreadsheet_safe(frame)["mixed"].tolist() == ["'=1", -3, None, 2.5]


def test_sha256_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert sha256(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert publishing.KEPT_VERSIONS == 3


READS = """
import sys
from pathlib import Path
from milepost.data.publish import publish
folder, number = Path(sys.argv[1]), 0
while not (folder / "stop").exists():
    number += 1
    text = f"{number}\\n" * 200
    def write(target):
        for name in ("a.txt", "b.txt"):
            (target / name).write_text(text)
    publish(folder, f"run{number}", write)
print(number)
"""


@pytest.mark.parametrize(
    "reads",
    [pytest.param(200, marks=pytest.mark.promise("readers while publishing see one whole version (reads)", cases=200)),
     pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.promise(
         "readers while publishing see one whole version (reads)", cases=10_000)])],
)  # fmt: skip
def test_readers_while_publishing_see_one_whole_version(tmp_path: Path, reads: int) -> None:
    publish(tmp_path, "run0", lambda target: [(target / name).write_text("0\n" * 200) for name in ("a.txt", "b.txt")])
    with subprocess.Popen([sys.executable, "-c", READS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        seen: set[str] = set()
        try:
            # a writer that died is waited for no longer
            while (reads > 0 or len(seen) < 3) and process.poll() is None:
                source = current(tmp_path)
                # who holds a version while three more are published finds nothing there, and never a half
                with suppress(FileNotFoundError):
                    lines = {line for name in ("a.txt", "b.txt") for line in (source / name).read_text().split()}
                    assert len(lines) == 1
                    seen |= lines
                    reads -= 1
        finally:
            (tmp_path / "stop").touch()
        published = int((process.stdout.read() if process.stdout else "") or 0)
    assert process.returncode == 0
    assert len(seen) > 2
    # the first of those seen was there before
    assert published >= len(seen) - 1
