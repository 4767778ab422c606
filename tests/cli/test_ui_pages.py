"""MLflow's pages as `milepost ui` serves them, in a real browser: the runs, one run, the registered model.

With MILEPOST_SCREENSHOTS set to a folder the pictures are kept there.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from milepost.tracking.store import open_client

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(finished):
    """The address of the pages, while `milepost ui` runs on the finished product."""
    folder, _ = finished
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "from milepost.cli.main import app; app()",
        "ui",
        "-c",
        str(folder / "milepost.toml"),
        "--port",
        str(port),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield folder, f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def wait_for(address, process):
    """Until the server answers; the connection itself waits, nothing sleeps."""
    for _ in range(600):
        assert process.poll() is None, process.stderr.read().decode()[-500:]
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    raise AssertionError("the pages were not served")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def look(browser, address, name, *texts):
    """Open a page, wait for every text on it, keep the picture; returns hosts that were asked beside this machine."""
    page = browser.new_page(viewport={"width": 1360, "height": 860})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    for text in texts:
        page.get_by_text(text, exact=False).first.wait_for(timeout=60_000)
    if name == "mlflow-runs":
        page.get_by_text("Model training", exact=True).first.click()
        page.get_by_text(texts[0], exact=False).first.wait_for(timeout=60_000)
    folder = os.environ.get("MILEPOST_SCREENSHOTS", "")
    picture = page.screenshot(path=Path(folder) / f"{name}.png" if folder else None)
    page.close()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    return [url for url in asked if not url.startswith(("http://127.0.0.1", "data:", "blob:"))]


def test_the_runs_a_run_and_the_registered_model_can_be_read(served, browser):
    folder, base = served
    client = open_client(folder / "mlruns")
    model = client.search_registered_models()[0]
    run = client.get_run(client.get_model_version_by_alias(model.name, "champion").run_id)
    experiment = run.info.experiment_id
    outside = look(browser, f"{base}/#/experiments/{experiment}/runs", "mlflow-runs", run.info.run_name[:20])
    outside += look(browser, f"{base}/#/experiments/{experiment}/runs/{run.info.run_id}", "mlflow-run",
                    run.info.run_name, "Churn model:", "churn_roc_auc")  # fmt: skip
    outside += look(browser, f"{base}/#/models/{model.name}", "mlflow-model", "champion", "Version 1")
    print("asked beyond this machine:", sorted(set(outside)) or "nothing")
