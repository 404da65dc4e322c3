from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.encoder_cache import DESCRIPTION, Prepared, cache_folders, checksums, open_prepared
from indexer.errors import EncoderError


def writer(content: str, calls: list[str]) -> Callable[[Path], Prepared]:
    def prepare(folder: Path) -> Prepared:
        calls.append(content)
        (folder / "model").write_text(content)
        return Prepared(fingerprint=content, query_prefix="q: ", passage_prefix="", files=checksums(folder))

    return prepare


def test_an_encoder_is_prepared_once(tmp_path: Path) -> None:
    calls: list[str] = []
    first = open_prepared("one", writer("a", calls), cache=tmp_path)
    second = open_prepared("one", writer("b", calls), cache=tmp_path)
    assert first == second
    assert first[0] == tmp_path / "one"
    assert (first[0] / "model").read_text() == "a"
    assert first[1].query_prefix == "q: "
    assert calls == ["a"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model").write_text("A"),
        lambda folder: (folder / "model").unlink(),
        lambda folder: (folder / DESCRIPTION).write_text("{"),
        lambda folder: (folder / DESCRIPTION).write_text("[]"),
        lambda folder: (folder / DESCRIPTION).write_text('{"fingerprint": 1}'),
        lambda folder: (folder / DESCRIPTION).unlink(),
    ],
    ids=["changed", "missing", "not JSON", "not an object", "incomplete", "no description"],
)
def test_a_damaged_encoder_is_prepared_again(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    calls: list[str] = []
    folder, _ = open_prepared("one", writer("a", calls), cache=tmp_path)
    damage(folder)
    folder, prepared = open_prepared("one", writer("b", calls), cache=tmp_path)
    assert (calls, prepared.fingerprint, (folder / "model").read_text()) == (["a", "b"], "b", "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".one.lock", "one"]


def test_a_failed_preparation_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> Prepared:
        (folder / "model").write_text("half")
        raise EncoderError("no")

    with pytest.raises(EncoderError, match=r"^no$"):
        open_prepared("one", fail, cache=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".one.lock"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".one.x1y2" / "one").mkdir(parents=True)
    (tmp_path / ".another.x1y2").mkdir()
    open_prepared("one", writer("a", []), cache=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".another.x1y2", ".one.lock", "one"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EncoderError) as raised:
        open_prepared("one", writer("a", []), cache=tmp_path / "file" / "cache")
    assert str(raised.value) == (
        f"the encoder cannot be prepared, as {tmp_path}/file/cache (Not a directory) cannot be written: "
        "set HELPPARI_CACHE to a folder that this user may write, with 100 MB free"
    )


def test_the_users_cache_folder_stands_in_for_one_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HELPPARI_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    calls: list[str] = []
    folder, _ = open_prepared("one", writer("a", calls))
    assert folder == tmp_path / "home" / "helppari" / "one"
    assert open_prepared("one", writer("b", calls))[0] == folder
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(
        EncoderError, match=r"/file/cache \(.*\) nor .*/file/helppari \(.*\) cannot be written"
    ):
        open_prepared("one", writer("a", calls))
    assert calls == ["a"]


def test_an_encoder_prepared_in_a_folder_that_is_now_read_only_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELPPARI_CACHE", str(tmp_path / "image"))
    open_prepared("one", writer("a", []))
    os.chmod(tmp_path / "image", 0o555)
    try:
        assert open_prepared("one", writer("b", []))[1].fingerprint == "a"
    finally:
        os.chmod(tmp_path / "image", 0o755)


def test_cache_folders_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HELPPARI_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/maija")
    assert cache_folders() == [Path("/home/maija/.cache/helppari")]
    monkeypatch.setenv("HELPPARI_CACHE", "~/c")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_folders() == [Path("/home/maija/c"), Path("/x/helppari")]


def test_two_processes_prepare_one_after_the_other(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from indexer.encoder_cache import Prepared, checksums, open_prepared

def prepare(folder):
    with open({str(tmp_path / "calls")!r}, "a") as calls:
        calls.write("x")
    time.sleep(0.5)
    (folder / "model").write_text("a")
    return Prepared(fingerprint="f", query_prefix="", passage_prefix="", files=checksums(folder))

sys.stdin.readline()
print(open_prepared("one", prepare, cache=Path({str(tmp_path / "cache")!r}))[1].fingerprint)
"""
    command = [sys.executable, "-c", script]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in both] == ["f\n", "f\n"]
    assert (tmp_path / "calls").read_text() == "x"
