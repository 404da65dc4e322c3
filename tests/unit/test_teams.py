"""Teams and routing from the settings, and the sentence for each mistake in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from botsvc.calendar_days import Eve
from botsvc.decisions import Priority, Reason
from botsvc.routing import RoutingFacts
from botsvc.settings import Settings
from botsvc.team_settings import EveSettings, RoutingRule
from botsvc.teams import Teams
from indexer import SettingsError
from indexer.settings import inspect_settings, load_settings, settings_table

NOON = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday, 12.00 in Helsinki
NIGHT = NOON.replace(hour=20)
SAMPLE = Path(__file__).parents[2] / "helppari.toml"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HELPPARI_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def read(text: str) -> Settings:
    Path("helppari.toml").write_text(text, encoding="utf-8")
    return load_settings(Settings)


def problems(text: str) -> list[tuple[str, str]]:
    Path("helppari.toml").write_text(text, encoding="utf-8")
    return [(found.key, found.message) for found in inspect_settings(Settings).problems]


def teams(routing: str = "") -> Teams:
    return Teams.from_settings(
        read(
            f"""
            [teams.service]
            languages = ["fi", "en"]
            time_zone = "Europe/Helsinki"
            hours = {{ mon-fri = "8-17" }}
            [teams.swedish]
            languages = ["sv"]
            time_zone = "Europe/Helsinki"
            hours = {{ mon-fri = "9-15" }}
            [teams.cards]
            languages = ["fi", "sv", "en"]
            skills = ["cards", "fraud"]
            time_zone = "Europe/Helsinki"
            hours = {{ mon-sun = "0-24" }}
            {routing}
            """
        )
    )


def key_of(found: Teams, facts: RoutingFacts, now: datetime = NOON) -> str:
    team = found.route(facts, now)
    assert team is not None
    return team.key


def test_a_team_is_what_the_settings_say() -> None:
    settings = read(
        """
        [teams.cards]
        languages = ["fi", "sv"]
        skills = ["cards"]
        time_zone = "Europe/Stockholm"
        holidays = "SE"
        reply_minutes = 45
        email = "kort@etupolku.example"
        eves = { new_years_eve = "8-12", christmas_eve = "open" }
        name = { sv = "Korttjänst", fi = "Korttipalvelu" }
        hours = { mon-fri = "8.00-17.00", sat = "10-14" }
        exceptions = { "2026-12-23" = "8-12" }
        """
    )
    team = Teams.from_settings(settings).by_key["cards"]
    assert (team.key, team.email, team.reply) == ("cards", "kort@etupolku.example", timedelta(minutes=45))
    assert team.time_zone == "Europe/Stockholm"
    assert team.languages == {"fi", "sv"}
    assert team.skills == {"cards"}
    assert [team.name(lang) for lang in ("fi", "sv", "en")] == ["Korttipalvelu", "Korttjänst", "Korttjänst"]
    assert [team.speaks(lang) for lang in ("sv", "en", "")] == [True, False, True]
    assert team.hours.eves == {Eve.NEW_YEAR: ((480, 720),), Eve.CHRISTMAS: None, Eve.MIDSUMMER: ()}
    assert team.hours.weekly[5] == ((600, 840),)
    assert not team.hours.is_open(datetime(2026, 12, 23, 11, 0, tzinfo=UTC))
    assert settings.own_contacts == ("112", "kort@etupolku.example")


def test_without_a_name_the_key_is_shown() -> None:
    team = Teams.from_settings(read("[teams.cards]\n")).by_key["cards"]
    assert team.name("fi") == "cards"
    assert team.hours.next_opening(NOON) is None
    assert team.speaks("ja")


def test_no_teams_no_team() -> None:
    found = Teams.from_settings(read(""))
    assert len(found) == 0
    assert found.route(RoutingFacts(language="fi", wanted_team="cards"), NOON) is None


def test_without_rules_the_language_decides_and_then_the_default() -> None:
    found = teams()
    assert found.default == "service"
    assert key_of(found, RoutingFacts(language="fi")) == "service"
    assert key_of(found, RoutingFacts(language="sv")) == "swedish"
    assert key_of(found, RoutingFacts(language="et")) == "service"
    assert key_of(found, RoutingFacts()) == "service"
    assert key_of(teams('[routing]\ndefault = "cards"'), RoutingFacts(language="sv")) == "cards"


def test_the_article_names_a_team_that_speaks_the_language() -> None:
    found = teams()
    assert key_of(found, RoutingFacts(language="en", wanted_team="cards")) == "cards"
    assert key_of(found, RoutingFacts(language="en", wanted_team="swedish")) == "service"
    assert key_of(found, RoutingFacts(language="fi", wanted_team="nobody")) == "service"


def test_a_skill_that_is_asked_for_outweighs_the_language() -> None:
    found = teams()
    assert key_of(found, RoutingFacts(language="fi", skill="fraud")) == "cards"
    assert key_of(found, RoutingFacts(language="ja", skill="fraud")) == "cards"
    assert key_of(found, RoutingFacts(language="fi", skill="juggling")) == "service"


@pytest.mark.parametrize(
    ("condition", "right", "wrong"),
    [
        ('topics = ["card", "app"]', {"topic": "card"}, {"topic": "lunch"}),
        ('audiences = ["employer"]', {"audience": "employer"}, {"audience": ""}),
        ('languages = ["fi"]', {"language": "fi"}, {"language": "en"}),
        ('reasons = ["rule"]', {"reason": Reason.RULE}, {"reason": Reason.ASKED}),
        ('priorities = ["crisis"]', {"priority": Priority.CRISIS}, {"priority": Priority.ASKED}),
        ('wanted = ["service"]', {"wanted_team": "service"}, {"wanted_team": ""}),
        ('skills = ["tax"]', {"skill": "tax"}, {"skill": "law"}),
        ("most_waiting = 2", {"waiting": {"cards": 2}}, {"waiting": {"cards": 3}}),
        (
            'topics = ["card"]\nlanguages = ["fi"]',
            {"topic": "card", "language": "fi"},
            {"topic": "card", "language": "en"},
        ),
    ],
)
def test_each_condition_of_a_rule(condition: str, right: dict[str, Any], wrong: dict[str, Any]) -> None:
    found = teams(f'[routing.rules.one]\nteam = "cards"\n{condition}')
    assert key_of(found, RoutingFacts(**right)) == "cards"
    assert key_of(found, RoutingFacts(**wrong)) == "service"


def test_rules_about_opening_hours() -> None:
    found = teams('[routing.rules.late]\nteam = "cards"\nclosed = ["service", "swedish"]\nopen = ["cards"]')
    assert key_of(found, RoutingFacts(), NOON) == "service"
    assert key_of(found, RoutingFacts(), NIGHT) == "cards"
    # At 16.00 in Helsinki only one of the two is closed.
    assert key_of(found, RoutingFacts(), NOON.replace(hour=14)) == "service"
    found = teams('[routing.rules.late]\nteam = "cards"\nopen = ["swedish"]')
    assert [key_of(found, RoutingFacts(), now) for now in (NOON, NIGHT)] == ["cards", "service"]


def test_the_first_rule_that_holds_wins_even_over_the_article() -> None:
    found = teams(
        '[routing.rules.zz]\nteam = "swedish"\ntopics = ["card"]\n'
        '[routing.rules.aa]\nteam = "cards"\ntopics = ["card", "app"]'
    )
    facts = RoutingFacts(topic="card", language="fi", wanted_team="service")
    assert key_of(found, facts) == "swedish"
    assert key_of(found, RoutingFacts(topic="app", wanted_team="service")) == "cards"


def test_a_full_team_passes_on_to_the_next_rule() -> None:
    found = teams(
        '[routing.rules.a]\nteam = "service"\ntopics = ["card"]\nmost_waiting = 5\n'
        '[routing.rules.b]\nteam = "cards"\ntopics = ["card"]'
    )
    assert key_of(found, RoutingFacts(topic="card", waiting={"service": 5})) == "service"
    assert key_of(found, RoutingFacts(topic="card", waiting={"service": 6, "cards": 90})) == "cards"


ZONE = 'time_zone = "Europe/Helsinki"'


@pytest.mark.parametrize(
    ("text", "key", "sentence"),
    [
        (
            '[teams.cards]\ntime_zone = "Europe/Helsinky"',
            "teams.cards.time_zone",
            "cannot be 'Europe/Helsinky': it should be the IANA name of a time zone: "
            "did you mean Europe/Helsinki?",
        ),
        (
            '[teams.cards]\ntime_zone = "EET+2x"',
            "teams.cards.time_zone",
            "cannot be 'EET+2x': it should be the IANA name of a time zone",
        ),
        (
            '[teams.cards]\nhours = { mon-fri = "8-17" }',
            "teams.cards.hours",
            "it needs time_zone in the same team, such as Europe/Helsinki",
        ),
        (
            '[teams.cards]\nexceptions = { "2026-12-23" = "8-12" }',
            "teams.cards.exceptions",
            "it needs time_zone in the same team, such as Europe/Helsinki",
        ),
        (
            f'[teams.cards]\n{ZONE}\nhours = {{ mon-fri = "17-8" }}',
            "teams.cards.hours.mon-fri",
            "cannot be '17-8': it should end after it begins",
        ),
        (
            f'[teams.cards]\n{ZONE}\nhours = {{ mon-fri = "8-12, 11-15" }}',
            "teams.cards.hours.mon-fri",
            "it should not open twice at a time: 8.00-12.00 and 11.00-15.00 overlap",
        ),
        (
            f'[teams.cards]\n{ZONE}\nhours = {{ ma-pe = "8-17" }}',
            "teams.cards.hours.ma-pe",
            "cannot be 'ma-pe': it should be a day or days such as mon, mon-fri or sat, from mon to sun",
        ),
        (
            f'[teams.cards]\n{ZONE}\nhours = {{ mon-fri = "8-17", fri = "8-15" }}',
            "teams.cards.hours",
            "cannot be its value: it should name each day once: mon-fri and fri both have fri",
        ),
        (
            f'[teams.cards]\n{ZONE}\nhours = {{ mon = "22-6", tue = "5-8" }}',
            "teams.cards.hours",
            "it should not open twice at a time: 22.00-6.00 of mon overlaps 5.00-8.00 of tue",
        ),
        (
            f"[teams.cards]\n{ZONE}\nhours = {{ mon = 8 }}",
            "teams.cards.hours.mon",
            "cannot be 8: it should be: text",
        ),
        (
            f'[teams.cards]\n{ZONE}\nexceptions = {{ "23.12.2026" = "8-12" }}',
            "teams.cards.exceptions.23.12.2026",
            "cannot be '23.12.2026': it should be a date in quotes, such as \"2026-12-23\"",
        ),
        (
            f'[teams.cards]\n{ZONE}\nexceptions = {{ "2026-12-23" = "morning" }}',
            "teams.cards.exceptions.2026-12-23",
            "cannot be 'morning': it should be times of the 24-hour clock such as 8.00-17.00",
        ),
        (
            '[teams.cards]\nholidays = "Finland"',
            "teams.cards.holidays",
            "cannot be 'Finland': it should be the code of a country such as FI or SE",
        ),
        (
            '[teams.cards]\neves = { christmas_eve = "half" }',
            "teams.cards.eves.christmas_eve",
            "cannot be 'half': it should be times of the 24-hour clock",
        ),
        (
            '[teams.cards]\neves = { cristmas_eve = "8-12" }',
            "teams.cards.eves.cristmas_eve",
            "is no setting: did you mean teams.cards.eves.christmas_eve?",
        ),
        (
            "[teams.cards]\nreply_minutes = 0",
            "teams.cards.reply_minutes",
            "cannot be 0: it should be: whole number, at least 1 and at most 43200",
        ),
        (
            "[teams.cards]\nreply_minute = 60",
            "teams.cards.reply_minute",
            "is no setting: did you mean teams.cards.reply_minutes?",
        ),
        (
            '[teams.cards]\nemail = "cards at example.com"',
            "teams.cards.email",
            "it should be an e-mail address such as cards@example.com",
        ),
        (
            "[teams.Cards]\n",
            "teams.Cards",
            "cannot be 'Cards': it should be small letters, digits, - and _, such as cards",
        ),
        (
            '[teams.cards.name]\nSuomi = "Kortit"',
            "teams.cards.name.Suomi",
            "it should be a language's code of two or three small letters, such as fi",
        ),
        (
            '[teams.cards]\n[routing]\ndefault = "card"',
            "routing.default",
            "cannot be 'card': it should be the key of a team: did you mean cards?",
        ),
        (
            '[routing]\ndefault = "service"',
            "routing.default",
            "cannot be 'service': it needs a team, and there is none: add one as [teams.cards]",
        ),
        (
            '[teams.cards]\n[routing.rules.sv]\nlanguages = ["sv"]',
            "routing.rules.sv.team",
            "cannot be '': it should be the key of a team: cards",
        ),
        (
            '[teams.cards]\n[routing.rules.sv]\nteam = "cards"\nclosed = ["service"]',
            "routing.rules.sv.closed",
            "cannot be 'service': it should be the key of a team: cards",
        ),
        (
            '[teams.cards]\n[routing.rules.sv]\nteam = "cards"\nreasons = ["because"]',
            "routing.rules.sv.reasons",
            'cannot be \'because\': it should be: list of "asked" or "low_confidence" or',
        ),
        (
            '[teams.cards]\n[routing.rules.sv]\nteam = "cards"\ntopic = ["card"]',
            "routing.rules.sv.topic",
            "is no setting: did you mean routing.rules.sv.topics?",
        ),
    ],
)
def test_each_mistake_has_its_sentence(text: str, key: str, sentence: str) -> None:
    [(found, message)] = problems(text)
    assert found == key
    if "cannot be ''" not in message:  # what is left out was set by nobody
        assert message.startswith(f"{key} (set by helppari.toml) ")
    assert message.startswith(f"{key} ")
    assert sentence in message
    assert "\n" not in message


def test_all_unknown_teams_are_named_at_once() -> None:
    text = '[teams.cards]\n[routing]\ndefault = "a1"\n[routing.rules.x]\nteam = "b2"\nopen = ["c3", "cards"]'
    assert [key for key, _ in problems(text)] == [
        "routing.default",
        "routing.rules.x.team",
        "routing.rules.x.open",
    ]


def test_settings_made_past_the_file_are_checked_as_well() -> None:
    with pytest.raises(SettingsError, match=r"^routing.default cannot be 'cards': it needs a team"):
        Teams.from_settings(Settings.model_validate({"routing": {"default": "cards"}}))


def test_the_environment_changes_a_team_and_leaves_the_order_of_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HELPPARI_TEAMS__CARDS__REPLY_MINUTES", "15")
    monkeypatch.setenv("HELPPARI_ROUTING__RULES__B__TOPICS", "card,app")
    found = teams('[routing.rules.a]\nteam = "swedish"\n[routing.rules.b]\nteam = "cards"')
    assert found.by_key["cards"].reply == timedelta(minutes=15)
    assert [rule.name for rule in found.rules] == ["a", "b"]
    assert found.rules[1].topics == {"card", "app"}


def test_the_settings_know_every_eve_reason_and_priority() -> None:
    assert set(EveSettings.model_fields) == {eve.value for eve in Eve}
    priorities = RoutingRule.model_validate({"team": "a", "priorities": [one.value for one in Priority]})
    assert len(priorities.priorities) == len(Priority)
    reasons = ("asked", "low_confidence", "repeated_failure", "rule", "feedback", "form")
    assert all(Reason(reason) for reason in reasons)
    assert RoutingRule.model_validate({"team": "a", "reasons": reasons}).reasons == reasons


def test_free_parts_of_keys_are_named_after_what_they_are() -> None:
    keys = {row.key: row.variable for row in settings_table(Settings)}
    assert keys["teams.<team>.reply_minutes"] == "HELPPARI_TEAMS__<TEAM>__REPLY_MINUTES"
    assert {"teams.<team>.hours.<days>", "teams.<team>.exceptions.<date>"} <= keys.keys()
    assert {"teams.<team>.name.<language>", "routing.rules.<rule>.team"} <= keys.keys()


@pytest.mark.parametrize(
    ("facts", "at", "team"),
    [
        (RoutingFacts(language="sv"), NOON, "service"),
        (RoutingFacts(language="fi", topic="card"), NOON, "cards"),
        (RoutingFacts(language="fi", topic="lunch", wanted_team="cards"), NOON, "cards"),
        (RoutingFacts(language="en", audience="employer", topic="lunch"), NOON, "employers"),
        (RoutingFacts(language="fi", topic="invoices"), NOON, "employers"),
        (RoutingFacts(language="fi", priority="crisis", topic="invoices"), NOON, "service"),
        (RoutingFacts(language="fi", priority="crisis"), NOON.replace(hour=17), "cards"),
        (RoutingFacts(language="fi", priority="crisis"), NOON.replace(hour=22), "service"),
    ],
)
def test_the_sample_company_routes_as_it_says(facts: RoutingFacts, at: datetime, team: str) -> None:
    assert key_of(Teams.from_settings(load_settings(Settings, SAMPLE)), facts, at) == team


def test_the_teams_of_the_sample_company_rest_on_christmas_eve() -> None:
    for team in Teams.from_settings(load_settings(Settings, SAMPLE)):
        assert not team.hours.is_open(datetime(2026, 12, 24, 8, 0, tzinfo=UTC))
        assert team.hours.is_open(NOON)
        assert all(team.name(lang) != team.key for lang in ("fi", "sv", "en"))
