"""The version of the tables, and moving a database up and down between versions (Alembic)."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from botsvc.errors import StorageVersionError

if TYPE_CHECKING:
    from alembic.config import Config

#: Newest revision; a test holds it to the folder. Known without Alembic, which takes long to import.
HEAD = "0003"


def version(connection: Connection) -> str | None:
    """The revision that the database is at; None for one without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def refuse_newer(connection: Connection, name: str) -> None:
    """Raise ``StorageVersionError`` for a database that a newer version of Helppari has upgraded."""
    from alembic.script import ScriptDirectory

    found = version(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise StorageVersionError(
            f"the database {name} is at revision {found}, which this version does not know: "
            "install the newer version that wrote it, or restore a backup"
        )


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to ``revision``."""
    from alembic import command

    command.upgrade(_config(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Run the migrations back to ``revision``."""
    from alembic import command

    command.downgrade(_config(connection), revision)


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("botsvc.storage") / "migrations"))
    config.attributes["connection"] = connection
    return config
