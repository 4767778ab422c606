from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from milepost.data import files
from milepost.errors import ContractError
from milepost.settings import Table


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"x,y\n", "csv"),
        ("a.tsv", b"x\ty\n", "csv"),
        ("a.csv.gz", gzip.compress(b"x,y\n"), "csv"),
        ("a.PARQUET", b"PAR1....PAR1", "parquet"),
        ("a.db", b"\0" * 8 + b"DUCK", "duckdb"),
    ],
)
def test_the_kind_follows_the_name_and_the_content_agrees(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert files.kind_of(tmp_path / name, Table(path=name)) == kind


def test_parquet_named_csv_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"PAR1 and more")
    with pytest.raises(ContractError, match="the file is Parquet; expected CSV"):
        files.kind_of(tmp_path / "a.csv", Table(path="a.csv"))


@pytest.mark.parametrize(
    ("line", "names"),
    [("a,b", ["a", "b"]), ('"a,b",c', ["a,b", "c"]), (",b", ["column_1", "b"]), ("\ufeffa,b", ["a", "b"])],
)
def test_csv_header(tmp_path: Path, line: str, names: list[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(line + "\n1,2\n", encoding="utf-8")
    assert files.csv_header(path, Table(path="a.csv")) == names


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_of_a_proposal(tmp_path: Path, mark: str) -> None:
    (tmp_path / "a.csv").write_text(mark.join(["a", "b", "c"]) + "\n")
    assert files.delimiter_of(tmp_path / "a.csv") == mark


def test_a_large_file_is_told_by_size_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_WHOLE_HASH_BYTES", 10)
    path = tmp_path / "a.csv"
    path.write_bytes(b"a" * (2**20 + 50))
    first = files.fingerprint([path])
    path.write_bytes(b"a" * (2**20 + 49) + b"b")
    assert files.fingerprint([path]) != first


def test_a_change_in_the_middle_of_a_large_file_is_told_by_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_WHOLE_HASH_BYTES", 10)
    path = tmp_path / "a.csv"
    path.write_bytes(b"a" * (3 * 2**20))
    os.utime(path, ns=(1, 1))
    first = files.fingerprint([path])
    assert files.fingerprint([path]) == first
    path.write_bytes(b"a" * (3 * 2**20 // 2) + b"b" + b"a" * (3 * 2**20 // 2 - 1))
    os.utime(path, ns=(2, 2))
    assert files.fingerprint([path]) != first


def test_a_lone_carriage_return_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\r1,2\r")
    with pytest.raises(ContractError, match="lone carriage return; expected LF or CR LF"):
        files.csv_header(path, Table(path="a.csv"))


def test_an_empty_folder_has_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no Parquet file in this folder"):
        files.parquet_files(tmp_path)
