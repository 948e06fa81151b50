"""`radiopool bundle`, with a driver's distribution made for the test: core knows none by name."""

import json
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from radiopool import DriverError, InvalidValueError, NoDriverError, bundle
from radiopool.cli.app import app

DRIVER = """
from radiopool import Driver

__version__ = "2.1"


class Modem(Driver):
    name = "modem"
"""

METADATA = """Metadata-Version: 2.1
Name: radiopool-modem
Version: 2.1
Requires-Dist: radiopool<1,>=0.1
Requires-Dist: adafruit-circuitpython-modem>=3
Requires-Dist: trustme; extra == "test"
"""

COMPILER = """#!%s
import pathlib, sys
out, source = sys.argv[5:]
pathlib.Path(out).write_bytes(%r + pathlib.Path(source).read_bytes())
"""


class Distribution:
    """An installed distribution with a driver, on a path of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / "radiopool_modem"
        self.package.mkdir()
        (self.package / "__init__.py").write_text(DRIVER)
        (self.package / "chip.py").write_text("SLOTS = 4\n")
        (self.package / "emulator.py").write_text("import threading\n")
        about = folder / "radiopool_modem-2.1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(METADATA)
        (about / "entry_points.txt").write_text("[radiopool.drivers]\nmodem = radiopool_modem:Modem\n")

    def list(self, **listing: object) -> None:
        (self.package / "board.json").write_text(json.dumps(listing))


@pytest.fixture
def modem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Distribution:
    folder = tmp_path / "site"
    folder.mkdir()
    made = Distribution(folder)
    made.list(files=["__init__.py", "chip.py"], radio=["radio = make_radio()"], settings=['APN = "net"'])
    monkeypatch.syspath_prepend(str(folder))
    return made


def places(folder: Path) -> "set[str]":
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def compiler(folder: Path, first: bytes) -> Path:
    """An mpy-cross whose bytecode begins with those bytes."""
    made = folder / "mpy-cross"
    made.write_text(COMPILER % (sys.executable, first))
    made.chmod(0o755)
    return made


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["bundle", *map(str, arguments)])
    if done.exception is not None:
        raise done.exception
    return done.output


def test_exactly_the_files_of_boards(modem: Distribution, tmp_path: Path) -> None:
    out = tmp_path / "out"
    printed = run("--driver", "modem", "--out", out)
    written = places(out)
    assert {"code.py", "settings.toml", "lib/radiopool_modem/__init__.py", "lib/radiopool_modem/chip.py"} <= written
    assert "lib/radiopool/manager.py" in written
    forbidden = ("emulator", "test", "discovery", "threaded", "tls", "/cli/", "board.json", "http")
    assert not [name for name in written for word in forbidden if word in name]
    assert "radiopool_modem 2.1" in printed
    assert "radiopool_modem" not in sys.modules


def test_rooms_come_when_they_are_asked_for(modem: Distribution, tmp_path: Path) -> None:
    run("--driver", "modem", "--http", "--out", tmp_path / "out")
    assert "lib/radiopool/http/wire.py" in places(tmp_path / "out")
    assert "from radiopool.http import PoolManager" in (tmp_path / "out" / "code.py").read_text()


def test_what_replaces_another_library_stands_at_the_top(modem: Distribution, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "adafruit_connection_manager.mpy").write_text("theirs")
    run("--driver", "modem", "--compat", "--out", tmp_path)
    written = places(tmp_path / "lib")
    assert {"adafruit_connection_manager.py", "radiopool/compat/adafruit.py"} <= written
    assert "adafruit_connection_manager.mpy" not in written
    assert not [name for name in written if "/board/" in name]


def test_what_replaced_another_library_goes_with_what_it_needs(modem: Distribution, tmp_path: Path) -> None:
    top = tmp_path / "lib" / "adafruit_connection_manager.py"
    run("--driver", "modem", "--compat", "--out", tmp_path)
    assert top.exists()
    top.with_suffix(".mpy").write_text("theirs")
    run("--driver", "modem", "--out", tmp_path)
    assert not top.exists() and top.with_suffix(".mpy").read_text() == "theirs"


def test_the_starter_registers_the_drivers_and_compiles(modem: Distribution, tmp_path: Path) -> None:
    run("--driver", "modem", "--out", tmp_path)
    program = (tmp_path / "code.py").read_text()
    compile(program, "code.py", "exec")
    assert "from radiopool_modem import Modem\n" in program
    assert "register(Modem())\n" in program
    assert "radio = make_radio()\n" in program
    assert 'APN = "net"\n' in (tmp_path / "settings.toml").read_text()


def test_micropython_runs_main(modem: Distribution, tmp_path: Path) -> None:
    run("--driver", "modem", "--mpy-cross", compiler(tmp_path, b"M\x06"), "--out", tmp_path / "bytecode")
    modem.list(files=["__init__.py"], targets=["micropython"], radio=["radio = make_radio()"])
    run("--driver", "modem", "--out", tmp_path / "source")
    (tmp_path / "settings.toml").write_text("another board's")
    printed = run("--driver", "modem", "--out", tmp_path)
    assert "your settings into main.py" in " ".join(printed.split())
    for folder in (tmp_path / "bytecode", tmp_path / "source"):
        assert {path.name for path in folder.iterdir()} == {"lib", "main.py"}
        assert "radio = make_radio()\n" in (folder / "main.py").read_text()


def test_a_program_for_micropython_has_its_settings(modem: Distribution, tmp_path: Path) -> None:
    radio = ["import os", "", 'radio = make_radio(os.getenv("APN"), os.getenv("OTHER"))']
    modem.list(files=["__init__.py"], radio=radio, settings=['APN = "net"'])
    run("--driver", "modem", "--mpy-cross", compiler(tmp_path, b"M\x06"), "--out", tmp_path)
    program = (tmp_path / "main.py").read_text()
    compile(program, "main.py", "exec")
    # MicroPython's os.getenv() reads no file.
    assert program.index('\nAPN = "net"\n') < program.index('radio = make_radio(APN, os.getenv("OTHER"))\n')
    run("--driver", "modem", "--out", tmp_path)
    assert 'make_radio(os.getenv("APN")' in (tmp_path / "code.py").read_text()


def test_a_second_run_renews_the_packages_and_keeps_the_users_program(modem: Distribution, tmp_path: Path) -> None:
    run("--driver", "modem", "--http", "--out", tmp_path)
    (tmp_path / "code.py").write_text("mine")
    (tmp_path / "lib" / "other.py").write_text("mine too")
    run("--driver", "modem", "--out", tmp_path)
    assert (tmp_path / "code.py").read_text() == "mine"
    assert (tmp_path / "lib" / "other.py").read_text() == "mine too"
    assert not (tmp_path / "lib" / "radiopool" / "http").exists()


@pytest.mark.parametrize(
    ("ends", "said"), [("exit 1", "mpy-cross refuses radiopool/__init__.py"), ("exit 0", "mpy-cross wrote nothing")]
)
def test_a_compiler_that_fails_leaves_the_bundle_that_is_there(
    modem: Distribution, tmp_path: Path, ends: str, said: str
) -> None:
    run("--driver", "modem", "--out", tmp_path / "out")
    before = {place: (tmp_path / "out" / place).read_bytes() for place in places(tmp_path / "out")}
    program = tmp_path / "mpy-cross"
    program.write_text(f"#!/bin/sh\n{ends}\n")
    program.chmod(0o755)
    with pytest.raises(InvalidValueError, match=said):
        run("--driver", "modem", "--mpy-cross", program, "--out", tmp_path / "out")
    assert {place: (tmp_path / "out" / place).read_bytes() for place in places(tmp_path / "out")} == before


def test_sizes_are_those_of_the_files(modem: Distribution, tmp_path: Path) -> None:
    written = bundle.Bundle([bundle.core_part(), bundle.driver_part("modem")]).write(tmp_path)
    for file in written:
        assert file.size == (tmp_path / "lib" / file.place).stat().st_size
    total = sum(file.size for file in written)
    assert f"{total:,}" in run("--driver", "modem", "--out", tmp_path, "--sizes")


def test_a_zip_file_is_the_same_every_time(modem: Distribution, tmp_path: Path) -> None:
    run("--driver", "modem", "--out", tmp_path / "out", "--zip", tmp_path / "one.zip")
    run("--driver", "modem", "--out", tmp_path / "out", "--zip", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert set(archive.namelist()) == places(tmp_path / "out")
        assert all(archive.read(name) == (tmp_path / "out" / name).read_bytes() for name in archive.namelist())


def test_a_zip_file_has_only_what_the_bundle_wrote(modem: Distribution, tmp_path: Path) -> None:
    run("--driver", "modem", "--out", tmp_path, "--zip", tmp_path / "first.zip")
    (tmp_path / "settings.toml").write_text("PASSWORD = 'secret'")
    (tmp_path / "code.py").write_text("print('secret')")
    (tmp_path / "lib" / "diary.txt").write_text("secret")
    run("--driver", "modem", "--out", tmp_path, "--zip", tmp_path / "lib" / ".." / "second.zip")
    assert (tmp_path / "second.zip").read_bytes() == (tmp_path / "first.zip").read_bytes()


def test_circups_layout(modem: Distribution, tmp_path: Path) -> None:
    run("--driver", "modem", "--compat", "--out", tmp_path / "out", "--circup", tmp_path / "circup")
    (archive,) = (tmp_path / "circup").glob("*.zip")
    whole = archive.stem
    assert whole.startswith("radiopool-bundle-py-")
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
        needs = {
            name: opened.read(f"{whole}/requirements/{name}/requirements.txt").decode()
            for name in ("radiopool", "radiopool_modem", "adafruit_connection_manager")
        }
    assert {f"{whole}/lib/radiopool/manager.py", f"{whole}/lib/adafruit_connection_manager.py"} <= names
    assert needs == {
        "radiopool": "",
        "radiopool_modem": "radiopool\nadafruit-circuitpython-modem\n",
        "adafruit_connection_manager": "radiopool\n",
    }
    (listing,) = (tmp_path / "circup").glob("*.json")
    about = json.loads(listing.read_text())["radiopool_modem"]
    assert about["dependencies"] == ["radiopool"]
    assert about["external_dependencies"] == ["adafruit-circuitpython-modem"]


def test_circup_gets_nothing_of_an_earlier_release(modem: Distribution, tmp_path: Path) -> None:
    made = bundle.Bundle([bundle.core_part(("http",)), bundle.driver_part("modem")])
    bundle.write_circup(made, tmp_path, "1.2.2")
    bundle.write_circup(made, tmp_path, "1.2.3")
    (archive,) = bundle.write_circup(bundle.Bundle([bundle.core_part()]), tmp_path, "1.2.3")
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
    assert not [name for name in names for word in ("modem", "http", "1.2.2") if word in name]


def test_circup_gets_the_bytecode_of_circuitpython(modem: Distribution, tmp_path: Path) -> None:
    made = bundle.Bundle([bundle.core_part(), bundle.driver_part("modem")])
    names = [path.name for path in bundle.write_circup(made, tmp_path, "1.2.3", compiler(tmp_path, b"C\x06"))]
    assert names == ["radiopool-bundle-py-1.2.3.zip", "radiopool-bundle-10.x-mpy-1.2.3.zip"]
    # The folder's name is circup's own word for that platform.
    library = tmp_path / "radiopool-bundle-10mpy" / "radiopool-bundle-10.x-mpy-1.2.3" / "lib"
    assert (library / "radiopool_modem" / "__init__.mpy").exists()
    with pytest.raises(InvalidValueError, match="compiles for micropython"):
        bundle.write_circup(made, tmp_path, "1.2.3", compiler(tmp_path, b"M\x06"))
    modem.list(files=["__init__.py"], targets=["micropython"])
    with pytest.raises(InvalidValueError, match="circup is for CircuitPython"):
        bundle.write_circup(bundle.Bundle([bundle.core_part(), bundle.driver_part("modem")]), tmp_path, "1.2.3")


def test_the_compiler_is_the_file_that_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler(tmp_path, b"M")
    monkeypatch.chdir(tmp_path)
    assert bundle.find_mpy_cross("./mpy-cross") == tmp_path / "mpy-cross"
    (tmp_path / "link").symlink_to("mpy-cross")
    assert bundle.find_mpy_cross("./link") == tmp_path / "link"


def test_what_is_wrong_is_said(modem: Distribution, tmp_path: Path) -> None:
    with pytest.raises(NoDriverError, match="'morse'.*modem"):
        bundle.driver_part("morse")
    modem.list(files=["__init__.py", "gone.py"])
    with pytest.raises(DriverError, match="gone.py"):
        bundle.driver_part("modem")
    modem.list(files=[])
    with pytest.raises(DriverError, match="nothing for boards"):
        bundle.driver_part("modem")
    for wrong in ({"linked": 3}, {"linked": {"a": 3}}, {"radio": [1]}, {"targets": "micropython"}, {"late": None}):
        modem.list(**{"files": ["__init__.py"], **wrong})
        with pytest.raises(DriverError, match=f"{next(iter(wrong))}.* must be"):
            bundle.driver_part("modem")
    modem.list(files="__init__.py")
    with pytest.raises(DriverError, match="files must be"):
        bundle.driver_part("modem")
    (modem.package / "board.json").write_text("{")
    with pytest.raises(DriverError, match="board.json can't be used"):
        bundle.driver_part("modem")
    (modem.package / "board.json").unlink()
    with pytest.raises(DriverError, match="is missing"):
        bundle.driver_part("modem")
    with pytest.raises(InvalidValueError, match="no-such-compiler"):
        bundle.find_mpy_cross("no-such-compiler")


def test_drivers_of_different_interpreters_make_no_bundle(modem: Distribution) -> None:
    modem.list(files=["__init__.py"], targets=["micropython"])
    one = bundle.driver_part("modem")
    modem.list(files=["__init__.py"], targets=["circuitpython"])
    with pytest.raises(InvalidValueError, match="make a bundle for each board"):
        bundle.Bundle([bundle.core_part(), one, bundle.driver_part("modem")])
