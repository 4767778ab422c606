"""Spark for the events, on this machine or on a cluster by its master URL: UTC, quiet, loopback only when it is here.

ANSI rules are on: a sum that overflows is an error then, as in DuckDB, and not a null that nobody notices.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from milepost.data import files
from milepost.data.contract import said
from milepost.errors import ContractError, EnvironmentFault
from milepost.settings import Project, Settings

_JAVA = 17
_RULES = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # an answer is taken whole, or not at all
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
}


def parquet_on_spark(settings: Settings) -> tuple[ibis.Table, str]:
    """The events' Parquet on Spark, and a fingerprint of its content: "" where only Spark reaches it (s3a://, hdfs://).

    Raises ContractError for what is no Parquet, EnvironmentFault without PySpark, Java or the cluster.
    """
    given = settings.tables.events.path
    if "://" in given:
        return _table(settings.project, [given], given), ""
    path = settings.path(given)
    if files.kind_of(path, settings.tables.events) != "parquet":
        raise ContractError("Spark reads Parquet here", where="tables.events", fix="write Parquet, or leave engine out")
    found = files.parquet_files(path)
    _refuse_nanoseconds(found[0])
    base = path if path.is_dir() else path.parent
    return _table(settings.project, [str(file) for file in found], str(base)), files.fingerprint(found)


def _refuse_nanoseconds(file: Path) -> None:
    for field in pq.read_schema(file):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            raise ContractError(f"column '{field.name}' holds nanoseconds, which Spark does not read", where=file.name,
                                fix="write it in microseconds, or leave engine out")  # fmt: skip


def _table(project: Project, paths: list[str], base: str) -> ibis.Table:
    # a session of its own: a name in it is not that of another one's table
    session = _running(project).newSession()
    for name, value in _RULES.items():
        session.conf.set(name, value)
    try:
        session.read.option("basePath", base).parquet(*paths).createOrReplaceTempView("raw_events")
        table: ibis.Table = ibis.pyspark.connect(session).table("raw_events")
    except Exception as error:
        raise ContractError(f"Spark cannot read it: {said(error)}", where="tables.events") from None
    return table


def _running(project: Project) -> Any:
    """The Spark of this process, started by the first call; one that somebody else started is used and left running.

    Raises EnvironmentFault when PySpark or Java is not there, or the master does not answer.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise EnvironmentFault("PySpark is not installed", where="project.engine",
                               fix="pip install 'milepost[spark]'") from None  # fmt: skip
    found = SparkSession.getActiveSession()
    return _start(project) if found is None else found


def _start(project: Project) -> Any:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    _refuse_java()
    folder = Path(tempfile.mkdtemp(prefix="milepost-spark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    log = folder / "log"
    conf = SparkConf().setMaster(project.spark_master).setAppName("milepost")
    for name, value in options(project, folder).items():
        conf.set(name, value)
    try:
        # Java warns of what is no fault: into a file, of which the last line is shown when it does not start
        with log.open("wb") as stream:
            gateway = launch_gateway(conf, {"stderr": stream})
        session = SparkSession(SparkContext(conf=conf, gateway=gateway))
    except Exception as error:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise EnvironmentFault(f"Spark cannot be started: {said(error)} {' '.join(last)[:100]}".strip(),
                               where=project.spark_master) from None  # fmt: skip
    session.sparkContext.setLogLevel("ERROR")
    # before its folder goes
    atexit.register(session.stop)
    return session


def options(project: Project, folder: Path) -> dict[str, str]:
    """What Spark is started with; everything temporary lies in `folder`."""
    given = {
        **_RULES,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.local.dir": str(folder),
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -Djava.io.tmpdir={folder}",
        "spark.driver.memory": f"{max(project.memory_bytes // 2 // 2**20, 1024)}m",
    }
    if project.spark_master.startswith("local"):
        given |= {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            # 200, which is meant for a cluster, would be 200 small tasks after another
            "spark.sql.shuffle.partitions": str(4 * project.threads),
        }
    return given


def _refuse_java() -> None:
    """Raise EnvironmentFault without Java, or with one that is too old for Spark 4."""
    fix = f"install Java {_JAVA}, or set JAVA_HOME to it"
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        raise EnvironmentFault("Spark needs Java", where=java or "project.engine", fix=fix)
    spoken = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = spoken.partition('"')[2].partition('"')[0].removeprefix("1.").split(".")[0]
    if not version.isdigit() or int(version) < _JAVA:
        raise EnvironmentFault(f"Spark needs Java {_JAVA}, this is {version or 'something else'}", where=java, fix=fix)
