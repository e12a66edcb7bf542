from __future__ import annotations

import subprocess
import sys

import pytest

from archon.store.owners import FORGOTTEN_AFTER_S, LEASE_S, is_alive, new_owner

NAME_ITSELF = "from archon.store.owners import new_owner; print(new_owner(), flush=True); input()"


def test_two_stores_of_one_process_are_two_owners() -> None:
    assert new_owner() != new_owner()


def test_this_process_is_alive_however_long_it_is_silent() -> None:
    assert is_alive(new_owner(), silent_s=10 * FORGOTTEN_AFTER_S)


def test_other_process_is_alive_until_it_ends() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", NAME_ITSELF],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    owner = process.stdout.readline().strip()
    assert is_alive(owner, silent_s=0)
    process.kill()
    process.communicate()
    assert not is_alive(owner, silent_s=0)


def test_reused_process_number_is_another_owner() -> None:
    host, namespace, pid, _, token = new_owner().split("/")
    earlier = "/".join((host, namespace, pid, "1", token))
    assert not is_alive(earlier, silent_s=0)


@pytest.mark.parametrize(
    ("silent_s", "expected"), [(60.0, True), (FORGOTTEN_AFTER_S, False)], ids=["recent", "silent"]
)
def test_owner_on_another_host_is_judged_by_its_silence(silent_s: float, expected: bool) -> None:
    assert is_alive("elsewhere/1/1/1/abcd", silent_s=silent_s) is expected


def test_process_of_another_boot_is_not_looked_up_here() -> None:
    host, where, _, _, token = new_owner().split("/")
    boot, _, namespace = where.rpartition(":")
    clone = "/".join((host, f"another-boot:{namespace}", "1", "1", token))
    assert boot, "Linux tells its boots apart"
    assert is_alive(clone, silent_s=0)
    assert not is_alive(clone, silent_s=FORGOTTEN_AFTER_S)


def test_owner_that_must_give_signs_of_life_is_judged_by_its_lease() -> None:
    elsewhere = "elsewhere/1/1/1/abcd"
    assert is_alive(elsewhere, silent_s=29.0, forgotten_after_s=LEASE_S)
    assert not is_alive(elsewhere, silent_s=LEASE_S, forgotten_after_s=LEASE_S)
    assert is_alive(new_owner(), silent_s=10 * LEASE_S, forgotten_after_s=LEASE_S)


def test_nobody_is_not_alive() -> None:
    assert not is_alive("", silent_s=0)
