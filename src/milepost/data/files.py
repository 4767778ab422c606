"""Files as they lie on disk: is it there, is it what it says it is, and what columns does it have."""

from __future__ import annotations

import csv
import gzip
import hashlib
import zlib
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from milepost.errors import ContractError, EnvironmentFault
from milepost.settings import Table

_WHOLE_HASH_BYTES = 256 * 2**20
_MAX_HEADER_BYTES = 2**20
_GZIP = b"\x1f\x8b"
# text rarely packs better than 1:100; more, and more than this many bytes, is a file made to fill the disk
_BOMB_RATIO, _BOMB_BYTES = 200, 256 * 2**20


def kind_of(path: Path, table: Table) -> str:
    """`parquet`, `csv` or `duckdb`, from the settings or the name; the content has to agree.

    Raises ContractError when the file is missing, empty or not what its name says, EnvironmentFault without permission.
    """
    if not path.exists():
        raise ContractError("no such file", where=str(table.path), fix="check the path in milepost.toml")
    if path.is_dir():
        return "parquet"
    kind = table.format or _by_name(path)
    start = _first_bytes(path)
    if not start:
        raise ContractError("the file is empty", where=path.name)
    if kind == "parquet" and start[:4] != b"PAR1":
        raise ContractError(
            "not a Parquet file, whatever its name says", where=path.name, fix="name it .csv or rewrite it"
        )
    if kind == "duckdb" and start[8:12] != b"DUCK":
        raise ContractError("not a DuckDB file, whatever its name says", where=path.name, fix="check the path")
    if kind == "csv":
        _refuse_encoding(start, path.name)
        _refuse_bad_gzip(path)
    return kind


def _by_name(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    for ending, kind in ((".parquet", "parquet"), (".pq", "parquet"), (".duckdb", "duckdb"), (".db", "duckdb")):
        if name.endswith(ending):
            return kind
    return "csv"


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(12)
    except PermissionError:
        raise EnvironmentFault("no permission to read", where=path.name, fix="allow reading it") from None


def _refuse_encoding(start: bytes, name: str) -> None:
    for mark, encoding in ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")):
        if start.startswith(mark):
            raise ContractError(f"the file is {encoding}", where=name, expected="UTF-8", fix="save it as CSV UTF-8")
    if b"\0" in start and not start.startswith(_GZIP):
        raise ContractError("the file is UTF-16 or no text", where=name, expected="UTF-8", fix="save it as CSV UTF-8")
    if start.startswith(b"PAR1"):
        raise ContractError("the file is Parquet", where=name, expected="CSV", fix="name it .parquet")


def is_gzip(path: Path) -> bool:
    """Whether the content is packed, whatever the name says."""
    return _first_bytes(path)[:2] == _GZIP


def _refuse_bad_gzip(path: Path) -> None:
    """Unpack once and look at nothing: a reader of a truncated file would stop early without a word."""
    if not is_gzip(path):
        if path.name.lower().endswith(".gz"):
            raise ContractError("not a gzip file, whatever its name says", where=path.name, fix="name it .csv")
        return
    unpacked, limit = 0, max(_BOMB_BYTES, _BOMB_RATIO * path.stat().st_size)
    try:
        with gzip.open(path, "rb") as stream:
            while chunk := stream.read(2**20):
                unpacked += len(chunk)
                if unpacked > limit:
                    raise EnvironmentFault(f"unpacks to more than {limit // 2**20:,} MB", where=path.name,
                                           fix="unpack it yourself if that is right")  # fmt: skip
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise ContractError("the gzip file is damaged", where=path.name, fix="pack it again") from None


def delimiter_of(path: Path) -> str:
    """The separator that stands most often in the header, for a proposal only; reading never guesses."""
    line = _first_line(path)
    return max(",;\t|", key=line.count)


def csv_header(path: Path, table: Table) -> list[str]:
    """Column names of a CSV file. Raises ContractError for a wrong delimiter, doubled names, bytes that are no text."""
    for key, mark in (("delimiter", table.delimiter), ("quote", table.quote)):
        if len(mark) != 1:
            raise ContractError(f"{key} = {mark!r}", where=path.name, expected="one character")
    line = _first_line(path)
    if "\r" in line:
        raise ContractError("lines end with a lone carriage return", where=path.name, expected="LF or CR LF",
                            fix="save it as CSV UTF-8")  # fmt: skip
    names = next(csv.reader([line], delimiter=table.delimiter, quotechar=table.quote), [])
    # exports of data frames leave the name of their row number empty
    names = [name or f"column_{place}" for place, name in enumerate(names, start=1)]
    if len(names) == 1:
        for other, word in ((";", "semicolons"), ("\t", "tabs"), (",", "commas"), ("|", "bars")):
            if other != table.delimiter and other in names[0]:
                raise ContractError(
                    f"the columns are separated by {word}, not by '{table.delimiter}'",
                    where=path.name,
                    fix=f"set delimiter = {other!r} in milepost.toml",
                )
    # DuckDB does not tell capitals from small letters in the name of a column
    folded = [name.casefold() for name in names]
    doubled = sorted({name for name in names if folded.count(name.casefold()) > 1})
    if doubled:
        raise ContractError(f"column '{doubled[0]}' stands twice in the header", where=path.name)
    return names


def _first_line(path: Path) -> str:
    try:
        with _opened(path) as stream:
            raw = stream.readline(_MAX_HEADER_BYTES)
        return raw.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ContractError("not UTF-8 text", where=path.name, fix="save it as CSV UTF-8") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise ContractError("the gzip file is damaged", where=path.name, fix="pack it again") from None


def _opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    if is_gzip(path):
        return gzip.open(path, "rb")
    return path.open("rb")


def parquet_files(path: Path) -> list[Path]:
    """The Parquet files of a path, all with one schema. Raises ContractError naming two that differ."""
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise ContractError("no Parquet file in this folder", where=path.name)
    first: pa.Schema | None = None
    for file in files:
        schema = _schema(file)
        if first is not None and not schema.equals(first):
            raise ContractError(f"{files[0].name} and {file.name} have different schemas", where=path.name,
                                fix="write them with one schema")  # fmt: skip
        first = schema
    return files


def _schema(file: Path) -> pa.Schema:
    try:
        return pq.read_schema(file).remove_metadata()
    except (pa.ArrowException, ValueError, OSError, EOFError):  # a name that is no text is a ValueError
        raise ContractError("the Parquet file is damaged", where=file.name, fix="write it again") from None


def fingerprint(paths: list[Path]) -> str:
    """sha256 over the fingerprints of the files."""
    return hashlib.sha256("".join(fingerprint_of(path) for path in paths).encode()).hexdigest()


def fingerprint_of(path: Path) -> str:
    """sha256 over the content; of a file over 256 MB its size, time of change, first and last megabyte."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        if size <= _WHOLE_HASH_BYTES:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        digest = hashlib.sha256(f"{size}:{path.stat().st_mtime_ns}".encode() + stream.read(2**20))
        stream.seek(-(2**20), 2)
        digest.update(stream.read())
    return digest.hexdigest()
