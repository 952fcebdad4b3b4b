"""Actions and instructions in ovs-ofctl's words, and as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.action import Action, ExperimenterAction, Output, PopVlan, PushVlan, SetField
from datapath.action_text import format_action_list, parse_action_list
from datapath.fields import BY_NAME
from datapath.instruction import ApplyActions, ExperimenterInstruction, Instruction, WriteMetadata
from datapath.instruction_text import format_instructions, parse_instructions
from datapath.match_text import parse_match
from datapath.of13.action import pack_actions, unpack_actions
from datapath.of13.instruction import pack_instructions, unpack_instructions
from datapath.problems import Error, ProtocolProblem, SyntaxProblem
from tests.kit.alarm import alarm
from tests.kit.ovs import needs_ovs_ofctl, read_rules
from tests.kit.rules import any_actions, instructions_of

TCP = {
    "": "drop",
    "drop": "drop",
    "3": "output:3",
    "output=3": "output:3",
    "output:in_port": "IN_PORT",
    "flood,ALL,normal,table": "FLOOD,ALL,NORMAL,TABLE",
    "local,output:LOCAL": "LOCAL,LOCAL",
    "controller": "CONTROLLER:65535",
    "output:controller": "CONTROLLER:65535",
    "CONTROLLER:20": "CONTROLLER:20",
    "controller(max_len=20)": "CONTROLLER:20",
    "set_field:1.2.3.4->nw_dst": "set_field:1.2.3.4->ip_dst",
    "set_field:00:01:02:03:04:05->dl_src": "set_field:00:01:02:03:04:05->eth_src",
    "set_field:80->tp_dst": "set_field:80->tcp_dst",
    "mod_dl_dst:00:01:02:03:04:05": "set_field:00:01:02:03:04:05->eth_dst",
    "mod_nw_src:1.2.3.4": "set_field:1.2.3.4->ip_src",
    "mod_nw_tos:32,mod_nw_ecn:1": "set_field:8->ip_dscp,set_field:1->nw_ecn",
    "mod_tp_src:80": "set_field:80->tcp_src",
    "mod_vlan_vid:5": "push_vlan:0x8100,set_field:4101->vlan_vid",
    "mod_vlan_pcp:3,mod_vlan_vid:5": (
        "push_vlan:0x8100,set_field:3->vlan_pcp,set_field:4101->vlan_vid"
    ),
    "push_vlan:0x88a8,set_field:4101->vlan_vid": "push_vlan:0x88a8,set_field:4101->vlan_vid",
    "dec_ttl,set_nw_ttl:5": "dec_ttl,mod_nw_ttl:5",
    "set_queue:3,group:4": "set_queue:3,group:4",
    "push_mpls:0x8847": "push_mpls:0x8847",
    "write_actions(output:3,set_field:1.2.3.4->ip_dst)": (
        "write_actions(output:3,set_field:1.2.3.4->ip_dst)"
    ),
    "meter:3,output:4,clear_actions,write_actions(output:5),write_metadata:5/7,goto_table:4": (
        "meter:3,output:4,clear_actions,write_actions(output:5),write_metadata:0x5/0x7,goto_table:4"
    ),
    "write_metadata:5": "write_metadata:0x5",
    "set_tunnel:5,set_tunnel64(0x1ffffffff)": "set_field:0x5->tun_id,set_field:0x1ffffffff->tun_id",
    "push_mpls:0x8847,set_mpls_label(5),set_mpls_tc:3": (
        "push_mpls:0x8847,set_field:5->mpls_label,set_field:3->mpls_tc"
    ),
    "push_mpls:0x8847,write_actions(set_mpls_label:5)": (
        "push_mpls:0x8847,write_actions(set_field:5->mpls_label)"
    ),
}
"""What people write for packets that match tcp -> what is printed, as ovs-ofctl does."""

OURS = {
    "apply_actions(output:1),output:2": "output:1,output:2",
    "apply_actions()": "drop",
    "write_actions(drop)": "write_actions(drop)",
    "dec_nw_ttl": "dec_ttl",
    "push_mpls:0x8847,set_mpls_ttl:4,dec_mpls_ttl,pop_mpls:0x800": (
        "push_mpls:0x8847,set_mpls_ttl(4),dec_mpls_ttl,pop_mpls:0x0800"
    ),
    "push_pbb:0x88e7,pop_pbb,copy_ttl_in,copy_ttl_out": (
        "push_pbb:0x88e7,pop_pbb,copy_ttl_in,copy_ttl_out"
    ),
    "experimenter(0x2320,00112233)": "experimenter(0x2320,00112233)",
    "experimenter_instruction(0x2320,)": "experimenter_instruction(0x2320,)",
    "output:4000000000": "output:4000000000",
    "enqueue:1:5": "set_queue:5,output:1",
    "output:2,enqueue(1,5)": "output:2,set_queue:5,output:1",
    "enqueue:LOCAL:5,dec_ttl": "set_queue:5,LOCAL,dec_ttl",
    "enqueue:1:5,enqueue:2:6": "set_queue:5,output:1,set_queue:6,output:2",
    "set_queue:3,enqueue:1:5,output:2": "set_queue:3,set_queue:5,output:1,set_queue:3,output:2",
    "set_queue:3,enqueue:1:5,goto_table:2": (
        "set_queue:3,set_queue:5,output:1,set_queue:3,goto_table:2"
    ),
    "enqueue:1:5,set_queue:3,output:2": "set_queue:5,output:1,set_queue:3,output:2",
    "write_actions(enqueue:1:5)": "write_actions(set_queue:5,output:1)",
    "set_field:1.2.3.4->ipv4_dst": "set_field:1.2.3.4->ip_dst",
}

REFUSED = {
    "output": "the port is missing",
    "output:ANY": "can't go out of any port",
    "output:eth0": "no port has this name",
    "foo:1": "no action has this name",
    "resubmit(,3)": "no action has this name in OpenFlow 1.3, only in Open vSwitch; write goto_",
    "load:5->NXM_OF_ETH_DST[]": "only in Open vSwitch; write set_field:VALUE->FIELD",
    "pop_queue": "write outputs without a queue before those with one",
    "enqueue:1": "write enqueue:PORT:QUEUE",
    "enqueue:1:x": "is no number",
    "enqueue:1:5,output:2": "OpenFlow 1.3 has no way back",
    "enqueue:1:5,group:2": "OpenFlow 1.3 has no way back",
    "enqueue:1:5,goto_table:2": "OpenFlow 1.3 has no way back",
    "enqueue:1:5,write_actions(output:2)": "OpenFlow 1.3 has no way back",
    "output(port=1,max_len=9)": "write output:1 or controller(max_len=N)",
    "dec_ttl(1,2)": "write dec_ttl",
    "set_mpls_label(5)": "add mpls to the match",
    "push_mpls:0x8847,set_mpls_tc(8)": "out of range",
    "push_mpls:0x8847,write_actions(mod_nw_src:1.2.3.4)": "no field of these packets",
    "->": "it is no action",
    "controller(id=3)": "has no id here",
    "controller:65536": "out of range",
    "push_vlan:0x800": "no VLAN tag has this type",
    "mod_vlan_vid:4096": "out of range",
    "mod_nw_tos:5": "use mod_nw_ecn",
    "set_field:5": "write set_field:VALUE->FIELD",
    "set_field:5->foo": "no field of these packets",
    "set_field:5->metadata": "can't be written; write write_metadata:V",
    "set_field:5->vlan_vid": "add dl_vlan",
    "push_vlan:0x8100,set_field:5->vlan_vid": "set_field:4101->vlan_vid",
    "set_field:1->arp_op": "add arp to the match",
    "set_field:::1->ipv6_src": "add ipv6 to the match",
    "set_field:1.0.0.0/8->ip_src": "leave out the mask",
    "push_mpls:0x8847,mod_nw_src:1.2.3.4": "no field of these packets",
    "group:x": "is no number",
    "goto_table:255": "write 0 to 254",
    "goto_table:4,output:1": "carried out later",
    "write_metadata:1,write_metadata:2": "or twice",
    "output:1,clear_actions,output:2": "carried out later",
    "output:3,drop": "write drop alone",
    "write_actions(goto_table:3)": "no action has this name",
    "experimenter(0x2320,0)": "a number and bytes",
}


@pytest.mark.parametrize(("text", "printed"), (TCP | OURS).items())
def test_actions_are_printed_as_ovs_ofctl_prints_them(text: str, printed: str) -> None:
    tcp = parse_match("tcp")
    found = parse_instructions(text, tcp)
    assert format_instructions(found) == printed
    assert format_instructions(parse_instructions(printed, tcp)) == printed


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_nonsense_is_refused_with_a_way_out(text: str, reason: str) -> None:
    with pytest.raises(SyntaxProblem, match=r".+: .+; .+") as caught:
        parse_instructions(text, parse_match("tcp"))
    assert reason in str(caught.value)


@needs_ovs_ofctl
def test_ovs_ofctl_prints_the_same() -> None:
    texts = [text for text in TCP if text != "output:controller"]
    assert read_rules([f"tcp,actions={text}" for text in texts]) == [
        f"tcp actions={TCP[text]}" for text in texts
    ]


def test_a_tag_that_is_certain_is_not_pushed_again() -> None:
    (found,) = parse_instructions("mod_vlan_vid:6,pop_vlan", parse_match("dl_vlan=5"))
    assert found == ApplyActions((SetField(BY_NAME["vlan_vid"], 0x1006), PopVlan()))


def test_words_mean_the_fields_of_the_protocol() -> None:
    (found,) = parse_instructions("mod_tp_dst:7", parse_match("udp6"))
    assert found == ApplyActions((SetField(BY_NAME["udp_dst"], 7),))


def test_a_list_of_actions_has_no_instructions_in_it() -> None:
    assert parse_action_list("output:1,push_vlan:0x8100") == (Output(1), PushVlan(0x8100))
    assert parse_action_list("drop") == ()
    assert format_action_list(()) == "drop"
    with pytest.raises(SyntaxProblem):
        parse_action_list("goto_table:1")


def test_an_output_is_sixteen_bytes() -> None:
    assert pack_actions((Output(1, 2),)) == bytes.fromhex("00000010 00000001 0002 000000000000")


def test_a_set_field_is_padded_within_itself() -> None:
    packed = pack_actions((SetField(BY_NAME["tcp_dst"], 80),))
    assert packed == bytes.fromhex("00190010 80001c02 0050 000000000000")


@given(st.lists(any_actions, max_size=6))
def test_bytes_of_actions_are_read_back(actions: list[Action]) -> None:
    packed = pack_actions(tuple(actions))
    assert len(packed) % 8 == 0
    assert unpack_actions(packed) == tuple(actions)


@given(instructions_of(any_actions))
def test_bytes_of_instructions_are_read_back(instructions: tuple[Instruction, ...]) -> None:
    assert unpack_instructions(pack_instructions(instructions)) == instructions


def test_a_value_that_does_not_fit_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        pack_actions((Output(-1),))
    with pytest.raises(ValueError, match="does not fit"):
        pack_instructions((WriteMetadata(1 << 64),))


BROKEN_ACTIONS = {
    "0000000000000001": Error.BAD_ACTION_BAD_LEN,
    "0000000300000001": Error.BAD_ACTION_BAD_LEN,
    "0000000800000001": Error.BAD_ACTION_BAD_LEN,
    "0000001000000001": Error.BAD_ACTION_BAD_LEN,
    "0000001800000001000000000000000000000000000000ff": Error.BAD_ACTION_BAD_LEN,
    "0001000800000000": Error.BAD_ACTION_BAD_TYPE,
    "0019000080000004": Error.BAD_ACTION_BAD_LEN,
    "001900088000000400000000": Error.BAD_ACTION_BAD_SET_LEN,
    "00190010800000050000000100000000": Error.BAD_ACTION_BAD_SET_LEN,
    "00190010800000000000000100000000": Error.BAD_ACTION_BAD_SET_LEN,
    "001900188000000400000001000000000000000000000000": Error.BAD_ACTION_BAD_SET_LEN,
    "001900108000fe040000000100000000": Error.BAD_ACTION_BAD_SET_TYPE,
    "0019001080001d04005000ff00000000": Error.BAD_ACTION_BAD_SET_TYPE,
    "0000": Error.BAD_ACTION_BAD_LEN,
}


@pytest.mark.parametrize(("data", "error"), BROKEN_ACTIONS.items())
def test_bytes_that_are_no_actions_are_answered(data: str, error: Error) -> None:
    with alarm(0.1), pytest.raises(ProtocolProblem) as caught:
        unpack_actions(bytes.fromhex(data))
    assert caught.value.error is error


BROKEN_INSTRUCTIONS = {
    "0001000001000000": Error.BAD_INSTRUCTION_BAD_LEN,
    "0001000401000000": Error.BAD_INSTRUCTION_BAD_LEN,
    "0001001001000000": Error.BAD_INSTRUCTION_BAD_LEN,
    "00010010010000000000000000000000": Error.BAD_INSTRUCTION_BAD_LEN,
    "0007000800000000": Error.BAD_INSTRUCTION_UNKNOWN_INST,
    "00040010000000000000001000000001": Error.BAD_ACTION_BAD_LEN,
    "0004000c0000000000000010": Error.BAD_ACTION_BAD_LEN,
    "000400": Error.BAD_INSTRUCTION_BAD_LEN,
}


@pytest.mark.parametrize(("data", "error"), BROKEN_INSTRUCTIONS.items())
def test_bytes_that_are_no_instructions_are_answered(data: str, error: Error) -> None:
    with alarm(0.1), pytest.raises(ProtocolProblem) as caught:
        unpack_instructions(bytes.fromhex(data))
    assert caught.value.error is error


def test_somebodys_own_survive_as_bytes_and_as_text() -> None:
    own = (ExperimenterInstruction(1, b"abcd1234"),)
    assert parse_instructions(format_instructions(own)) == own
    action = (ExperimenterAction(0x2320, b"\0\x01\0\0\0\0\0\0"),)
    assert parse_action_list(format_action_list(action)) == action
