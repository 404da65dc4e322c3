"""``/demo``: a company's page in three languages with the chat in one line, under a strict policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botsvc.widget_settings import SiteKeySettings
from tests.integration.help_center import Running, running


@pytest.mark.parametrize(("path", "lang"), [("/demo", "en"), ("/demo/fi", "fi"), ("/demo/sv", "sv")])
def test_each_language_has_its_page_with_the_one_line(web: Running, path: str, lang: str) -> None:
    response = web.client.get(path)
    assert response.status_code == 200
    assert response.headers["content-language"] == lang
    assert f'<html lang="{lang}">' in response.text
    assert re.findall(r"<script.*?</script>", response.text) == [
        f'<script src="/widget.js" data-site-key="etupolku" data-lang="{lang}" async></script>'
    ]
    assert "Example</title>" in response.text


def test_the_pages_are_as_strict_as_a_host_can_be(web: Running) -> None:
    response = web.client.get("/demo")
    policy = response.headers["content-security-policy"]
    for rule in ("script-src 'self'", "style-src 'self'", "require-trusted-types-for 'script'"):
        assert rule in policy.split("; ")
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", response.text)
    assert "set-cookie" not in response.headers
    assert '<meta name="robots" content="noindex">' in response.text


def test_a_language_without_a_page_is_not_found(web: Running) -> None:
    assert web.client.get("/demo/de").status_code == 404


def test_the_pages_name_a_site_that_is_configured(tmp_path: Path) -> None:
    with running(
        tmp_path, widget={"sites": {"shop": SiteKeySettings(origins=("https://shop.example",))}}
    ) as web:
        assert 'data-site-key="shop"' in web.client.get("/demo").text


def test_operators_can_switch_them_off(tmp_path: Path) -> None:
    with running(tmp_path, widget={"demo": False}) as web:
        assert web.client.get("/demo").status_code == 404
        assert web.client.get("/demo/fi").status_code == 404
