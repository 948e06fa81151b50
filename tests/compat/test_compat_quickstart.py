"""The published quickstart of adafruit_connection_manager, word for word, and each of its notes."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("adafruit_requests")

QUICKSTART = (Path(__file__).parent / "quickstart.py.txt").read_text()
DROP_IN = ("-m", "radiopool.compat")


@pytest.fixture(scope="session")
def old_requests(tmp_path_factory):
    """adafruit_requests 2.0.5, the last release with `set_socket`, in a folder of its own."""
    folder = tmp_path_factory.mktemp("requests-2.0.5")
    installer = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([*installer, "adafruit-circuitpython-requests==2.0.5"], check=True, capture_output=True)
    return folder


def answered(done):
    """The status that the quickstart printed. It catches every exception, and prints it."""
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Error fetching" not in done.stdout, done.stdout
    return done.stdout.split("Status Code: ")[1].split()[0]


@pytest.mark.packaging
def test_verbatim_over_http(run, old_requests, site):
    done = run(QUICKSTART, *DROP_IN, path=[old_requests], TEST_URL=f"http://127.0.0.1:{site.port}/get")
    assert answered(done) == "200"
    assert '{"method": "GET", "path": "/get"' in done.stdout


@pytest.mark.packaging
def test_verbatim_over_https(run, old_requests, tls_site, authority, tmp_path):
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    url = f"https://localhost:{tls_site.port}/get"
    assert answered(run(QUICKSTART, *DROP_IN, path=[old_requests], TEST_URL=url, SSL_CERT_FILE=str(trusted))) == "200"
    # The certificate is checked: without that trust it is refused.
    done = run(QUICKSTART, *DROP_IN, path=[old_requests], TEST_URL=url)
    assert "Error fetching URL" in done.stdout
    assert tls_site.requests == [("GET", "/get")]


def test_the_same_lines_for_the_current_release(run, site, tls_site, authority, tmp_path):
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    line = "import adafruit_requests as requests"
    assert line in QUICKSTART
    program = QUICKSTART.replace(line, "from radiopool.compat import adafruit_requests as requests")
    for url in (f"http://127.0.0.1:{site.port}/get", f"https://localhost:{tls_site.port}/get"):
        assert answered(run(program, *DROP_IN, TEST_URL=url, SSL_CERT_FILE=str(trusted))) == "200"


@pytest.mark.packaging
def test_a_name_that_does_not_resolve(run, old_requests):
    done = run(QUICKSTART, *DROP_IN, path=[old_requests], TEST_URL="http://no-such-host.invalid/")
    assert "Error fetching URL: can't find no-such-host.invalid:80: the name does not resolve" in done.stdout
    assert "is the name spelt right, and has the network a name server" in done.stdout


@pytest.mark.packaging
def test_an_unconnected_radio(run, old_requests, site):
    program = QUICKSTART.replace("pool = socketpool", "import wifi; wifi.radio.stop_station()\npool = socketpool")
    done = run(program, *DROP_IN, path=[old_requests], TEST_URL="http://host.example/")
    assert "Error fetching URL" in done.stdout
    assert "the radio is not connected: connect it first" in done.stdout


@pytest.mark.packaging
def test_https_without_a_context(run, old_requests, tls_site):
    program = QUICKSTART.replace("ConnectionManager(pool, ssl_context)", "ConnectionManager(pool)")
    done = run(program, *DROP_IN, path=[old_requests], TEST_URL=f"https://localhost:{tls_site.port}/")
    assert (
        "Error fetching URL: ssl_context must be provided if using ssl: ConnectionManager(socket_pool, " in done.stdout
    )
    assert "ssl_context=ssl.create_default_context())" in done.stdout


def test_a_missing_socket_pool(run):
    program = "import adafruit_connection_manager\nadafruit_connection_manager.ConnectionManager()"
    done = run(program, *DROP_IN)
    assert "TypeError: ConnectionManager() missing 1 required positional argument: 'socket_pool'. Pass" in done.stderr


def test_a_missing_companion_library(run):
    # `-S` leaves out what is installed; the path gives back what the program may have.
    folders = [str(Path(importlib.util.find_spec("radiopool").origin).parent.parent)]
    for module, remedy in (
        ("adafruit_requests", "pip install adafruit-circuitpython-requests"),
        ("socketpool", "pip install radiopool-socketpool"),
        ("adafruit_minimqtt.adafruit_minimqtt", "pip install adafruit-circuitpython-minimqtt"),
    ):
        done = run("import " + module, "-S", *DROP_IN, path=folders)
        assert "ModuleNotFoundError: No module named %r" % module.partition(".")[0] in done.stderr
        assert remedy in done.stderr and "on a board" in done.stderr


def test_exceptions_in_the_manner_of_urllib3(run):
    """The first breaking note: failures of the network are OSErrors, and say which."""
    program = """
import socket
import adafruit_connection_manager
manager = adafruit_connection_manager.ConnectionManager(socket)
with socket.create_server(("127.0.0.1", 0)) as listener:
    port = listener.getsockname()[1]
try:
    manager.get_socket("127.0.0.1", port, "http:")
except OSError as error:
    print(type(error).__name__, manager.managed_socket_count)
"""
    done = run(program, *DROP_IN)
    assert done.stdout == "RefusedError 0\n", done.stderr


@pytest.mark.parametrize("vendor", ["adafruit_esp32spi.adafruit_esp32spi", "adafruit_wiznet5k.adafruit_wiznet5k"])
def test_the_vendors_current_libraries_are_driven(vendor):
    """The second breaking note: the vendors' APIs changed. Our plugins run on the current ones and say which."""
    pytest.importorskip(vendor)
    from radiopool import driver_named

    name = vendor.rpartition("_")[2]
    assert driver_named(name).radios[0].startswith(vendor)


# -- install()


def test_install_before_and_after_the_real_one(run):
    pytest.importorskip("adafruit_connection_manager")
    program = """
import radiopool.compat
radiopool.compat.install()
radiopool.compat.install()
import adafruit_connection_manager, adafruit_requests
assert adafruit_connection_manager is radiopool.compat.adafruit
assert adafruit_requests.get_connection_manager is radiopool.compat.adafruit.get_connection_manager
"""
    done = run(program)
    assert done.returncode == 0, done.stderr
    done = run("import adafruit_connection_manager\n" + program)
    assert "AlreadyImportedError: adafruit_connection_manager was imported already (" in done.stderr
    assert "call radiopool.compat.install() first" in done.stderr


def test_the_face_has_the_public_names_and_parameters_of_the_real_one():
    import inspect

    real = pytest.importorskip("adafruit_connection_manager")
    from radiopool.compat import adafruit

    public = [name for name, value in vars(real).items() if not name.startswith("_") and not inspect.ismodule(value)]
    of_this_module = [
        name for name in public if getattr(vars(real)[name], "__module__", real.__name__) == real.__name__
    ]
    assert [name for name in of_this_module if not hasattr(adafruit, name)] == []
    for name in ("get_connection_manager", "get_radio_socketpool", "get_radio_ssl_context", "create_fake_ssl_context"):
        assert list(inspect.signature(getattr(adafruit, name)).parameters) == list(
            inspect.signature(getattr(real, name)).parameters
        )
    ours, theirs = adafruit.ConnectionManager, real.ConnectionManager
    for name, member in vars(theirs).items():
        if name.startswith("_"):
            continue
        assert hasattr(ours, name)
        if callable(member):
            wanted = inspect.signature(member).parameters
            offered = inspect.signature(getattr(ours, name)).parameters
            assert list(offered) == list(wanted)
            assert [one.default for one in offered.values()] == [one.default for one in wanted.values()]
    close_all = inspect.signature(adafruit.connection_manager_close_all)
    assert str(close_all.replace(return_annotation=inspect.Signature.empty).parameters.keys()) == str(
        inspect.signature(real.connection_manager_close_all).parameters.keys()
    )
