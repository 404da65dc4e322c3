"""Contact details are found, kept apart, and never the company's own."""

from __future__ import annotations

import time

import pytest

from botsvc.contacts import Contacts, OwnContacts, move_contacts

PHONES = [
    ("soittakaa 040 123 4567 iltapäivällä", "soittakaa [phone] iltapäivällä", "040 123 4567"),
    ("numeroni on 0401234567.", "numeroni on [phone].", "0401234567"),
    ("olen asiakas, numeroni 040-1234567", "olen asiakas, numeroni [phone]", "040-1234567"),
    ("en ymmärrä laskua, 0401234567", "en ymmärrä laskua, [phone]", "0401234567"),
    ("+358 40 123 4567", "[phone]", "+358 40 123 4567"),
    ("+358401234567", "[phone]", "+358401234567"),
    ("+46 (0)70 112 00 08", "[phone]", "+46 (0)70 112 00 08"),
    ("00358 40 1234567", "[phone]", "00358 40 1234567"),
    ("ring mig på 070-112 00 08", "ring mig på [phone]", "070-112 00 08"),
    ("(09) 123 4567", "[phone]", "(09) 123 4567"),
    ("call me at +44 20 7946 0958!", "call me at [phone]!", "+44 20 7946 0958"),
]
EMAILS = [
    ("osoite on matti.meikalainen@esimerkki.fi.", "osoite on [e-mail].", "matti.meikalainen@esimerkki.fi"),
    ("<anna+x@firma.co.uk>", "<[e-mail]>", "anna+x@firma.co.uk"),
    ("äiti@työ.fi", "[e-mail]", "äiti@työ.fi"),
]
NOT_CONTACTS = [
    "viite 0123456789",
    "viitenumero: 0123 4567 89",
    "tilausnumero 012345678",
    "asiakasnumeroni on 012345678",
    "kortin numero 012345678",
    "0123456-7 kohdassa 3",
    "01.02.2026",
    "01-02-2026",
    "01022026",
    "klo 08-16",
    "klo 08.00-16.00",
    "0,5 prosenttia",
    "00012345",
    "17 123",
    "1234567-8",
    "4111 1111 1111 1111",
    "[card ****1111]",
    "020 123 456",
    "soita 0800 123 456",
    "a@b",
    "@nimi",
]


@pytest.mark.parametrize(("said", "stored", "phone"), PHONES)
def test_phones(said: str, stored: str, phone: str) -> None:
    moved = move_contacts(said)
    assert moved.text == stored
    assert moved.contacts == Contacts(phones=(phone,))


@pytest.mark.parametrize(("said", "stored", "email"), EMAILS)
def test_emails(said: str, stored: str, email: str) -> None:
    moved = move_contacts(said)
    assert moved.text == stored
    assert moved.contacts == Contacts(emails=(email,))


@pytest.mark.parametrize("said", NOT_CONTACTS)
def test_other_numbers_stay(said: str) -> None:
    moved = move_contacts(said)
    assert moved.text == said
    assert not moved.contacts


def test_the_company_s_own_details_stay() -> None:
    own = OwnContacts(["09 2525 0111", "asiakaspalvelu@etupolku.example", "Kriisipuhelin 09 2525 0112"])
    said = "soitin 0925250111, 09 25250112 ja kirjoitin phishing@Etupolku.example"
    assert move_contacts(said, own).text == said
    assert move_contacts("soitin 09 2525 0113", own).contacts.phones == ("09 2525 0113",)
    assert move_contacts("x@etupolku.example.evil.com", own).text == "[e-mail]"


def test_several_each_once() -> None:
    moved = move_contacts("040 123 4567 tai a@b.fi, siis 040 123 4567")
    assert moved.text == "[phone] tai [e-mail], siis [phone]"
    assert moved.contacts == Contacts(emails=("a@b.fi",), phones=("040 123 4567",))


@pytest.mark.parametrize(
    "text", ["a." * 30_000, "0 " * 30_000, "+1 " * 20_000, "a" * 60_000 + "@", "01 23 " * 10_000]
)
def test_long_texts_take_linear_time(text: str) -> None:
    start = time.perf_counter()
    move_contacts(text)
    assert time.perf_counter() - start < 2
