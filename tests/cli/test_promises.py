"""Promises about every output together: names are data, paths stay inside, nobody's data leak, nothing leaves here."""

from __future__ import annotations

import json
import re
import socket
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

NAMES = [
    "'; DROP TABLE events; --", '"; DROP TABLE events; --', "' OR '1'='1", "x') UNION SELECT * FROM accounts --",
    "$(touch pwned)", "`touch pwned`", "; touch pwned", "| touch pwned", "&& touch pwned", "{{ 7 * 7 }}", "{% raw %}",
    "${jndi:ldap://127.0.0.1/x}", "%s%s%n", "{0.__class__}", "__import__('os').system('touch pwned')",
    "=HYPERLINK(\"http://evil.example\")", "a,b:c[d]{e}\"f\"", "<script>alert(1)</script>", "../../pwned", "\u202eevil",
]  # fmt: skip
OUTPUTS = ("output", "models", "mlruns", "framework", "experiments")
OUTSIDE = ("../x", "../../x", "sub/../../x", "link/x", "/tmp/milepost-outside")


def cell(text):
    return '"' + text.replace('"', '""') + '"'


@pytest.fixture
def hostile(tmp_path):
    """Twenty accounts, plans, events and features, each called by something that would do harm if it were run."""
    begin = datetime(2024, 1, 1)
    rows = [
        (account, begin + timedelta(days=day, hours=place), name, "u1")
        for place, account in enumerate(NAMES)
        for day in range(0, 120, 7)
        for name in (NAMES[place], NAMES[(place + day) % len(NAMES)])
    ]
    events = pd.DataFrame(rows, columns=["account_id", "occurred_at", "event_name", "user_id"])
    events.astype({"occurred_at": "datetime64[us]"}).to_parquet(tmp_path / "events.parquet", index=False)
    pd.DataFrame({"account_id": NAMES, "created_at": begin}).to_csv(tmp_path / "accounts.csv", index=False)
    spans = pd.DataFrame({"account_id": NAMES, "started_at": begin, "plan": NAMES, "seats": 3})
    spans.to_csv(tmp_path / "subscriptions.csv", index=False)
    # in the catalogue a bar separates events
    catalogue = [f"{cell(name)},{cell(name)},c" for name in NAMES if "|" not in name]
    (tmp_path / "features.csv").write_text("feature,event_names,category\n" + "\n".join(catalogue), encoding="utf-8")
    (tmp_path / "milepost.toml").write_text(
        "[windows]\nobservation_days = 30\ngap_days = 7\noutcome_days = 30\ngrace_days = 7\n"
        '[tables.accounts]\npath = "accounts.csv"\n[tables.events]\npath = "events.parquet"\n'
        '[tables.subscriptions]\npath = "subscriptions.csv"\n', encoding="utf-8",
    )  # fmt: skip
    return tmp_path


@pytest.mark.promise("no injection through names of accounts, plans and features", cases=60)
def test_names_are_data_wherever_they_stand(milepost, hostile, monkeypatch):
    monkeypatch.chdir(hostile)
    for command in ("check", "doctor", "metrics"):
        shown = milepost(command, "-c", "milepost.toml")
        assert shown.exit_code in (0, 1), shown.output
    built = milepost("signals", "build", "-c", "milepost.toml", "--json")
    assert built.exit_code == 0, built.output
    version = next((hostile / "out" / "signals" / "versions").iterdir())
    context = pd.read_parquet(version / "context.parquet")
    assert set(context["account_id"]) == set(context["plan"]) == set(NAMES)
    signals = json.loads((version / "about.json").read_text(encoding="utf-8"))["signals"]
    assert {signal["feature"] for signal in signals if signal["feature"]} == {name for name in NAMES if "|" not in name}
    # whoever was not asked for wrote nothing, here or beside it
    assert not list(hostile.rglob("*pwned*"))
    assert not (hostile.parent / "pwned").exists()
    page = milepost("report", "-c", "milepost.toml")
    assert page.exit_code in (0, 1, 2), page.output
    for html in hostile.rglob("*.html"):
        assert "<script>alert" not in html.read_text(encoding="utf-8")


@pytest.mark.promise("output paths outside the declared folders are refused", cases=1)
@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("key", OUTPUTS)
def test_a_path_that_leaves_the_folder_is_refused(milepost, hostile, key, outside):
    (hostile / "link").symlink_to(hostile.parent, target_is_directory=True)
    text = (hostile / "milepost.toml").read_text(encoding="utf-8")
    (hostile / "milepost.toml").write_text(f'[project]\n{key} = "{outside}"\n{text}', encoding="utf-8")
    before = sorted(hostile.parent.rglob("*"))
    ran = milepost("signals", "build", "-c", hostile / "milepost.toml")
    assert ran.exit_code == 2
    assert f"output path '{outside}' leaves the project's folder" in ran.stderr
    assert sorted(hostile.parent.rglob("*")) == before
    assert not Path("/tmp/milepost-outside").exists()


@pytest.mark.promise("no user of an account in any output or log (user ids looked for)", cases=500)
def test_no_user_of_an_account_is_in_any_output(finished):
    folder, answer = finished
    events = pd.read_parquet(folder / "data" / "events.parquet")
    users = events["user_id"].dropna().drop_duplicates()
    assert len(users) > 500
    found = re.compile("|".join(re.escape(user) for user in users.sample(500, random_state=7)).encode())
    places = [path for name in ("out", "models", "mlruns") for path in (folder / name).rglob("*") if path.is_file()]
    assert len(places) > 20
    for path in [*places, folder / "framework.toml"]:
        assert not found.search(path.read_bytes()), path
    assert not found.search(json.dumps(answer).encode())


@pytest.mark.promise("no secret in any output or log (passwords planted)", cases=2)
def test_a_password_is_in_no_output(milepost, copy, monkeypatch):
    secret = "s3cret-pass-word"
    monkeypatch.setenv("MILEPOST_SCORES", f"postgres://writer:{secret}@127.0.0.1:9/none")
    text = (copy / "milepost.toml").read_text(encoding="utf-8")
    text += '\n[[scoring.sinks]]\nkind = "database"\nurl_env = "MILEPOST_SCORES"\n'
    (copy / "milepost.toml").write_text(text, encoding="utf-8")
    said = milepost("run", "-c", copy / "milepost.toml").output
    url = f"postgres://reader:{secret}@127.0.0.1:9/none"
    events = re.sub(r'(?<=\[tables\.events\]\n)path = "[^"]*"', f'url = "{url}"\ntable = "events"', text)
    assert url in events
    (copy / "milepost.toml").write_text(events, encoding="utf-8")
    said += milepost("check", "-c", copy / "milepost.toml").output
    assert "database cannot be reached" in said or "is not installed" in said
    assert secret not in said
    for path in copy.rglob("*"):
        if path.is_file() and path.name != "milepost.toml":
            assert secret.encode() not in path.read_bytes(), path


@pytest.mark.promise("no connection beyond this machine in a full run", cases=1)
def test_nothing_leaves_the_machine(milepost, copy, monkeypatch):
    asked, real = [], socket.socket.connect

    def connect(self, address):
        if self.family != socket.AF_UNIX and str(address[0]) not in ("127.0.0.1", "::1", "localhost"):
            asked.append(address)
            raise OSError("no network here")
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **named: asked.append(host) or [])
    ran = milepost("run", "-c", copy / "milepost.toml")
    assert ran.exit_code == 0, ran.output
    assert [host for host in asked if host not in ("127.0.0.1", "::1", "localhost")] == []
