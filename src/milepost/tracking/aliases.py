"""Which version of a registered model is `champion` and which `challenger`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from milepost.tracking import store

CHAMPION, CHALLENGER = "champion", "challenger"


def name_champion(mlruns: Path, project: str, model_id: str, lock_seconds: float = store.LOCK_SECONDS) -> bool:
    """Point `champion` at the newest version of that model, and take `challenger` from it; False when there is none.

    Raises EnvironmentFault when the database is locked, unwritable or damaged.
    """
    store.check_store(mlruns, lock_seconds)
    with store.mlflow_errors(mlruns):
        client = store.open_client(mlruns)
        versions = [found for found in client.search_model_versions(f"name = '{project}'")
                    if found.tags.get("model_id") == model_id]  # fmt: skip
        if not versions:
            return False
        newest = max(versions, key=lambda found: int(found.version))
        set_alias(client, project, CHAMPION, str(newest.version))
    return True


def set_alias(client: Any, project: str, alias: str, version: str) -> None:
    """Point an alias at a version; the champion is nobody's challenger."""
    client.set_registered_model_alias(project, alias, version)
    if alias == CHAMPION:
        aliases = client.get_registered_model(project).aliases
        if str(aliases.get(CHALLENGER, "")) == version:
            client.delete_registered_model_alias(project, CHALLENGER)
