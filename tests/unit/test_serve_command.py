"""Listening: the address that is printed, and ports that cannot be had."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from botsvc.errors import BotError
from botsvc.serving import _address, _listening


def test_port_0_takes_a_free_one_and_says_which() -> None:
    with closing(_listening("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        assert port > 0
        assert _address(sock) == f"http://127.0.0.1:{port}"


def test_an_address_for_all_is_printed_as_one_that_works_here() -> None:
    with closing(_listening("0.0.0.0", 0)) as sock:
        assert _address(sock) == f"http://127.0.0.1:{sock.getsockname()[1]}"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_addresses_are_in_brackets() -> None:
    try:
        sock = _listening("::1", 0)
    except BotError:
        pytest.skip("no IPv6 loopback here")
    with closing(sock):
        assert _address(sock) == f"http://[::1]:{sock.getsockname()[1]}"


def test_a_taken_port_is_a_sentence() -> None:
    with closing(_listening("127.0.0.1", 0)) as sock:
        sock.listen()
        port = sock.getsockname()[1]
        with pytest.raises(BotError, match=f"^127.0.0.1 port {port} cannot be listened on .* --port"):
            _listening("127.0.0.1", port)


def test_another_machine_s_address_is_a_sentence() -> None:
    with pytest.raises(BotError, match=r"^203\.0\.113\.1 port 0 cannot be listened on"):
        _listening("203.0.113.1", 0)
