from __future__ import annotations

import socket

import pytest

from collector.settings import Jt808Settings
from jieyong.doctor import terminals
from jieyong.doctor.finding import Level
from jieyong.doctor.terminals import check_jt808


def test_a_port_that_somebody_listens_on_is_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        (found,) = check_jt808(Jt808Settings(port=listening.getsockname()[1]))
    assert (found.level, found.what) == (Level.OK, "something listens")


def test_a_free_port_is_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    (found,) = check_jt808(Jt808Settings(port=port))
    assert found.level is Level.OK
    assert found.what.startswith("free")


def test_a_port_that_is_neither_free_nor_answers_is_a_problem() -> None:
    with socket.socket() as taken:  # bound and deaf: neither answers nor is free
        taken.bind(("127.0.0.1", 0))
        (found,) = check_jt808(Jt808Settings(port=taken.getsockname()[1]))
    assert found.level is Level.PROBLEM
    assert "cannot be listened on" in found.what


def test_any_port_is_a_warning() -> None:
    (found,) = check_jt808(Jt808Settings(port=0))
    assert (found.level, found.advice) == (Level.WARNING, "set jt808.port")


def test_too_few_files_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminals, "room", lambda: (1024, 4096))
    found = list(check_jt808(Jt808Settings(port=0)))
    assert found[1].what == "4096 files may be open, 10000 connections are allowed"
