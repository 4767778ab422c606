"""A session of Spark for the events, on this machine or on a cluster by its master URL."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis

from milepost.errors import EnvironmentFault
from milepost.settings import Project


def parquet_on_spark(project: Project, paths: Sequence[Path]) -> ibis.Table:
    """Parquet files as one table of a session of Spark, which a later call takes up."""
    session = _session(project)
    session.read.parquet(*(str(path) for path in paths)).createOrReplaceTempView("raw_events")
    table: ibis.Table = ibis.pyspark.connect(session).table("raw_events")
    return table


def _session(project: Project) -> Any:
    """A session: UTC, no web page, nothing beyond this machine for a local master.

    Raises EnvironmentFault when PySpark or Java is not there, or the master does not answer.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise EnvironmentFault("PySpark is not installed", where="project.engine",
                               fix="pip install 'milepost[spark]'") from None  # fmt: skip
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise EnvironmentFault("Spark needs Java", where="project.engine", fix="install Java 17")
    folder = tempfile.mkdtemp(prefix="milepost-spark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    said = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        # as in DuckDB: an overflow is an error, not another number
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.local.dir": folder,
        "spark.sql.shuffle.partitions": str(4 * project.threads),
    }
    if project.spark_master.startswith("local"):
        said |= {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": f"{max(project.memory_bytes // 2 // 2**20, 1024)}m",
        }
    try:
        builder = SparkSession.builder.appName("milepost").master(project.spark_master)
        for name, value in said.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        return session
    except Exception as error:
        what = str(error).strip().splitlines()[0][:120]
        raise EnvironmentFault(f"Spark cannot be started: {what}", where=project.spark_master) from None
