from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ixproxy.cli.decode import decode_capture
from ixproxy.cli.main import parser, run_command
from ixproxy.messages import EventAck, EventPulledInteractions, RequestPull, RequestSubmit
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.parts import encode_parts
from ixproxy.wire.prefix import write_frame
from tests.cli.captured import CLIENT, SERVER, SYN, ethernet, pcap, pcapng, tcp
from tests.wire.recorded import FRAMES, records

SUBMIT = encode(RequestSubmit(tenant_id=1, media_type="email", queue="Inbound"), reference=1)
ACK = encode(EventAck(interaction_id="00002T0001000001"), reference=1)
PING = write_frame(Kind.PING, 0)


def run(*argv: str) -> tuple[int, list[dict[str, Any]]]:
    stdout = io.StringIO()
    args = parser(["decode"]).parse_args(["decode", *argv])
    code = run_command(args, stdout, io.StringIO())
    return code, [json.loads(line) for line in stdout.getvalue().splitlines()]


def names(told: list[dict[str, Any]]) -> list[str]:
    return [each.get("error") or each.get("name") or each["kind"] for each in told]


def dialogue() -> list[bytes]:
    """Packets of a connection: opened, a submit in two segments, its answer, pings."""
    return [
        tcp(CLIENT, SERVER, 99, flags=SYN),
        tcp(SERVER, CLIENT, 499, flags=SYN),
        tcp(CLIENT, SERVER, 100, SUBMIT[:20]),
        tcp(CLIENT, SERVER, 120, SUBMIT[20:] + PING),
        tcp(SERVER, CLIENT, 500, ACK),
    ]


@pytest.mark.parametrize("capture", [pcap(dialogue()), pcapng(dialogue())], ids=["pcap", "pcapng"])
def test_a_packet_capture_tells_both_directions_in_order(capture: bytes) -> None:
    told = list(decode_capture(capture))
    assert names(told) == ["RequestSubmit", "ping", "EventAck"]
    assert [(each["from"], each["to"]) for each in told] == [
        ("10.0.0.1:40000", "10.0.0.2:7101"),
        ("10.0.0.1:40000", "10.0.0.2:7101"),
        ("10.0.0.2:7101", "10.0.0.1:40000"),
    ]
    assert told[1]["offset"] == len(SUBMIT)


def test_a_frame_has_the_time_of_its_last_packet() -> None:
    told = list(decode_capture(pcap(dialogue())))
    assert [each["at"] for each in told] == [
        "1970-01-01T00:00:03.500000+00:00",
        "1970-01-01T00:00:03.500000+00:00",
        "1970-01-01T00:00:04.500000+00:00",
    ]


def test_packets_out_of_order_and_sent_twice_make_no_difference() -> None:
    packets = dialogue()
    shuffled = [*packets[:2], packets[3], packets[2], packets[3], packets[4]]
    told = list(decode_capture(pcap([ethernet(each) for each in shuffled], link_type=1)))
    assert names(told) == ["RequestSubmit", "ping", "EventAck"]


def test_other_traffic_is_left_out_by_its_port() -> None:
    web = tcp(("10.0.0.1", 50000), ("10.0.0.3", 80), 1, b"GET / HTTP/1.1\r\n\r\n")
    capture = pcap([web, *dialogue()])
    assert names(list(decode_capture(capture, ports=[7101]))) == [
        "RequestSubmit",
        "ping",
        "EventAck",
    ]
    assert len(list(decode_capture(capture, ports=[80]))) == 1
    assert names(list(decode_capture(capture)))[-1] == "18 bytes are no frame"


def test_a_lost_packet_is_told_and_reading_goes_on() -> None:
    told = list(decode_capture(pcap([*dialogue()[:3], tcp(CLIENT, SERVER, 900, SUBMIT + PING)])))
    assert names(told) == [
        "it ends in the middle of a frame",
        "780 bytes are missing",
        "RequestSubmit",
        "ping",
    ]


def test_a_second_connection_between_the_same_ends_is_marked() -> None:
    again = [tcp(CLIENT, SERVER, 5000, flags=SYN), tcp(CLIENT, SERVER, 5001, PING)]
    told = list(decode_capture(pcap([*dialogue(), *again])))
    assert [each.get("connection") for each in told] == [None, None, None, 2]


def test_a_capture_that_is_cut_off_says_so_at_its_end() -> None:
    told = list(decode_capture(pcap(dialogue())[:-1]))
    assert names(told) == ["RequestSubmit", "ping", "the capture ends within a packet"]


def test_raw_bytes_are_one_direction() -> None:
    assert names(list(decode_capture(SUBMIT + PING))) == ["RequestSubmit", "ping"]


HEX = f"""
# A submit, spread over lines, and its answer.
> {SUBMIT[:20].hex(" ")}
> {SUBMIT[20:].hex(":")}   # the rest of it
< {ACK.hex()}
> {PING.hex(" ", 4)}
"""


def test_hexadecimal_text_tells_which_way_frames_went() -> None:
    told = list(decode_capture(HEX.encode()))
    assert names(told) == ["RequestSubmit", "EventAck", "ping"]
    assert [each["direction"] for each in told] == ["to server", "from server", "to server"]
    assert [each["line"] for each in told] == [4, 5, 6]


def test_a_hexadecimal_dump_is_read_without_its_offsets_and_text() -> None:
    lines = []
    for at in range(0, len(SUBMIT), 16):
        row = SUBMIT[at : at + 16]
        lines.append(f"{at:08x}: {row.hex(' ', 2):39}  {'.' * len(row)}\n")
    assert names(list(decode_capture("".join(lines).encode()))) == ["RequestSubmit"]
    tagged = "".join(f"\t0x{line[4:]}" for line in lines)
    assert names(list(decode_capture(tagged.encode()))) == ["RequestSubmit"]


def test_a_line_that_is_not_hexadecimal_is_told_and_passed_over() -> None:
    told = list(decode_capture(f"{PING.hex()}\nhello\n{PING.hex()}\n".encode()))
    assert names(told) == ["ping", "this is not hexadecimal", "ping"]
    assert told[1]["line"] == 2


def test_every_recorded_frame_is_decoded_out_of_its_file_without_an_error() -> None:
    for path in sorted(FRAMES.glob("*.txt")):
        told = list(decode_capture(path.read_bytes()))
        expected = [record for record in records() if record.file == path.stem]
        assert [each.get("error") for each in told] == [None] * len(expected), path.name
        assert [each["reference"] for each in told] == [
            record.means["reference"] for record in expected
        ]


def test_parts_are_told_one_by_one() -> None:
    answer = EventPulledInteractions(
        interactions={f"id{number:03}": {"k": "x" * 50} for number in range(50)}
    )
    told = list(decode_capture(b"".join(encode_parts(answer, 1000))))
    assert len(told) > 3
    assert [("more" in str(each["flags"])) for each in told] == [True] * (len(told) - 1) + [False]


def test_a_form_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(PING.hex().encode())
    assert names(run(str(path), "--form", "hex")[1]) == ["ping"]
    assert run(str(path), "--form", "raw")[0] == 1
    assert "header is cut off or not known" in names(run(str(path), "--form", "pcap")[1])[0]


def test_the_exit_code_says_whether_all_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(SUBMIT)
    code, told = run(str(path))
    assert (code, names(told)) == (0, ["RequestSubmit"])
    path.write_bytes(SUBMIT + b"\x00")
    code, told = run(str(path))
    assert (code, names(told)) == (1, ["RequestSubmit", "it ends in the middle of a frame"])
    path.write_bytes(b"")
    assert run(str(path)) == (0, [])


def test_a_longer_frame_is_read_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(SUBMIT)
    assert run(str(path), "--max-frame", "40")[0] == 1


def test_standard_input_is_read_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PING)))
    assert names(run()[1]) == ["ping"]


def test_a_file_that_is_not_there_is_exit_code_2(tmp_path: Path) -> None:
    code, told = run(str(tmp_path / "nothing"))
    assert code == 2
    assert told[0]["error"] == "usage"


def test_a_pull_by_view_shows_its_view_and_hold() -> None:
    pull = RequestPull(tenant_id=1, view_id="Q/V", extension={"pull-for-strategy": 1})
    (told,) = decode_capture(encode(pull, ttl=2000))
    assert (told["queue"], told["ttl"]) == ("Q/V", 2000)
    assert told["body"] == {"Extension": {"pull-for-strategy": 1}}
