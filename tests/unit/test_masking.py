"""Masking, both ways: what must go, and what only looks like it and must stay."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botsvc.masking import mask, without_placeholders
from botsvc.number_text import Kind, luhn

HETU, PN, SAM, CARD, IBAN = (
    Kind.HENKILOTUNNUS,
    Kind.PERSONNUMMER,
    Kind.SAMORDNINGSNUMMER,
    Kind.CARD,
    Kind.IBAN,
)

# Check characters computed by hand from the published rules: by 31 for henkilötunnus (131052-308T is
# the Digital and Population Data Services Agency's own example), mod 10 for personnummer (811218-9876 is the
# Swedish Tax Agency's), mod 97 for IBANs. Cards are the networks' public test numbers.
GO = [
    ("henkilötunnukseni on 131052-308T", "henkilötunnukseni on [henkilötunnus ****308T]", HETU),
    ("131052-308t.", "[henkilötunnus ****308T].", HETU),
    ("131052–308T", "[henkilötunnus ****308T]", HETU),
    ("131052 - 308T", "[henkilötunnus ****308T]", HETU),
    ("131052308T", "[henkilötunnus ****308T]", HETU),
    ("１３１０５２-３０８Ｔ", "[henkilötunnus ****308T]", HETU),
    ("131052\u200b-308T", "[henkilötunnus ****308T]", HETU),
    ("010190+308L", "[henkilötunnus ****308L]", HETU),
    ("020305A308X", "[henkilötunnus ****308X]", HETU),
    ("150610B3081", "[henkilötunnus ****3081]", HETU),
    ("010101C308M", "[henkilötunnus ****308M]", HETU),
    ("040404D308S", "[henkilötunnus ****308S]", HETU),
    ("050505E308F", "[henkilötunnus ****308F]", HETU),
    ("310523F308W", "[henkilötunnus ****308W]", HETU),
    ("280295Y3084", "[henkilötunnus ****3084]", HETU),
    ("290296X3081", "[henkilötunnus ****3081]", HETU),
    ("120180W3084", "[henkilötunnus ****3084]", HETU),
    ("010170V308E", "[henkilötunnus ****308E]", HETU),
    ("311299U3085", "[henkilötunnus ****3085]", HETU),
    ("mitt personnummer är 811218-9876", "mitt personnummer är [personnummer ****9876]", PN),
    ("811218+9876", "[personnummer ****9876]", PN),
    ("19811218-9876", "[personnummer ****9876]", PN),
    ("198112189876", "[personnummer ****9876]", PN),
    ("8112189876", "[personnummer ****9876]", PN),
    ("811218 9876", "[personnummer ****9876]", PN),
    ("070112-0008", "[personnummer ****0008]", PN),
    ("200701120008", "[personnummer ****0008]", PN),
    ("personnummer 0701120008", "personnummer [personnummer ****0008]", PN),
    ("811278-9873", "[samordningsnummer ****9873]", SAM),
    ("198112789873", "[samordningsnummer ****9873]", SAM),
    ("kortti 4111 1111 1111 1111 katosi", "kortti [card ****1111] katosi", CARD),
    ("4111-1111-1111-1111", "[card ****1111]", CARD),
    ("4111111111111111", "[card ****1111]", CARD),
    ("4111 1111 1111 1111 12/27 123", "[card ****1111] 12/27 123", CARD),
    ("1234 4111 1111 1111 1111", "1234 [card ****1111]", CARD),
    ("4222222222222", "[card ****2222]", CARD),
    ("5555 5555 5555 4444", "[card ****4444]", CARD),
    ("2223003122003222", "[card ****3222]", CARD),
    ("3782 822463 10005", "[card ****0005]", CARD),
    ("3056 930902 5904", "[card ****5904]", CARD),
    ("6011111111111117", "[card ****1117]", CARD),
    ("3530111333300000", "[card ****0000]", CARD),
    ("6759649826438453", "[card ****8453]", CARD),
    ("tili FI21 1234 5600 0007 85 kiitos", "tili [IBAN ****0785] kiitos", IBAN),
    ("FI2112345600000785", "[IBAN ****0785]", IBAN),
    ("fi2112345600000785", "[IBAN ****0785]", IBAN),
    ("FI21-1234-5600-0007-85.", "[IBAN ****0785].", IBAN),
    ("FI21 1234 5600 0007 85 2 kpl", "[IBAN ****0785] 2 kpl", IBAN),
    ("SE45 5000 0000 0583 9825 7466", "[IBAN ****7466]", IBAN),
    ("GB82 WEST 1234 5698 7654 32", "[IBAN ****5432]", IBAN),
    ("DE89370400440532013000", "[IBAN ****3000]", IBAN),
    ("NO93 8601 1117 947", "[IBAN ****7947]", IBAN),
]

STAY = [
    # wrong check character, impossible date, a sign without a century
    "131052-308U",
    "310252-308T",
    "131052G308T",
    "811218-9877",
    "811318-9876",
    "4111 1111 1111 1112",
    "FI21 1234 5600 0007 86",
    "XX21 1234 5600 0007 85",
    # phone numbers, some of which pass an identity code's check
    "070 112 00 08",
    "0701120008",
    "070-112 00 08",
    "0701-12 00 08",
    "soita 0701120008 kiitos",
    "+46 70 112 00 08",
    "+46701120008",
    "040 123 4567",
    "0401234567",
    "040-1234567",
    "+358 40 123 4567",
    "+358401234567",
    "00358401234567",
    "09 2525 0111",
    "020 123 456",
    # Swedish identity-code look-alikes: organisation numbers have a month of 20 or more
    "556016-0680",
    "org.nr 5560160680",
    # references: Finnish ones in fives, creditor references, Swedish OCR numbers (all of which pass mod 10)
    "viite 12345 67890 12345 67892",
    "RF18 5390 0754 7034",
    "RF18539007547034",
    "OCR 4111111111111111",
    "OCR-nummer: 8112189876",
    "viitenumero 4111111111111111",
    "lasku 8112189876",
    "laskun numero on 198112189876",
    "tilausnumero 8112189876",
    "12345678901234567890",
    "41111111111111111111",
    # business ids, invoices, amounts, dates, times
    "1234567-8",
    "y-tunnus 0737546-2",
    "FI07375462",
    "SE556016068001",
    "lasku 2026-000123",
    "maksoin 1 234 567,89 euroa",
    "13.10.2052 klo 12.30",
    "20260115 12:30:00",
    # the company's own card (set as such), and numbers that no payment network issues
    "9246 0012 3456 7897",
    "9246001234567897",
    "1111 2222 3333 4444",
    "0000 0000 0000 0000",
    "SALDO numeroon 17123",
]


@pytest.mark.parametrize(("said", "stored", "kind"), GO)
def test_what_must_go(said: str, stored: str, kind: Kind) -> None:
    masked = mask(said)
    assert masked.text == stored
    assert masked.kinds == (kind,)


@pytest.mark.parametrize("said", STAY)
def test_what_must_stay(said: str) -> None:
    masked = mask(said)
    assert masked.text == said
    assert masked.kinds == ()


def test_placeholders_can_be_taken_out_for_searching() -> None:
    stored = mask("korttini 4111 1111 1111 1111 katosi").text + "\nsoittakaa [phone] tai [e-mail]"
    assert without_placeholders(stored) == "korttini katosi\nsoittakaa tai"
    assert without_placeholders("mitä [phone] tarkoittaa, entä [muu] tai ****?") == (
        "mitä tarkoittaa, entä [muu] tai ****?"
    )


def test_several_in_one_message() -> None:
    masked = mask("811218-9876 131052-308T, kortti 4111111111111111 ja tili FI2112345600000785")
    assert masked.text == (
        "[personnummer ****9876] [henkilötunnus ****308T], kortti [card ****1111] ja tili [IBAN ****0785]"
    )
    assert masked.kinds == (PN, HETU, CARD, IBAN)


def test_lists_of_codes_are_masked_one_by_one() -> None:
    assert mask("811218-9876 670919-9530").kinds == (PN, PN)
    assert mask("8112189876 6709199530").kinds == (PN, PN)
    assert mask("4111 1111 1111 1111 5555 5555 5555 4444").kinds == (CARD, CARD)


def test_the_company_s_own_cards_stay_even_when_they_look_like_payment_cards() -> None:
    assert mask("kortti 5555 5555 5555 4444").kinds == (CARD,)
    kept = mask("kortti 5555 5555 5555 4444, toinen 4111111111111111", benefit_card_prefixes=("5555",))
    assert kept.text == "kortti 5555 5555 5555 4444, toinen [card ****1111]"


@pytest.mark.parametrize(("said", "stored", "kind"), GO)
def test_masking_twice_changes_nothing(said: str, stored: str, kind: Kind) -> None:
    assert mask(stored).text == stored


@given(st.text(alphabet=st.sampled_from("0123456789 -+ATFIé\n.,"), max_size=80))
def test_what_is_not_masked_is_left_as_it_was(text: str) -> None:
    masked = mask(text)
    if not masked.kinds:
        assert masked.text == text
    assert mask(masked.text).text == masked.text


@given(st.integers(min_value=0, max_value=999_999_999))
def test_luhn_finds_every_single_wrong_digit(number: int) -> None:
    body = f"{number:09d}"
    good = [c for c in "0123456789" if luhn(body + c)]
    assert len(good) == 1
    whole = body + good[0]
    for place in range(10):
        wrong = whole[:place] + str((int(whole[place]) + 1) % 10) + whole[place + 1 :]
        assert not luhn(wrong)


@pytest.mark.parametrize(
    "text", ["1 " * 30_000, "4" * 60_000, "FI21 " * 12_000, "lasku " * 10_000 + "1", "0-" * 30_000]
)
def test_long_texts_take_linear_time(text: str) -> None:
    def seconds(masked: str) -> float:
        start = time.thread_time()
        mask(masked)
        return time.thread_time() - start

    # Four times the text: four times the work, where a quadratic expression would need sixteen.
    short = text[: len(text) // 4]
    assert seconds(text) < 10 * max(seconds(short), 0.005)
