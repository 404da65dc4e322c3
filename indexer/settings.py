"""Settings: one ``helppari.toml``, overridden by ``HELPPARI_*``; the part that building and evals read.

A room adds its own sections by subclassing ``Settings``; ``load_settings`` and ``inspect_settings``
work on either. Every key has a type, a default and one sentence of help (``settings_table``).
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from indexer.errors import SettingsError
from indexer.settings_table import FreePart as FreePart
from indexer.settings_table import SettingRow as SettingRow
from indexer.settings_table import SettingsContradiction as SettingsContradiction
from indexer.settings_table import as_toml as as_toml
from indexer.settings_table import rows_of, wanted

CONFIG_FILE = "helppari.toml"
ENV_PREFIX = "HELPPARI_"

#: Environment variables of ours that are not settings.
NOT_SETTINGS = frozenset(
    {"HELPPARI_CONFIG", "HELPPARI_CACHE", "HELPPARI_DEBUG", "HELPPARI_REQUIRE_SERVICES"},
)


def _address(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("should begin with http:// or https://")
    return value.rstrip("/")


Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
WebAddress = Annotated[str, AfterValidator(_address)]


class Section(BaseModel):
    """A table of ``helppari.toml``: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)


class SiteSettings(Section):
    """``[site]``: the help center as its customers know it."""

    name: str = Field(
        default="Help center", min_length=1, max_length=80, description="Name that customers see."
    )
    languages: tuple[Language, ...] = Field(
        default=(),
        description="Languages of the site, the first one as default; empty means those of the index.",
    )
    base_url: WebAddress = Field(
        default="",
        description="Address of the site from outside, for links in handoffs; empty means relative links.",
    )


class IndexSettings(Section):
    """``[index]``: where the articles and their index are."""

    dir: Path = Field(
        default=Path("build/index"), description="Folder of the index that is built and served."
    )
    kb: Path = Field(
        default=Path("kb"), description="Folder of Markdown articles, or an articles.jsonl file."
    )
    encoder: str = Field(
        default="bundled",
        min_length=1,
        description="Encoder of texts: bundled, or the name or path of a sentence-transformers model.",
    )


class AnsweringSettings(Section):
    """``[answering]``: goals, from which the build picks thresholds."""

    accuracy_goal: float = Field(
        default=0.95, ge=0.5, lt=1, description="Share of the given answers that must be right."
    )
    choices_goal: float = Field(
        default=0.80,
        ge=0.5,
        lt=1,
        description="Share of the offered choices that must hold the right article.",
    )
    absent_share: float = Field(
        default=0.3,
        ge=0,
        lt=1,
        description="Share of questions without an article for which confidence is stated.",
    )
    max_handoff_share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of questions that people can take; the build warns above it.",
    )


class _Environment(EnvSettingsSource):
    """``HELPPARI_SECTION__KEY``; lists as JSON or separated by commas."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, str) or value.lstrip()[:1] in ("[", "{"):
            try:
                return super().decode_complex_value(field_name, field, value)
            except ValueError:
                return value  # pydantic says what was wanted, by key
        if field is not None and _is_list(field):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


def _is_list(field: FieldInfo) -> bool:
    return str(field.annotation).startswith(("tuple", "list"))


class Settings(BaseSettings):
    """All that ``index build`` and ``eval run`` read; ``serve`` reads a subclass with more sections."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )
    #: Sections of the same file that belong to other rooms; a test holds the list to ``botsvc.settings``.
    other_sections: ClassVar[frozenset[str]] = frozenset(
        {"server", "handoff", "contact", "conversations", "privacy", "storage", "limits", "retention"}
        | {"notice", "learning", "desk", "teams", "routing", "mail", "sinks", "outbox", "widget"}
    )

    site: SiteSettings = SiteSettings()
    index: IndexSettings = IndexSettings()
    answering: AnsweringSettings = AnsweringSettings()

    def contradictions(self) -> Iterator[SettingsContradiction]:
        """Values that are right alone and wrong together; a subclass says which."""
        yield from ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file (given as keyword arguments), then the defaults."""
        return (_Environment(settings_cls), init_settings)


SettingsType = TypeVar("SettingsType", bound=Settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsProblem:
    """One reason why the settings cannot be used."""

    key: str  #: as in ``answering.absent_share``; empty when the file as a whole is meant
    message: str  #: one sentence: what is wrong, with which value, and what to do


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection(Generic[SettingsType]):
    """What reading the settings gave: the settings, or every problem there is."""

    settings: SettingsType | None
    problems: tuple[SettingsProblem, ...]
    file: Path | None
    origins: Mapping[str, str]  #: key -> ``helppari.toml``'s path or the variable's name; defaults are absent


def settings_table(model: type[Settings] = Settings) -> tuple[SettingRow, ...]:
    """Every setting of ``model``: key, type, default and help, in the order of the documentation."""
    return rows_of(model)


def find_config(path: Path | None = None) -> Path | None:
    """The file to read: the given one, ``HELPPARI_CONFIG``'s, or ``helppari.toml`` here if it exists."""
    named = path or (Path(os.environ["HELPPARI_CONFIG"]) if os.environ.get("HELPPARI_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(f"there is no settings file at {named}: check the path, or leave it out")
        return named
    here = Path(CONFIG_FILE)
    return here if here.is_file() else None


def load_settings(model: type[SettingsType], path: Path | None = None) -> SettingsType:
    """The settings of ``model``, read once and frozen; raises ``SettingsError`` with the first problem."""
    found = inspect_settings(model, path)
    if found.settings is None:
        first, *rest = found.problems
        more = f" (and {len(rest)} more: run `helppari config check`)" if rest else ""
        raise SettingsError(first.message + more, key=first.key)
    return found.settings


def inspect_settings(model: type[SettingsType], path: Path | None = None) -> Inspection[SettingsType]:
    """The settings of ``model`` with where each value came from, or all problems, each by its key."""
    file = find_config(path)
    try:
        tables = _read_toml(file) if file else {}
    except SettingsError as error:
        problem = SettingsProblem(key="", message=str(error))
        return Inspection(settings=None, problems=(problem,), file=file, origins={})
    rows = settings_table(model)
    problems = [*_unknown_sections(model, tables, file), *_unknown_variables(model, rows)]
    origins = _origins(model, tables, file)
    settings: SettingsType | None = None
    try:
        settings = model(**{name: value for name, value in tables.items() if name in model.model_fields})
    except ValidationError as error:
        problems += [_explain(details, rows, origins) for details in error.errors()]
    else:
        problems += [_disagreement(one, origins) for one in settings.contradictions()]
    return Inspection(
        settings=None if problems else settings, problems=tuple(problems), file=file, origins=origins
    )


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error


def _unknown_sections(
    model: type[Settings], tables: Mapping[str, Any], file: Path | None
) -> Iterator[SettingsProblem]:
    valid = set(model.model_fields) | model.other_sections
    for name, value in tables.items():
        if name in valid:
            continue
        what = f"[{name}]" if isinstance(value, dict) else name
        near = difflib.get_close_matches(name, sorted(valid), n=1, cutoff=0.5)
        hint = f"did you mean [{near[0]}]?" if near else f"sections are {', '.join(sorted(valid))}"
        yield SettingsProblem(key=name, message=f"{what} in {file} is no section of settings: {hint}")


def _unknown_variables(model: type[Settings], rows: tuple[SettingRow, ...]) -> Iterator[SettingsProblem]:
    """Misspelt sections in variables; misspelt keys inside a known section are pydantic's to find.

    A name without ``__`` is refused only when it reads like a setting: a container platform may set
    names of its own with our prefix, such as HELPPARI_PORT for a service called helppari.
    """
    valid = set(model.model_fields) | model.other_sections
    flat = {row.variable.replace("__", "_"): row.variable for row in rows}
    for name in sorted(os.environ):
        if not name.upper().startswith(ENV_PREFIX) or name.upper() in NOT_SETTINGS:
            continue
        section, nested, rest = name.upper().removeprefix(ENV_PREFIX).partition("__")
        if nested and section.lower() not in valid:
            whole = f"{section}.{rest.replace('__', '.')}".lower()
            near = difflib.get_close_matches(whole, [row.key for row in rows], n=1, cutoff=0.5)
            variable = next((row.variable for row in rows if near and row.key == near[0]), "")
            hint = f"did you mean {variable}?" if near else f"sections are {', '.join(sorted(valid))}"
            yield SettingsProblem(key=whole, message=f"{name} in the environment is no setting: {hint}")
        elif not nested and name.upper() in flat:
            meant = flat[name.upper()]
            yield SettingsProblem(
                key=section.lower(),
                message=f"{name} in the environment is no setting: did you mean {meant} (two underscores)?",
            )


def _origins(model: type[Settings], tables: Mapping[str, Any], file: Path | None) -> dict[str, str]:
    origins: dict[str, str] = {}

    def walk(prefix: str, value: Mapping[str, Any]) -> None:
        for name, below in value.items():
            key = f"{prefix}{name}"
            origins[key] = str(file)
            if isinstance(below, dict):
                walk(f"{key}.", below)

    walk("", {name: value for name, value in tables.items() if name in model.model_fields})
    for name in os.environ:
        if name.upper().startswith(ENV_PREFIX) and "__" in name and os.environ[name]:
            parts = name.upper().removeprefix(ENV_PREFIX).lower().split("__")
            if parts[0] in model.model_fields:
                origins[".".join(parts)] = name
    return origins


def _explain(
    details: ErrorDetails, rows: tuple[SettingRow, ...], origins: Mapping[str, str]
) -> SettingsProblem:
    """Pydantic's finding as one sentence: the key, where it was set, the value, what was wanted."""
    location = [str(part) for part in details["loc"] if not isinstance(part, int)]
    location = [part for part in location if part != "[key]"]
    key = ".".join(location)
    where = origins.get(key) or next((origins[k] for k in origins if k.startswith(f"{key}.")), "")
    where = f" (set by {where})" if where else ""
    if details["type"] == "extra_forbidden":
        return SettingsProblem(key=key, message=f"{key}{where} is no setting: {_nearest(key, rows)}")
    row = next((row for row in rows if row.covers(key)), None)
    secret = row is not None and row.secret
    hidden = secret or isinstance(details["input"], dict | SecretStr)
    value = "its value" if hidden else _short(details["input"])
    need = wanted(details, row)
    return SettingsProblem(key=key, message=f"{key}{where} cannot be {value}: it {need}")


def _disagreement(found: SettingsContradiction, origins: Mapping[str, str]) -> SettingsProblem:
    where = f" (set by {origins[found.key]})" if found.key in origins else ""
    sentence = f"{found.key}{where} cannot be {_short(found.value)}: it {found.need}"
    return SettingsProblem(key=found.key, message=sentence)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _nearest(key: str, rows: tuple[SettingRow, ...]) -> str:
    """The valid name that was probably meant: in the same section first, then the same name elsewhere."""
    section, _, name = key.rpartition(".")
    beside = {row.key.rpartition(".")[2]: row for row in rows if row.section_covers(section)}
    near = difflib.get_close_matches(name, list(beside), n=1, cutoff=0.75)
    if near:
        return f"did you mean {section}.{near[0]}?"
    elsewhere = {row.key.rpartition(".")[2]: row.key for row in rows}
    near = difflib.get_close_matches(name, list(elsewhere), n=1, cutoff=0.8)
    if near:
        return f"did you mean {elsewhere[near[0]]}?"
    return (
        f"[{section}] has {', '.join(beside)}" if beside else "`helppari config check --json` lists all names"
    )
