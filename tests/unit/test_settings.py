"""Settings: file, environment, defaults, and the sentence for each mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from botsvc.settings import ContactSettings, Settings
from indexer import settings as base
from indexer.errors import SettingsError
from indexer.settings import inspect_settings, load_settings, settings_table


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("HELPPARI_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def toml(text: str) -> Path:
    path = Path("helppari.toml")
    path.write_text(text, encoding="utf-8")
    return path


def the_problem(text: str = "") -> tuple[str, str]:
    """Key and sentence of the one problem that ``text`` has."""
    if text:
        toml(text)
    found = inspect_settings(Settings)
    assert found.settings is None
    assert len(found.problems) == 1, found.problems
    return found.problems[0].key, found.problems[0].message


def test_defaults_hold_without_a_file() -> None:
    settings = load_settings(Settings)
    assert settings.answering.accuracy_goal == 0.95
    assert settings.answering.choices_goal == 0.80
    assert settings.answering.absent_share == 0.3
    assert settings.answering.max_handoff_share is None
    assert settings.index.dir == Path("build/index")
    assert settings.server.allowed_origins == ()
    assert settings.storage.url.get_secret_value() == "sqlite:///build/helppari.sqlite"
    assert settings.limits.message_chars == 2_000


def test_the_file_overrides_defaults_and_the_environment_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    toml('[site]\nname = "Etupolku"\n[answering]\naccuracy_goal = 0.9\nabsent_share = 0.2\n')
    monkeypatch.setenv("HELPPARI_ANSWERING__ABSENT_SHARE", "0.5")
    found = inspect_settings(Settings)
    assert found.settings is not None
    assert found.settings.site.name == "Etupolku"
    assert found.settings.answering.accuracy_goal == 0.9
    assert found.settings.answering.absent_share == 0.5
    assert found.settings.answering.choices_goal == 0.80
    assert found.origins["answering.accuracy_goal"] == "helppari.toml"
    assert found.origins["answering.absent_share"] == "HELPPARI_ANSWERING__ABSENT_SHARE"
    assert "answering.choices_goal" not in found.origins


@pytest.mark.parametrize("value", ["fi,sv", "fi, sv", '["fi", "sv"]'])
def test_lists_in_the_environment_are_json_or_commas(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HELPPARI_SITE__LANGUAGES", value)
    assert load_settings(Settings).site.languages == ("fi", "sv")


def test_tables_by_language_merge_file_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    toml('[contact.fi]\nphone = "020 123 400"\nhours = "ma–pe 8–17"\n')
    monkeypatch.setenv("HELPPARI_CONTACT__FI__PHONE", "020 999 999")
    monkeypatch.setenv("HELPPARI_CONTACT__SV__EMAIL", "kundtjanst@etupolku.example")
    contact = load_settings(Settings).contact
    assert contact["fi"] == ContactSettings(phone="020 999 999", hours="ma–pe 8–17")
    assert contact["sv"] == ContactSettings(email="kundtjanst@etupolku.example")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELPPARI_ANSWERING__MAX_HANDOFF_SHARE", "")
    assert load_settings(Settings).answering.max_handoff_share is None


@pytest.mark.parametrize(
    ("text", "key", "sentence"),
    [
        (
            "[answering]\nacuracy_goal = 0.9\n",
            "answering.acuracy_goal",
            "answering.acuracy_goal (set by helppari.toml) is no setting: "
            "did you mean answering.accuracy_goal?",
        ),
        (
            "[site]\nabsent_share = 0.5\n",
            "site.absent_share",
            "site.absent_share (set by helppari.toml) is no setting: did you mean answering.absent_share?",
        ),
        (
            '[contact.fi]\nphon = "1"\n',
            "contact.fi.phon",
            "contact.fi.phon (set by helppari.toml) is no setting: did you mean contact.fi.phone?",
        ),
        (
            "[index]\nzzz = 1\n",
            "index.zzz",
            "index.zzz (set by helppari.toml) is no setting: [index] has dir, kb, encoder",
        ),
        (
            "[answerng]\n",
            "answerng",
            "[answerng] in helppari.toml is no section of settings: did you mean [answering]?",
        ),
        (
            "[answering]\naccuracy_goal = 1.5\n",
            "answering.accuracy_goal",
            "answering.accuracy_goal (set by helppari.toml) cannot be 1.5: "
            "it should be: number, at least 0.5 and below 1",
        ),
        (
            "[answering]\naccuracy_goal = nan\n",
            "answering.accuracy_goal",
            "answering.accuracy_goal (set by helppari.toml) cannot be nan: "
            "it should be: number, at least 0.5 and below 1",
        ),
        (
            '[server]\nport = "high"\n',
            "server.port",
            "server.port (set by helppari.toml) cannot be 'high': "
            "it should be: whole number, at least 0 and at most 65535",
        ),
        (
            '[handoff]\nlow_confidence = "guess"\n',
            "handoff.low_confidence",
            "handoff.low_confidence (set by helppari.toml) cannot be 'guess': "
            'it should be: "hand_off" or "offer"',
        ),
        (
            '[server]\nallowed_origins = ["*"]\n',
            "server.allowed_origins",
            "server.allowed_origins (set by helppari.toml) cannot be '*': "
            "it should be origins such as https://www.example.com, without a path or a star",
        ),
        (
            '[server]\ntrusted_proxies = ["proxy"]\n',
            "server.trusted_proxies",
            "server.trusted_proxies (set by helppari.toml) cannot be 'proxy': "
            "it should be addresses or networks such as 10.0.0.0/8",
        ),
        (
            '[site]\nlanguages = ["suomi"]\n',
            "site.languages",
            "site.languages (set by helppari.toml) cannot be 'suomi': "
            "it should be a language's code of two or three small letters, such as fi",
        ),
        (
            '[contact.Finnish]\nphone = "1"\n',
            "contact.Finnish",
            "contact.Finnish (set by helppari.toml) cannot be 'Finnish': "
            "it should be a language's code of two or three small letters, such as fi",
        ),
        (
            'server = "localhost"\n',
            "server",
            "server (set by helppari.toml) cannot be 'localhost': it should be a table of settings",
        ),
        (
            "[site\n",
            "",
            "helppari.toml is not TOML: Expected ']' at the end of a table declaration (at line 1, column 6)",
        ),
    ],
)
def test_each_mistake_has_its_sentence(text: str, key: str, sentence: str) -> None:
    assert the_problem(text) == (key, sentence)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "HELPPARI_ANSWRING__ABSENT_SHARE",
            "HELPPARI_ANSWRING__ABSENT_SHARE in the environment is no setting: "
            "did you mean HELPPARI_ANSWERING__ABSENT_SHARE?",
        ),
        (
            "HELPPARI_ANSWERING_ABSENT_SHARE",
            "HELPPARI_ANSWERING_ABSENT_SHARE in the environment is no setting: "
            "did you mean HELPPARI_ANSWERING__ABSENT_SHARE (two underscores)?",
        ),
        (
            "HELPPARI_ANSWERING__ABSENTSHARE",
            "answering.absentshare (set by HELPPARI_ANSWERING__ABSENTSHARE) is no setting: "
            "did you mean answering.absent_share?",
        ),
    ],
)
def test_a_misspelt_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, sentence: str) -> None:
    monkeypatch.setenv(name, "0.5")
    assert the_problem()[1] == sentence


def test_variables_of_a_container_platform_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELPPARI_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("HELPPARI_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("HELPPARI_CACHE", "/var/cache/helppari")
    assert load_settings(Settings).server.port == 8000


def test_a_wrong_secret_is_not_repeated() -> None:
    _, sentence = the_problem('[storage]\nurl = "mysql://root:hunter2@db/help"\n')
    assert sentence == (
        "storage.url (set by helppari.toml) cannot be its value: it should begin with sqlite:/// or postgresql://"
    )


def test_a_secret_is_masked_when_printed() -> None:
    toml('[storage]\nurl = "postgresql://bot:hunter2@db/help"\n')
    settings = load_settings(Settings)
    assert "hunter2" not in repr(settings)
    assert isinstance(settings.storage.url, SecretStr)


def test_every_problem_is_found_and_the_first_is_raised() -> None:
    toml("[answering]\naccuracy_goal = 2\nabsent_share = -1\n[serverr]\n")
    keys = [problem.key for problem in inspect_settings(Settings).problems]
    assert keys == ["serverr", "answering.accuracy_goal", "answering.absent_share"]
    with pytest.raises(SettingsError, match=r"\(and 2 more: run `helppari config check`\)$") as caught:
        load_settings(Settings)
    assert caught.value.key == "serverr"


def test_a_named_file_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"^there is no settings file at nowhere.toml"):
        load_settings(Settings, Path("nowhere.toml"))
    monkeypatch.setenv("HELPPARI_CONFIG", "other.toml")
    with pytest.raises(SettingsError, match=r"^there is no settings file at other.toml"):
        load_settings(Settings)
    Path("other.toml").write_text('[site]\nname = "Toinen"\n', encoding="utf-8")
    assert load_settings(Settings).site.name == "Toinen"


def test_settings_are_frozen() -> None:
    settings = load_settings(Settings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.site = base.SiteSettings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.site.name = "x"


def test_building_ignores_the_service_s_sections_but_not_its_own_mistakes() -> None:
    toml("[server]\nport = 1\nnonsense = true\n")
    assert load_settings(base.Settings).answering.accuracy_goal == 0.95
    toml("[indx]\n")
    assert [p.key for p in inspect_settings(base.Settings).problems] == ["indx"]


def test_the_service_s_sections_are_all_known_to_the_base() -> None:
    added = set(Settings.model_fields) - set(base.Settings.model_fields)
    assert added == base.Settings.other_sections


def test_every_setting_has_type_default_and_one_sentence() -> None:
    rows = {row.key: row for row in settings_table(Settings)}
    for row in rows.values():
        assert row.type
        assert row.help.endswith("."), row.key
        assert row.help.count(". ") == 0, row.key
    assert rows["answering.absent_share"].type == "number, at least 0 and below 1"
    assert rows["answering.absent_share"].default == "0.3"
    assert rows["answering.max_handoff_share"].type == "number, above 0 and at most 1, optional"
    assert rows["answering.max_handoff_share"].default == ""
    assert rows["server.allowed_origins"].default == "[]"
    assert rows["contact.<language>.phone"].variable == "HELPPARI_CONTACT__<LANGUAGE>__PHONE"
    assert rows["handoff.crisis_lines.<language>"].type == "text"
    assert rows["storage.url"].secret


def test_each_default_in_the_table_is_what_loading_gives() -> None:
    lines: dict[str, list[str]] = {}
    for row in settings_table(Settings):
        if row.default and "<" not in row.key:
            section, _, name = row.key.partition(".")
            lines.setdefault(section, []).append(f"{name} = {row.default}")
    toml("\n".join(f"[{section}]\n" + "\n".join(rows) for section, rows in lines.items()))
    assert load_settings(Settings) == Settings()


def test_contact_falls_back_to_the_site_s_first_language() -> None:
    toml(
        '[site]\nlanguages = ["sv", "fi"]\n[contact.fi]\nphone = "1"\n[contact.sv]\nphone = "2"\n'
        '[handoff.crisis_lines]\nfi = "kriisi 09"\n'
    )
    settings = load_settings(Settings)
    assert settings.contact_for("fi").phone == "1"
    assert settings.contact_for("en").phone == "2"
    assert settings.crisis_line_for("en") == "kriisi 09"
    assert settings.own_contacts == ("1", "2", "112", "kriisi 09")
    assert Settings().contact_for("fi").empty


def test_the_sample_file_is_right() -> None:
    sample = Path(__file__).parents[2] / "helppari.toml"
    settings = load_settings(Settings, sample)
    assert settings.site.languages == ("fi", "sv", "en")
    assert settings.contact_for("sv").email == "kundtjanst@etupolku.example"
