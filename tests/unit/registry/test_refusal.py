from __future__ import annotations

import pytest

from registry.refusal import Fault, RefusedError, raise_if_any, refuse


def test_every_fault_is_a_line_with_its_place_before_it() -> None:
    error = RefusedError(Fault("账单!C7", "不是日期"), "机构 x 不存在")
    assert str(error) == "账单!C7：不是日期\n机构 x 不存在"
    assert error.faults == (Fault("账单!C7", "不是日期"), Fault("", "机构 x 不存在"))


def test_one_fault_refuses_and_none_does_not() -> None:
    raise_if_any([])
    with pytest.raises(RefusedError, match=r"^A1：错$"):
        raise_if_any([Fault("A1", "错")])
    with pytest.raises(RefusedError, match=r"^--ct：错$"):
        refuse("--ct", "错")
