"""The list of fields is read whole, and is the C core's."""

from pathlib import Path

from datapath import ffi
from datapath.fields import BY_NAME, BY_OXM, FIELDS, Field, Format, Needs

DEFINITION = Path(__file__).parents[3] / "datapath/src/flow/fields.def"


def test_every_line_of_the_definition_is_read() -> None:
    lines = [line for line in DEFINITION.read_text().splitlines() if line.startswith("FIELD(")]
    assert len(FIELDS) == len(lines) == len(BY_NAME) == len(BY_OXM)


def test_a_field_has_its_columns() -> None:
    field = BY_NAME["vlan_vid"]
    assert (field.oxm_class, field.oxm_field, field.bytes, field.bits) == (0x8000, 6, 2, 13)
    assert (field.maskable, field.settable, field.format) == (True, True, Format.DECIMAL)
    assert field.ones == 0x1FFF


def test_prerequisites_come_before_the_fields_that_need_them() -> None:
    order = [field.name for field in FIELDS]
    assert order.index("eth_type") < order.index("ip_proto") < order.index("tcp_src")
    assert order.index("vlan_vid") < order.index("vlan_pcp")
    assert order.index("icmpv6_type") < order.index("nd_target")


def test_the_list_is_what_the_compiled_core_knows() -> None:
    formats, needs = list(Format), list(Needs)
    core = [
        Field(
            *(f.name, f.oxm_class, f.oxm_field, f.bytes, f.bits, f.maskable, f.settable),
            format=formats[f.format],
            needs=needs[f.prerequisite],
        )
        for f in ffi.core_fields()
    ]
    assert core == list(FIELDS)
