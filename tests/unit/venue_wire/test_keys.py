"""The keys of the accounts, and their files."""

import stat

from venue.wire.keys import KeyRing, looks_like_a_key


def test_keys_are_new_each_time_unless_a_seed_is_given():
    key = KeyRing(["main"], None).of("main")

    assert KeyRing(["main"], None).of("main") != key
    assert KeyRing(["main"], 3).of("main") == KeyRing(["main"], 3).of("main")
    assert KeyRing(["main"], 3).of("main") != KeyRing(["main"], 4).of("main")


def test_accounts_do_not_share_a_key():
    ring = KeyRing(["main", "second"], 1)

    assert ring.of("main").key != ring.of("second").key
    assert ring.find(ring.of("second").key).account == "second"


def test_a_key_looks_like_one():
    ring = KeyRing(["main"], None)

    assert looks_like_a_key(ring.of("main").key)
    assert not looks_like_a_key("x" * 63)


def test_no_repr_shows_a_key():
    own = KeyRing(["main"], None).of("main")

    assert own.key not in repr(own)
    assert own.secret not in repr(own)


def test_key_files_are_for_their_owner_alone_even_when_they_were_not(tmp_path):
    old = tmp_path / "main.env"
    old.write_text("old")
    old.chmod(0o644)

    path = KeyRing(["main"], 1).write(tmp_path)["main"]

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    own = KeyRing(["main"], 1).of("main")
    assert path.read_text() == f"BINANCE_API_KEY={own.key}\nBINANCE_API_SECRET={own.secret}\n"


def test_a_revoked_key_is_unknown():
    ring = KeyRing(["main"], 1)
    ring.revoke("main")

    assert ring.find(ring.of("main").key) is None
