"""The watchdog acts when it must, and stays quiet when it must not."""

import json
import os
import signal
import subprocess
import sys

from risk.latch import Latch
from risk.state_dir import StateDir, replace_file
from tests.direct_kit import full_account, run
from tests.venue_kit import ROOT, until
from tests.watchdog_kit import BTC, beating, watched, watching, write_node


def test_a_hung_node_is_flattened_after_the_grace(tmp_path):
    async def scene():
        async with watched(tmp_path) as seen:
            await seen.thinks("WELL")
            seen.signal(signal.SIGSTOP)

            await seen.hears("ALARM", "HUNG")
            assert seen.full.left == (1, 2, 1)  # The grace is for the node.
            await seen.hears("KILLED", "verified")

            assert seen.full.left == (0, 0, 0)
            kill = Latch(seen.state.latch).read().kills[0]
            assert (kill.by, kill.level.name) == ("watchdog", "FLATTEN")
            assert seen.watchdog.exit_code == 0

    run(scene)


def test_a_dead_node_is_flattened(tmp_path):
    async def scene():
        async with watched(tmp_path) as seen:
            await seen.thinks("WELL")
            seen.signal(signal.SIGKILL)

            await seen.hears("KILLED")

            assert seen.events("ALARM")[0]["verdict"] == "DEAD"
            assert seen.full.left == (0, 0, 0)

    run(scene)


def test_the_grace_counts_from_the_alarm(tmp_path):
    async def scene():
        async with watched(tmp_path, grace_sec=1) as seen:
            await seen.thinks("WELL")
            seen.signal(signal.SIGKILL)

            await seen.hears("PULL")

            alarm, pull = seen.events("ALARM")[0], seen.events("PULL")[0]
            # The moments are those of the lines, a little after those of the turns.
            assert pull["mono_ns"] - alarm["mono_ns"] > 0.9e9

    run(scene)


def test_a_blind_node_is_flattened(tmp_path):
    async def scene():
        blind = {"feeds": {BTC: 60_000}, "positions": {BTC: "0.01"}}
        async with watched(tmp_path, beat=blind) as seen:
            await seen.hears("KILLED")

            assert seen.events("ALARM")[0]["verdict"] == "BLIND"
            assert seen.full.left == (0, 0, 0)

    run(scene)


def test_the_profiles_level_is_pulled(tmp_path):
    async def scene():
        async with watched(tmp_path, level="HALT") as seen:
            seen.signal(signal.SIGKILL)

            await seen.hears("KILLED")

            assert seen.full.left == (1, 0, 1)

    run(scene)


def test_the_switch_is_pulled_once_for_one_incident(tmp_path):
    async def scene():
        async with watched(tmp_path, level="HALT", grace_sec=0) as seen:
            seen.signal(signal.SIGKILL)
            await seen.hears("KILLED")

            await seen.turns(4)

            assert len(seen.events("PULL")) == 1

    run(scene)


def test_a_kill_that_left_something_is_pulled_again(tmp_path):
    async def scene():
        async with watched(tmp_path, grace_sec=0) as seen:
            part = seen.state.latch.with_suffix(f".{os.getpid()}.part")
            part.mkdir()  # It cannot be written.
            seen.signal(signal.SIGKILL)
            await seen.hears("LEFT", "not latched")
            assert seen.watchdog.exit_code == 70
            part.rmdir()
            await seen.full.rest_entries(1)

            await seen.hears("KILLED")

            assert seen.full.left == (0, 0, 0)
            assert seen.watchdog.exit_code == 0

    run(scene)


def test_a_node_that_beats_is_left_alone(tmp_path):
    async def scene():
        async with watched(tmp_path, grace_sec=0) as seen:
            await seen.thinks("WELL")
            await seen.turns(8)

            assert seen.events("ALARM") == []
            assert seen.full.left == (1, 2, 1)

    run(scene)


def test_a_trading_state_is_told_when_it_is_no_longer_active_and_when_it_is_again(tmp_path):
    async def scene():
        halted = {"state": "HALTED", "causes": ["LOSS"], "pid": os.getpid(), "seq": 10**6}
        async with full_account() as full:
            state = StateDir(tmp_path)
            write_node(state, full, os.getpid(), heartbeat_ms_max=60_000)
            write_beat(state, pid=os.getpid(), seq=1)
            async with watching(state, full) as seen:
                await seen.thinks("WELL")
                await seen.turns(2)
                assert seen.events("STATE") == []  # What is as it should be is no news.

                write_beat(state, **halted)
                await seen.hears("STATE", "the node is HALTED because LOSS")
                write_beat(state, **(halted | {"state": "ACTIVE", "causes": []}))
                await seen.hears("STATE", "the node is ACTIVE")

            assert len(seen.events("STATE")) == 2

    run(scene)


def test_a_node_that_wakes_within_the_grace_is_left_alone(tmp_path):
    async def scene():
        async with watched(tmp_path, grace_sec=60) as seen:
            await seen.thinks("WELL")
            seen.signal(signal.SIGSTOP)
            await seen.hears("ALARM")

            seen.signal(signal.SIGCONT)
            await seen.hears("CLEAR", "HUNG is over")

            assert seen.events("PULL") == []
            assert seen.full.left == (1, 2, 1)

    run(scene)


def test_a_node_that_ended_in_order_may_leave_a_protected_position(tmp_path):
    async def scene():
        async with watched(tmp_path, grace_sec=0, beat={"is_ended": True}) as seen:
            await seen.thinks("ENDED")
            seen.signal(signal.SIGKILL)
            await seen.turns(6)

            assert seen.events("ALARM") == []
            assert seen.full.left == (1, 2, 1)

    run(scene)


def test_a_dead_node_without_position_or_order_is_an_alarm_and_no_more(tmp_path):
    async def scene():
        async with watched(tmp_path, grace_sec=0) as seen:
            await seen.full.kill()
            seen.signal(signal.SIGKILL)

            await seen.hears("NOTHING_TO_KILL")
            await seen.turns(4)

            assert seen.events("PULL") == []
            assert not seen.state.latch.exists()

            await seen.full.rest_entries(1)  # It was not dead to the venue after all.
            await seen.hears("KILLED")

    run(scene)


def test_a_position_without_its_stop_is_found_at_the_venue_while_the_node_beats(tmp_path):
    async def scene():
        async with watched(tmp_path, entries=0) as seen:
            await seen.full.rest.ok("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")

            await seen.hears("ALARM", "NAKED")
            await seen.hears("KILLED")

            assert seen.full.left == (0, 0, 0)
            assert str(Latch(seen.state.latch).read().kills[0].scope) == f"symbol:{BTC}"

    run(scene)


def test_a_stop_that_is_back_before_the_grace_ends_is_no_reason_to_close(tmp_path):
    async def scene():
        async with watched(tmp_path, entries=0, grace_sec=60) as seen:
            await seen.full.rest.ok("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")
            await seen.hears("ALARM", "NAKED")

            await seen.full.rest.ok(
                "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT",
                side="SELL", type="STOP_MARKET", quantity="0.01", triggerPrice="62000",
                reduceOnly="true",
            )  # fmt: skip
            await seen.hears("CLEAR", "NAKED is over")

            assert seen.full.left == (1, 0, 1)

    run(scene)


def test_a_stop_that_is_back_while_the_venue_tells_nothing_is_no_reason_to_close(tmp_path):
    async def scene():
        async with watched(tmp_path, entries=0, grace_sec=1) as seen:
            await seen.full.rest.ok("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")
            await seen.hears("ALARM", "NAKED")
            seen.full.venue.fault("service_unavailable", {"on": "account", "for": "5s"})

            await seen.full.rest.ok(
                "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT",
                side="SELL", type="STOP_MARKET", quantity="0.01", triggerPrice="62000",
                reduceOnly="true",
            )  # fmt: skip
            await seen.hears("CLEAR", "NAKED is over")

            assert seen.events("PULL") == []
            assert seen.full.left == (1, 0, 1)

    run(scene)


def test_a_foreign_symbol_without_a_stop_is_a_persons_business(tmp_path):
    async def scene():
        async with watched(tmp_path, entries=0, grace_sec=0) as seen:
            await seen.full.order(symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.2")
            looks = len(seen.full.requests("GET", "/fapi/v3/positionRisk"))

            await until(lambda: len(seen.full.requests("GET", "/fapi/v3/positionRisk")) > looks + 2)

            assert seen.events("ALARM") == []
            assert seen.full.left == (2, 0, 1)

    run(scene)


def test_a_watchdog_waits_for_a_node_that_has_not_run_yet(tmp_path):
    async def scene():
        async with full_account() as full, watching(StateDir(tmp_path), full) as seen:
            await seen.thinks("WAITING")

            write_node(seen.state, full, pid=2**22 + 1)  # No such process.

            await seen.hears("ALARM", "DEAD")

    run(scene)


def test_a_venue_that_does_not_answer_is_told_once_and_waited_for(tmp_path):
    async def scene():
        async with watched(tmp_path, grace_sec=0) as seen:
            seen.full.venue.fault("service_unavailable", {"on": "account", "for": "4s"})

            await seen.hears("ALARM", "the venue does not tell")
            looks = len(seen.full.requests("GET", "/fapi/v3/positionRisk"))
            await until(lambda: len(seen.full.requests("GET", "/fapi/v3/positionRisk")) > looks + 1)

            assert len(seen.events("ALARM")) == 1
            assert seen.events("PULL") == []

    run(scene)


def test_a_turn_that_fails_is_told_once_and_is_not_the_last(tmp_path):
    async def scene():
        async with watched(tmp_path, grace_sec=0, beat={"feeds": "none"}) as seen:
            await seen.hears("TROUBLE", "a turn of the watchdog failed")
            await seen.full.rest_entries(1)

            seen.signal(signal.SIGKILL)
            await seen.hears("KILLED")

            assert len(seen.events("TROUBLE")) == 1

    run(scene)


def test_a_paper_node_that_is_dead_left_nothing_at_a_venue(tmp_path):
    async def scene():
        async with full_account() as full, watching(StateDir(tmp_path), full) as seen:
            write_node(seen.state, full, pid=2**22 + 1, mode="paper", grace_sec=0)

            await seen.hears("NOTHING_TO_KILL", "the account was simulated in the node")

            assert seen.events("KILLED") == []
            assert full.requests("GET", "/fapi/v3/positionRisk") == []

    run(scene)


def test_the_command_watches_until_it_is_told_to_end(tmp_path):
    async def scene():
        async with full_account() as full:
            state = StateDir(tmp_path)
            write_node(state, full, pid=2**22 + 1)
            command = [sys.executable, "-m", "ops", "watchdog", "--state", str(tmp_path)]
            process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
            journal = tmp_path / "watchdog.jsonl"
            try:
                await until(lambda: journal.exists() and '"KILLED"' in journal.read_text(), 60)
                process.send_signal(signal.SIGTERM)
                await until(lambda: process.poll() is not None)
                said = process.stderr.read().decode()
            finally:
                process.kill()
                process.communicate()

            assert process.returncode == 0
            assert "watchdog: ALARM: DEAD" in said
            assert json.loads(journal.read_text().splitlines()[-1])["kind"] == "ENDED"
            assert full.left == (0, 0, 0)

    run(scene)


def test_a_watchdog_that_was_stopped_itself_blames_nobody(tmp_path):
    async def scene():
        async with full_account() as full:
            state = StateDir(tmp_path)
            with beating(state) as node:
                write_node(state, full, node.pid, grace_sec=0)
                command = [sys.executable, "-m", "ops", "watchdog", "--state", str(tmp_path)]
                process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
                try:
                    await until(lambda: verdict(state) == "WELL", 60)
                    for number in (signal.SIGSTOP, signal.SIGCONT):
                        before = json.loads(state.heartbeat.read_text())["seq"]
                        process.send_signal(number)
                        await until(
                            lambda b=before: json.loads(state.heartbeat.read_text())["seq"] > b + 60
                        )
                    process.send_signal(signal.SIGTERM)
                    said = process.communicate()[1].decode()
                finally:
                    process.kill()

            assert "ALARM" not in said
            assert process.returncode == 0

    run(scene)


def write_beat(seen_by, **more):
    table = {
        "mono_ns": 0, "gate_mono_ns": 0, "feeds": {}, "is_user_stream_up": True, "positions": {},
        "state": "ACTIVE", "causes": [],
    }  # fmt: skip
    replace_file(seen_by.heartbeat, json.dumps(table | more).encode())


def verdict(state):
    return json.loads(state.watchdog.read_text())["verdict"] if state.watchdog.exists() else None


def test_starts_that_fail_after_a_crash_give_no_new_grace(tmp_path):
    async def scene():
        async with watched(tmp_path, grace_sec=3600) as seen:
            await seen.thinks("WELL")
            seen.signal(signal.SIGKILL)
            await seen.hears("ALARM", "DEAD")
            incident = seen.watchdog._incidents["node"]
            await until(lambda: incident.waited_ns > 0)

            write_node(seen.state, seen.full, os.getpid())
            await seen.thinks("STARTING")
            waited_ns = incident.waited_ns
            await seen.turns(3)
            assert incident.waited_ns == waited_ns  # a start is left in peace
            assert seen.events("CLEAR") == []
            write_node(seen.state, seen.full, seen.node.pid, grace_sec=1)  # it has failed

            await seen.hears("KILLED", "verified")
            assert seen.full.left == (0, 0, 0)

    run(scene)
