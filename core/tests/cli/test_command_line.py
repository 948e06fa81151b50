"""The command itself: help, version, misuse, and the ways to start it."""

import subprocess
import sys

import pytest
import typer

import radiopool
from radiopool import command, registry
from radiopool.cli import app


def test_version(run):
    assert run("--version") == (0, f"radiopool {radiopool.__version__}\n", "")


def test_help_names_every_command(run):
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    for name in ("drivers", "doctor", "fetch", "demo", "conformance", "new-driver"):
        assert f" {name} " in out


def test_nothing_asked_is_answered_with_the_help(run):
    status, out, err = run()
    assert (status, err) == (2, "")
    assert "Usage: radiopool" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["drivers", "--nonsense"], "No such option: --nonsense"),
        (["drivers", "more"], "unexpected extra argument"),
        (["fetch"], "Missing argument 'URL...'"),
        (["fetch", "--count", "0", "http://a/"], "'--count'"),
        (["fetch", "--count", "many", "http://a/"], "'--count'"),
        (["fetch", "--parallel", "1000", "http://a/"], "'--parallel'"),
        (["fetch", "--timeout", "-1", "http://a/"], "'--timeout'"),
        (["fetch", "--timeout", "nan", "http://a/"], "'--timeout'"),
        (["fetch", "--budget", "-3", "http://a/"], "'--budget'"),
        (["demo", "--requests", "0"], "'--requests'"),
    ],
)
def test_misuse_is_one_sentence_and_status_2(run, arguments, said):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("radiopool: ") and said in line


def test_python_m_radiopool(monkeypatch):
    done = subprocess.run([sys.executable, "-m", "radiopool", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"radiopool {radiopool.__version__}\n", "")


def test_a_reader_that_has_seen_enough_is_no_fault():
    command = [sys.executable, "-m", "radiopool", "drivers", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_what_to_install(missing):
    program = "import sys; sys.modules[%r] = None; from radiopool.command import main; sys.exit(main())" % missing
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    said = 'The command line is an extra. Install it: pip install "radiopool[cli]"\n'
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_another_missing_module_is_a_fault_to_be_seen(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("radiopool.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "importlib_metadata", None)
    with pytest.raises(ModuleNotFoundError, match="importlib_metadata"):
        command.main()


def test_a_new_driver_wants_a_folder(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    status, out, err = run("new-driver", "acme", "--folder", str(tmp_path / "file"))
    assert (status, out) == (2, "") and "is a file" in err and len(err.splitlines()) == 1
    monkeypatch.setattr("radiopool.scaffold.new_driver", lambda name, folder: folder / "radiopool-acme")
    assert "  cd '/a b/radiopool-acme'\n" in run("new-driver", "acme", "--folder", "/a b")[1]


def test_interrupted_while_it_is_loaded(monkeypatch):
    class Interrupting:
        def find_spec(self, name, path=None, target=None):
            if name == "radiopool.cli.app":
                raise KeyboardInterrupt

    for name in [name for name in sys.modules if name.startswith("radiopool.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    assert command.main() == 130


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (typer.Abort(), 130, ""),
        (ZeroDivisionError("in a driver"), 1, "radiopool: ZeroDivisionError: in a driver\n"),
        (radiopool.OutOfSocketsError("four\nleased"), 1, "radiopool: four leased\n"),
    ],
)
def test_what_goes_wrong_inside_is_a_status_and_at_most_a_sentence(run, monkeypatch, raised, status, said):
    def fail():
        raise raised

    monkeypatch.setattr(registry, "drivers", fail)
    assert run("drivers") == (status, "", said)


def test_every_command_and_option_has_help():
    group = typer.main.get_command(app.app)
    for name, one in group.commands.items():
        assert one.help, name
        for parameter in one.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"
