from expect import raises
from radiopool import Policy
from radiopool.errors import InvalidValueError, LeaseError
from radiopool.ledger_methods import TRANSITIONS
from radiopool.recycling import Ledger
from radiopool.vocabulary import (
    CONNECTING,
    EVICTED,
    EXPIRED,
    IDLE,
    IDLE_TIMEOUT,
    KEY_FULL,
    LEASED,
    NO_SOCKET,
    NO_TLS,
    RESET,
    RETIRED,
    STALE,
    SURPLUS,
)


class Socket:
    pass


def ledger(budget=(None, None), tls_cost=1, **policy):
    return Ledger(Policy(**policy), budget, tls_cost)


def opened(books, key, context=None, now=0):
    """An entry of that key, leased, on a fresh socket."""
    entry = books.lease(key, context, now)
    assert entry.state == CONNECTING
    assert books.open(entry, Socket(), now)
    assert entry.state == LEASED
    return entry


def closed(books):
    """The reasons of what was doomed, which is settled."""
    doomed = books.take_doomed()
    books.settle(doomed)
    return [entry.reason for entry in doomed]


def test_an_equal_key_gets_the_socket_again():
    books = ledger()
    entry = opened(books, ("host", 80))
    assert books.recycle(entry, 0)
    assert entry.state == IDLE
    assert books.lease(("host", 80), None, 1) is entry
    assert entry.leases == 2
    assert books.lease(("host", 81), None, 1).state == CONNECTING


def test_the_youngest_first():
    books = ledger()
    one, two = opened(books, "a"), opened(books, "a")
    books.recycle(one, 0)
    books.recycle(two, 0)
    assert books.lease("a", None, 0) is two
    assert books.lease("a", None, 0) is one


def test_the_least_recently_used_makes_room():
    books = ledger((3, None))
    entries = [opened(books, key) for key in "abc"]
    for index in (1, 2, 0):
        books.recycle(entries[index], 0)
    for victim in (1, 2, 0):
        assert books.lease("d%d" % victim, None, 0).state == CONNECTING
        assert books.doomed == [entries[victim]]
        assert closed(books) == [EVICTED]
    assert books.used == 3
    assert books.lease("e", None, 0) is None
    assert books.shortage("e", None) == NO_SOCKET


def test_tls_sockets_are_short_by_themselves():
    books = ledger((3, 1))
    context = object()
    plain, tls = opened(books, "plain"), opened(books, "tls", context)
    books.recycle(plain, 0)
    assert books.lease("other", context, 0) is None
    assert books.shortage("other", context) == NO_TLS
    assert not books.doomed
    books.recycle(tls, 0)
    assert books.lease("other", context, 0).state == CONNECTING
    assert books.doomed == [tls]


def test_a_tls_socket_may_cost_two():
    books = ledger((4, None), 2)
    first = opened(books, "a", object())
    opened(books, "b", object())
    assert books.lease("c", None, 0) is None
    books.recycle(first, 0)
    assert books.lease("c", None, 0) is not None
    assert books.lease("d", None, 0) is not None
    assert books.lease("e", None, 0) is None


def test_two_plain_sockets_go_for_one_that_costs_two():
    books = ledger((2, None), 2)
    for key in "ab":
        books.recycle(opened(books, key), 0)
    assert books.lease("c", object(), 0).state == CONNECTING
    assert closed(books) == [EVICTED, EVICTED]
    assert books.used == 2


def test_idle_too_long():
    books = ledger(idle_timeout=10)
    books.recycle(opened(books, "a"), 0)
    books.recycle(opened(books, "b"), 5000)
    assert books.lease("a", None, 10000).state == CONNECTING
    assert closed(books) == [IDLE_TIMEOUT]
    assert books.lease("b", None, 14999).state == LEASED


def test_too_old():
    books = ledger(idle_timeout=None, max_age=10)
    one, two = opened(books, "a"), opened(books, "b")
    assert books.recycle(one, 9999)
    assert not books.recycle(two, 10000)
    assert books.lease("a", None, 10000).state == CONNECTING
    assert closed(books) == [EXPIRED, EXPIRED]


def test_surplus():
    books = ledger(max_idle=1)
    one, two, three = [opened(books, key) for key in "aab"]
    assert books.recycle(one, 0, 1)
    assert not books.recycle(two, 0, 1)
    assert closed(books) == [SURPLUS]
    assert books.recycle(three, 0)
    assert books.doomed == [one]
    assert closed(books) == [SURPLUS]


def test_max_per_key():
    books = ledger(max_per_key=2)
    opened(books, "a")
    opened(books, "a")
    assert books.lease("a", None, 0) is None
    assert books.shortage("a", None) == KEY_FULL
    assert books.lease("b", None, 0) is not None
    assert books.lease("a", None, 0, 3) is not None


def test_stale_is_replaced_within_the_budget():
    books = ledger((1, None))
    entry = opened(books, "a")
    books.recycle(entry, 0)
    assert books.lease("a", None, 0) is entry
    books.discard(entry, STALE)
    assert books.lease("a", None, 0).state == CONNECTING
    assert closed(books) == [STALE]
    assert books.used == 1


def test_a_failed_connect_frees_its_unit():
    books = ledger((1, None))
    entry = books.lease("a", None, 0)
    books.fail(entry)
    assert books.used == 0 and not books.doomed and not books.buckets
    assert books.lease("b", None, 0) is not None


def test_a_closed_socket_keeps_its_unit_until_it_is_settled():
    books = ledger((1, None))
    entry = opened(books, "a")
    books.discard(entry)
    doomed = books.take_doomed()
    assert books.lease("b", None, 0) is None
    books.settle(doomed)
    books.settle(doomed)
    assert books.used == 0
    assert books.lease("b", None, 0) is not None


def test_exhaustion_teaches_a_limit_for_a_minute():
    books = ledger(idle_timeout=None)
    idle = opened(books, "a")
    opened(books, "b")
    books.recycle(idle, 0)
    entry = books.lease("c", None, 0)
    assert books.exhausted(entry, 0)
    assert books.doomed == [idle]
    closed(books)
    assert not books.exhausted(entry, 0)
    books.fail(entry)
    assert books.lease("d", None, 1) is None
    assert books.lease("d", None, 60000) is not None


def test_retired():
    books = ledger()
    idle, out = opened(books, "a"), opened(books, "a")
    books.recycle(idle, 0)
    books.retire(None, "a")
    assert closed(books) == [RETIRED]
    later = opened(books, "a")
    assert not books.recycle(out, 0)
    assert books.recycle(later, 0)
    books.retire_all()
    assert closed(books) == [RETIRED, RETIRED]


def test_a_smaller_budget():
    books = ledger((3, None))
    entries = [opened(books, key) for key in "abc"]
    books.recycle(entries[0], 0)
    books.resize((1, None))
    assert closed(books) == [EVICTED]
    assert books.used == 2


def test_a_reset_forgets():
    books = ledger((2, None))
    idle, out = opened(books, "a"), opened(books, "b")
    books.recycle(idle, 0)
    assert len(books.reset()) == 2
    assert books.used == 0 and not books.doomed
    assert out.reason == RESET
    books.discard(out)
    assert not books.doomed
    late = books.lease("c", None, 0)
    books.reset()
    assert not books.open(late, Socket(), 0)


def test_misuse_is_refused():
    books = ledger()
    entry = opened(books, "a")
    books.recycle(entry, 0)
    assert "given back before" in str(raises(LeaseError, books.recycle, entry, 0))
    assert "given back before" in str(raises(LeaseError, books.discard, entry))
    raises(LeaseError, books.find, Socket())
    assert books.find(entry.socket) is entry


def test_counts():
    books = ledger((4, 2))
    opened(books, "a", object())
    books.recycle(opened(books, "b"), 0)
    books.lease("c", None, 0)
    assert books.counts() == {"connecting": 1, "leased": 1, "idle": 1, "tls": 1}
    assert (books.opened, books.reused, books.peak) == (2, 0, 2)


def test_every_transition_is_between_known_states():
    states = ("new", "connecting", "leased", "idle", "closed")
    for event in TRANSITIONS:
        before, after = TRANSITIONS[event]
        assert before in states and after in states


def test_bad_policies():
    for budget in (0, (0, 0), "4", 4.5, (1, 2, 3)):
        assert "budget" in str(raises(InvalidValueError, Policy, budget=budget))
    assert "max_per_key" in str(raises(InvalidValueError, Policy, max_per_key=0))
    assert "idle_timeout" in str(raises(InvalidValueError, Policy, idle_timeout=-1))
    assert Policy(budget=4).budget == (4, None)
    assert Policy(budget=(4, 0)).budget == (4, 0)
