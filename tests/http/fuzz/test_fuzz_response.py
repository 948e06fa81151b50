"""The fuzz target itself: over mutations of its seeds everywhere, and with atheris for a bounded time where it is."""

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import pytest

TARGET = Path(__file__).with_name("fuzz_response.py")


def load():
    spec = importlib.util.spec_from_file_location("fuzz_response", TARGET)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mutated_seeds():
    target = load()
    chance = random.Random(7)
    pieces = (
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b":",
        b" ",
        b"0",
        b"ffffffffffffffffff",
        b";",
        b",",
        b"HTTP/1.1 1",
        b"close",
    )
    for _ in range(4000):
        data = bytearray(chance.choice(target.SEEDS))
        for _ in range(chance.randint(0, 5)):
            at = chance.randrange(len(data))
            data[at : at + chance.choice((0, 0, 1, 3))] = chance.choice(pieces)
        target.one_input(bytes(data))


def test_bounded_run(tmp_path):
    pytest.importorskip("atheris")
    for number, seed in enumerate(load().SEEDS):
        (tmp_path / str(number)).write_bytes(seed)
    done = subprocess.run(
        [sys.executable, str(TARGET), "-max_total_time=5", "-max_len=4096", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
