"""Sealed texts: who can read them, and rotation of keys."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from septet_kit.errors import Permanent
from septet_kit.sealing import Sealer, SealError

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
OWNER = ("values", "acme", "r-1")


@pytest.mark.parametrize("text", ["kim@example.org", "서울특별시 중구 세종대로 110", ""])
def test_only_the_owner_reads_a_sealed_text(text: str) -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(text, *OWNER)
    assert sealer.open(sealed, *OWNER) == text
    assert not text or text not in sealed
    for other in (("values", "acme", "r-2"), ("values", "globex", "r-1"), ("values", "acme"), ()):
        with pytest.raises(SealError):
            sealer.open(sealed, *other)


def test_a_changed_or_foreign_seal_is_not_read() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal("kim@example.org", *OWNER)
    changed = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]
    for broken in (changed, sealed[:-8], "", "no seal", "한글", Sealer([OLD]).seal("x", *OWNER)):
        with pytest.raises(SealError):
            sealer.open(broken, *OWNER)


def test_the_first_key_seals_and_all_open() -> None:
    before = Sealer([OLD]).seal("a", *OWNER)
    rotated = Sealer.of(SecretStr(f"{NEW}, {OLD}"), "SEPTET_KEYS")
    assert rotated is not None
    assert rotated.open(before, *OWNER) == "a"
    assert Sealer([NEW]).open(rotated.seal("b", *OWNER), *OWNER) == "b"


def test_no_key_makes_no_sealer() -> None:
    assert Sealer.of(SecretStr(" "), "SEPTET_KEYS") is None


@pytest.mark.parametrize("key", ["short", OLD[:-4], "비밀번호"])
def test_an_invalid_key_names_the_setting_and_not_the_key(key: str) -> None:
    with pytest.raises(Permanent) as caught:
        Sealer.of(SecretStr(f"{NEW},{key}"), "SEPTET_KEYS")
    assert (caught.value.code, caught.value.field) == ("invalid_key", "SEPTET_KEYS")
    assert "openssl" in (caught.value.fix or "")
    assert key not in f"{caught.value} {caught.value.fix}"
