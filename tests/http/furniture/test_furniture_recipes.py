"""The recipes of docs/urllib3.md, as they stand there, against real servers; and that each can fail."""

import runpy
import shutil
import ssl
from pathlib import Path

import pytest

from radiopool import manager_for
from radiopool_cpython import default_radio

RECIPES = Path(__file__).parents[3] / "docs" / "examples" / "urllib3"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, server, tls_server, authority):
    """Runs a recipe in a folder with the files it reads; what it printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff" + bytes(5000))
    shutil.copy(authority.file, "authority.pem")
    shutil.copy(authority.client_file, "client.pem")
    authority.ca.configure_trust(tls_server.tls)
    radio = default_radio()
    monkeypatch.setitem(radio.hosts, "files.example", ("127.0.0.1",))
    for place, port in {
        ("files.example", 80): server.port,
        ("files.example", 443): tls_server.port,
        ("127.0.0.1", 443): tls_server.port,
    }.items():
        monkeypatch.setitem(radio.routes, place, ("127.0.0.1", port))

    def run(name):
        runpy.run_path(str(RECIPES / (name + ".py")))
        assert manager_for().stats()["leased"] == 0
        return capsys.readouterr().out.strip()

    yield run
    manager_for().close()


def test_streaming_download(run, server):
    run("streaming_download")
    assert Path("big.bin").read_bytes() == bytes(range(256)) * 4096


def test_multipart_upload(run):
    assert run("multipart_upload") == "{'title': [None, None, 10], 'photo': ['photo.jpg', 'image/jpeg', 5003]}"


def test_retries_with_backoff(run, server):
    assert run("retries_with_backoff") == "200 after 2 retries"
    server.counts["/flaky"] = -100
    assert run("retries_with_backoff") == "gave up: too many 503 error responses"


def test_client_certificate(run, tls_server, authority):
    tls_server.tls.verify_mode = ssl.CERT_REQUIRED
    assert run("client_certificate") == "client one"
    shutil.copy(authority.other_client_file, "client.pem")
    assert run("client_certificate") == "client two"
    shutil.copy(authority.client_cert, "authority.pem")
    with pytest.raises(Exception, match="not trusted"):
        run("client_certificate")


def test_custom_sni(run, tls_server):
    assert run("custom_sni") == "files.example"
    assert tls_server.requests[0][2]["host"] == "files.example"


def test_every_recipe_is_in_the_docs_and_here():
    page = (RECIPES.parents[1] / "urllib3.md").read_text()
    for recipe in RECIPES.glob("*.py"):
        assert "examples/urllib3/" + recipe.name in page
        assert "test_" + recipe.stem in globals()
