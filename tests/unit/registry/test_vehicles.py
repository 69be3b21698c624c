from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.refusal import RefusedError
from registry.vehicles import SIGNS, Vehicle, meant, plain

FLEET = [
    Vehicle(1, "A01", "渝A·12345", sensitive=False),
    Vehicle(2, "A02", "渝AD12346", sensitive=False),
    Vehicle(3, "S01", "渝A·99999", sensitive=True),
    Vehicle(4, "新车", "", sensitive=False),
]


@pytest.mark.parametrize(
    "said",
    [
        "渝A·12345",
        "渝A•12345",
        "渝A12345",
        "渝a·12345",
        "渝Ａ·１２３４５",
        " 渝A 12345 ",
        "渝A　12345",
        "渝A-12345",
        "渝A．12345",
        "渝A・12345",
        "渝A－12345",
        "A01",
        "a01",
        "Ａ０１",
        "A-01",
    ],
)
def test_a_vehicle_is_found_however_its_plate_is_written(said: str) -> None:
    assert meant(said, FLEET).id == 1


@given(
    st.lists(st.sampled_from("渝AD12346"), min_size=1),
    st.data(),
)
def test_width_case_and_signs_make_no_other_plate(letters: list[str], data: st.DataObject) -> None:
    written = ""
    for one in letters:
        wide = chr(ord(one) + 0xFEE0) if one.isascii() else one
        written += data.draw(st.sampled_from([one, one.lower(), wide, wide.lower()]))
        written += data.draw(st.text(SIGNS + "　．－･", max_size=2))
    assert plain(written) == "".join(letters)


def test_a_code_as_it_is_comes_before_any_plate() -> None:
    other = Vehicle(9, "渝A12345", "川A·1", sensitive=False)
    assert meant("渝A12345", [*FLEET, other]) is other


def test_several_are_refused_with_their_codes_and_plates() -> None:
    twin = Vehicle(9, "B07", "渝A12345", sensitive=False)
    said = "--vehicle：“渝A·12345”对应多辆车：A01（渝A·12345）、B07（渝A12345）；请写编码"
    with pytest.raises(RefusedError) as refused:
        meant("渝A·12345", [*FLEET, twin], "--vehicle")
    assert str(refused.value) == said


@pytest.mark.parametrize("said", ["渝A12354", "A12345", "渝AI2345", "渝A1234S"])
def test_what_is_near_is_named_when_there_is_none(said: str) -> None:
    with pytest.raises(RefusedError, match=r"没有编码或车牌为“.*；相近的有 .*A01（渝A·12345）"):
        meant(said, FLEET)


@pytest.mark.parametrize("said", ["京B·77777", "·", "", "  "])
def test_nothing_is_near_a_word_of_its_own(said: str) -> None:
    with pytest.raises(RefusedError) as refused:
        meant(said, FLEET)
    assert str(refused.value) == f"车辆：没有编码或车牌为“{said}”的车辆；请核对设备清单"


def test_the_plate_of_a_sensitive_vehicle_is_not_told_to_who_is_only_near() -> None:
    for said in ("渝A99998", "S02"):
        with pytest.raises(RefusedError) as refused:
            meant(said, FLEET)
        assert "99999" not in str(refused.value).replace(said, "")
    assert meant("渝A99999", FLEET).id == 3
