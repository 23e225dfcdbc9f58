"""Keys come in by one door, are refused when they are badly kept, and never show themselves."""

import copy
import json
import os
import pickle
import subprocess
from pathlib import Path

import msgspec
import pytest

from configs.secrets import (
    KEY_NAMES,
    REDIS_PASSWORD_NAME,
    Credentials,
    SecretsError,
    file_problem,
    load_credentials,
    load_redis_password,
)

KEY, SECRET = "public" * 8, "s3cr3t" * 8


def key_file(path: Path, environment: str = "demo", mode: int = 0o600) -> Path:
    names = KEY_NAMES[environment]
    path.write_text(f"# keys\n{names[0]}={KEY}\n\nexport {names[1]}='{SECRET}'\n")
    path.chmod(mode)
    return path


def refusal(**terms) -> str:
    with pytest.raises(SecretsError) as caught:
        load_credentials("demo", **({"environ": {}} | terms))
    text = str(caught.value)
    assert "\n" not in text
    assert KEY not in text
    assert SECRET not in text
    return text


def pair(credentials: Credentials) -> tuple[str, str]:
    return credentials.api_key, credentials.api_secret


@pytest.mark.parametrize("environment", ["local", "demo", "live"])
def test_a_named_key_file_gives_the_pair_of_its_environment(tmp_path, environment):
    path = key_file(tmp_path / "keys", environment)

    assert pair(load_credentials(environment, path=path, environ={})) == (KEY, SECRET)


def test_variables_are_read_and_taken_out_of_the_environment(tmp_path):
    environ = dict(zip(KEY_NAMES["demo"], (KEY, SECRET), strict=True)) | {"PATH": "/bin"}

    credentials = load_credentials("demo", environ=environ, folder=tmp_path)

    assert pair(credentials) == (KEY, SECRET)
    assert environ == {"PATH": "/bin"}


def test_the_default_file_is_the_last_resort(tmp_path):
    key_file(tmp_path / ".env")

    assert pair(load_credentials("demo", environ={}, folder=tmp_path)) == (KEY, SECRET)


def test_no_key_of_one_environment_stands_in_for_another(tmp_path):
    path = key_file(tmp_path / "keys", "live")

    assert refusal(path=path).startswith("BINANCE_DEMO_API_KEY is missing from the key file")


def test_missing_keys_are_told_with_every_place_they_may_stand_in(tmp_path):
    text = refusal(folder=tmp_path)

    for place in (*KEY_NAMES["demo"], ".env", "--keys"):
        assert place in text


@pytest.mark.parametrize("missing", [0, 1])
def test_half_a_pair_is_refused(tmp_path, missing):
    environ = {KEY_NAMES["demo"][1 - missing]: KEY}

    assert refusal(environ=environ, folder=tmp_path) == (
        f"{KEY_NAMES['demo'][missing]} is missing from environment variables"
    )


@pytest.mark.parametrize("content", [b"", b"\n# nothing\n", b"BINANCE_DEMO_API_KEY=\n"])
def test_an_empty_key_file_is_refused(tmp_path, content):
    path = key_file(tmp_path / "keys")
    path.write_bytes(content)

    assert "BINANCE_DEMO_API_KEY is missing" in refusal(path=path)


@pytest.mark.parametrize("value", ["ab cd", "k\u00e9y", "a\tb"])
def test_a_value_that_can_be_no_key_is_refused(tmp_path, value):
    names = KEY_NAMES["demo"]
    path = key_file(tmp_path / "keys")
    path.write_text(f"{names[0]}={value}\n{names[1]}={SECRET}\n", encoding="utf-8")

    assert f"{names[0]} in the key file {path} is no key" in refusal(path=path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = key_file(tmp_path / "keys")
    path.write_bytes(b"\xff\xfe\x00")

    assert refusal(path=path) == f"the key file {path} cannot be read: it is no text"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o601, 0o610, 0o700])
def test_a_file_that_others_may_touch_is_refused(tmp_path, mode):
    path = key_file(tmp_path / "keys", mode=mode)

    assert f"has mode {mode:04o}, must be 0600" in refusal(path=path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_only_its_owner_may_read_is_taken(tmp_path, mode):
    assert file_problem(key_file(tmp_path / "keys", mode=mode)) is None


def test_a_missing_file_is_told(tmp_path):
    text = refusal(path=tmp_path / "keys")

    assert text == f"the key file {tmp_path / 'keys'} cannot be read: No such file or directory"


def test_a_link_to_a_key_file_is_refused(tmp_path):
    link = tmp_path / ".env"
    link.symlink_to(key_file(tmp_path / "keys"))

    assert "must be a regular file" in refusal(folder=tmp_path)


def test_a_folder_is_no_key_file(tmp_path):
    assert "must be a regular file" in refusal(path=tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path):
    path = key_file(tmp_path / "keys")
    os.chown(path, 12_345, -1)

    assert "belongs to user 12345" in refusal(path=path)


def test_a_file_that_git_tracks_is_refused_until_it_is_not(tmp_path):
    path = key_file(tmp_path / ".env")
    git = ("git", "-C", str(tmp_path))
    subprocess.run([*git, "init", "-q"], check=True)
    assert file_problem(path) is None

    subprocess.run([*git, "add", ".env"], check=True)

    assert "is tracked by git: revoke these keys" in refusal(folder=tmp_path)


def test_the_pair_shows_in_no_text_copy_or_serialization():
    credentials = Credentials(KEY, SECRET, "a test")

    for text in (repr(credentials), str(credentials), f"{credentials!r}", f"{[credentials]}"):
        assert text.strip("[]") == "Credentials(source='a test')"
    for write in (json.dumps, pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode, vars):
        with pytest.raises(TypeError) as caught:
            write(credentials)
        assert KEY not in str(caught.value)
        assert SECRET not in str(caught.value)


# -- the password of the kill switch's Redis ------------------------------------------------------

NAME = REDIS_PASSWORD_NAME


def kept_in(path: Path, value: str = SECRET, mode: int = 0o600) -> Path:
    path.write_text(f"{NAME}={value}\n")
    path.chmod(mode)
    return path


def test_a_redis_password_comes_from_the_named_file_the_variable_or_the_default_file(tmp_path):
    named, default = kept_in(tmp_path / "keys", "named"), kept_in(tmp_path / ".env", "default")
    environ = {NAME: "variable", "PATH": "/bin"}

    found = [
        load_redis_password(path=named, environ=dict(environ), folder=tmp_path),
        load_redis_password(environ=environ, folder=tmp_path),
        load_redis_password(environ={}, folder=default.parent),
    ]

    assert [password.reveal() for password in found] == ["named", "variable", "default"]
    assert environ == {"PATH": "/bin"}


def test_a_redis_without_a_password_is_no_error(tmp_path):
    named = key_file(tmp_path / "keys")

    assert load_redis_password(environ={}, folder=tmp_path) is None
    assert load_redis_password(path=named, environ={}, folder=tmp_path) is None


def test_a_redis_password_is_refused_where_others_can_read_it(tmp_path):
    for options in ({"path": kept_in(tmp_path / ".env", mode=0o644)}, {"folder": tmp_path}):
        with pytest.raises(SecretsError, match="has mode 0644") as caught:
            load_redis_password(environ={}, **options)
        assert SECRET not in str(caught.value)


def test_a_redis_password_shows_itself_nowhere(tmp_path):
    password = load_redis_password(path=kept_in(tmp_path / "keys"), environ={})

    assert SECRET not in repr(password) + str(password) + f"{password}"
    for show in (copy.copy, copy.deepcopy, pickle.dumps, json.dumps, msgspec.json.encode):
        with pytest.raises(TypeError):
            show(password)
