"""The registry: who claims a radio, and what is said when nobody does, or two."""

import subprocess
import sys

import pytest

import radiopool
from radiopool import Driver, DriverConflictError, DriverError, InvalidValueError, NoDriverError, Traits, registry


class Radio:
    pass


class Mine(Driver):
    name = "mine"
    version = "1.2"
    radios = (__name__ + ".Radio",)

    def socket_pool(self, radio):
        return radio


@pytest.fixture(autouse=True)
def clean_registry(monkeypatch):
    monkeypatch.setattr(registry, "_registered", [])
    monkeypatch.setattr(registry, "_finder", None)
    monkeypatch.setattr(registry, "_host_finder", None)


def test_a_registered_driver_is_found_by_its_radio_and_by_its_name():
    driver = radiopool.register(Mine)
    assert isinstance(driver, Mine)
    assert radiopool.driver_for(Radio()) is driver
    assert radiopool.driver_named("mine") is driver
    assert radiopool.drivers() == [driver]


def test_a_radio_is_known_by_its_parents_too():
    class Special(Radio):
        pass

    driver = radiopool.register(Mine())
    assert radiopool.driver_for(Special()) is driver


def test_a_class_of_the_same_name_elsewhere_is_another_radio():
    radiopool.register(Mine)
    other = type("Radio", (), {"__module__": "elsewhere"})()
    with pytest.raises(NoDriverError):
        radiopool.driver_for(other)


def test_a_radio_nobody_claims_names_the_drivers_and_what_to_install():
    radiopool.register(Mine)
    with pytest.raises(
        NoDriverError, match=r"no driver claims <object .* there are: mine\..*pip install radiopool-"
    ) as e:
        radiopool.driver_for(object())
    assert isinstance(e.value, LookupError)
    radiopool.unregister("mine")
    with pytest.raises(NoDriverError, match="no driver is registered"):
        radiopool.driver_for(object())


def test_an_unknown_name_lists_the_known_ones():
    radiopool.register(Mine)
    with pytest.raises(NoDriverError, match="no driver is named 'yours'; there are: mine"):
        radiopool.driver_named("yours")


def test_registering_again_under_the_same_name_replaces():
    radiopool.register(Mine)
    again = radiopool.register(Mine)
    assert radiopool.drivers() == [again]
    radiopool.unregister(again)
    radiopool.unregister(again)
    assert radiopool.drivers() == []


class Other(Mine):
    name = "other"


def test_two_that_claim_one_radio_are_an_error_unless_the_user_chose():
    radiopool.register(Mine)
    other = radiopool.register(Other)
    with pytest.raises(DriverConflictError, match=r"driver 'mine' and driver 'other' claim .*choose with register"):
        radiopool.driver_for(Radio())
    radiopool.unregister("mine")
    assert radiopool.driver_for(Radio()) is other


def test_what_is_registered_beats_what_was_found():
    found, mine = Other(), Mine()
    registry.find_with(lambda: [found])
    assert radiopool.driver_for(Radio()) is found
    radiopool.register(mine)
    assert radiopool.driver_for(Radio()) is mine
    assert radiopool.drivers() == [mine, found]


def test_two_that_were_found_conflict_too():
    registry.find_with(lambda: [Other(), Mine()])
    with pytest.raises(DriverConflictError):
        radiopool.driver_for(Radio())


def test_no_default_radio():
    radiopool.register(Mine)
    with pytest.raises(NoDriverError, match="no default radio here"):
        radiopool.manager_for()


class NoName(Mine):
    name = ""


class OfTomorrow(Mine):
    contract = (2, 0)


class OfYesterday(Mine):
    contract = (0, 9)


class OlderMinor(Mine):
    contract = (1, 0)


class NewerMinor(Mine):
    contract = (1, 7)


class OddContract(Mine):
    contract = "1.0"


class OneWord(Mine):
    radios = "vendor.Radio"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (OneWord, r"its radios must be a tuple, \('vendor.Radio',\), not 'vendor.Radio'"),
        (object(), "is not a driver: it has no method matches"),
        (dict, "is not a driver"),
        (None, "None is not a driver"),
        (NoName, "its name must be a word, not ''"),
        (OfTomorrow, r"written for contract 2.0, and this radiopool offers 1.\d: upgrade radiopool"),
        (OfYesterday, r"written for contract 0.9, and this radiopool offers 1.\d: upgrade the driver"),
        (OddContract, r"its contract must be a pair of numbers"),
    ],
    ids=repr,
)
def test_what_is_no_driver_is_refused_with_what_is_missing(wrong, said):
    with pytest.raises(DriverError, match=said):
        radiopool.register(wrong)
    assert radiopool.drivers() == []


def test_a_class_in_the_place_of_a_driver_is_named():
    with pytest.raises(DriverError, match=r"is a class, and no driver: pass one of its objects, Mine\(\)"):
        radiopool.manager_for(Radio(), driver=Mine)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"budget": 4}, r"must be a pair \(sockets, TLS sockets\), such as \(4, None\), not 4"),
        ({"budget": (4,)}, "budget must be .* not"),
        ({"budget": ("4", 1)}, "budget must be .* not"),
        ({"tls": True}, "tls must be 'host', 'chip' or None, not True"),
        ({"tls_cost": 0}, "tls_cost must be a whole number from 1 up, not 0"),
    ],
)
def test_what_can_not_be_traits_is_refused(settings, said):
    with pytest.raises(InvalidValueError, match=said):
        Traits(**settings)


def test_a_driver_without_traits_is_named():
    class Traitless(Mine):
        def socket_pool(self, radio):
            return radio

        def traits(self, radio):
            return None

    with pytest.raises(DriverError, match=r"traits\(\) of driver 'mine' must return radiopool.Traits, not None"):
        radiopool.manager_for(Radio(), driver=Traitless())


@pytest.mark.parametrize("kind", [OlderMinor, NewerMinor])
def test_another_minor_of_the_contract_works(kind):
    radiopool.register(kind)
    assert isinstance(radiopool.driver_for(Radio()), kind)


def test_a_driver_without_a_socket_pool_says_who_must_write_it():
    class Lazy(Driver):
        name = "lazy"

    with pytest.raises(NotImplementedError, match=r"driver 'lazy' must write socket_pool\(radio\)"):
        Lazy().socket_pool(None)


def test_without_pluggy_and_importlib_metadata_registering_by_hand_works():
    program = """
import sys
sys.modules["pluggy"] = sys.modules["importlib_metadata"] = None
import socket, radiopool
assert radiopool.drivers() == []
class Mine(radiopool.Driver):
    name = "mine"
    def matches(self, radio): return radio == "radio"
    def socket_pool(self, radio): return socket
radiopool.register(Mine)
print(radiopool.manager_for("radio"))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stderr == "" and "ConnectionManager of mine" in run.stdout
