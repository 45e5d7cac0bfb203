"""How a PostgreSQL database is reached."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hmlr.errors import ConfigurationError

SCHEMES = ("postgresql", "postgres")
JOBS_SCHEMA = "hmlr_jobs"  # where the workers' queue has its tables
# What libpq calls it, and what the driver does.
_KNOWN = {"host": "host", "port": "port", "sslmode": "ssl", "ssl": "ssl"}


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Where the database is, and how long to wait for it."""

    url: str
    pool_size: int = 10  # connections of this process, at the utmost
    pool_timeout_s: float = 4.0
    lock_timeout_s: float = 5.0
    call_timeout_s: float = 9.0  # of every call but the patient ones, all of the above included
    patient_timeout_s: float = 600.0  # of a statement of those: erasing, importing, rebuilding, exporting
    durability: str = "full"  # fast: the last answered writes may be lost when the server crashes


def ms(seconds: float) -> str:
    """As PostgreSQL's settings take it."""
    return f"{round(seconds * 1000)}"


def driver_url(url: str) -> URL:
    """The address for SQLAlchemy. Raises ConfigurationError, which never shows the password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number
        raise ConfigurationError("the database's address is no URL", hint=_EXAMPLE) from None
    if parsed.drivername not in SCHEMES:
        raise ConfigurationError(f"databases at {parsed.drivername}:// are not known", hint=_EXAMPLE)
    unknown = sorted(set(parsed.query) - set(_KNOWN))
    if unknown:
        raise ConfigurationError(
            f"the database's address sets {', '.join(unknown)}, which is not known",
            hint=f"It may set {', '.join(sorted(_KNOWN))}",
        )
    query = {_KNOWN[name]: value for name, value in parsed.query.items()}
    return parsed.set(drivername="postgresql+asyncpg", query=query)


def libpq_url(url: str) -> str:
    """The address, with its password, for what speaks libpq."""
    parsed = driver_url(url)
    query = {"sslmode" if name == "ssl" else name: value for name, value in parsed.query.items()}
    return parsed.set(drivername=SCHEMES[0], query=query).render_as_string(hide_password=False)


def shown(url: str) -> str:
    """The address as it may be printed: without password."""
    return driver_url(url).set(drivername=SCHEMES[0]).render_as_string(hide_password=True)


_EXAMPLE = "Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
