"""How what is known of vehicles is called."""

from __future__ import annotations

from typing import Final

from fleet.joining.said import DOUBTS
from rules.kinds.vehicles import NORMS, Layer
from rules.subjects.model import Word

_YES: Final = {0.0: "否", 1.0: "是"}
_WHAT: Final = {"rate": "油耗", "cost": "燃油费"}
_NORM: Final = {"own": "比以往", "class": "比同类范围", "fleet": "比同能源范围"}
_END: Final = {"least": "至少", "most": "至多"}

WORDS: Final = {
    **{doubt.value: Word(label, _YES) for doubt, label in DOUBTS.items()},
    **{
        f"{what}_{norm}_{end}": Word(f"{said}{_NORM[norm]}高 {_END[end]} %")
        for what, said in _WHAT.items()
        for norm in NORMS
        for end in _END
    },
    Layer.UPKEEP.value: Word("维修费比同类范围高 %"),
    Layer.PART_EARLY.value: Word("部件离通常期限 %"),
    Layer.AWAY.value: Word("不在停放地点", _YES),
    Layer.MOVED_SEALED.value: Word("封存期间移动", _YES),
    Layer.MOVED_TAIL.value: Word("限行时段行驶", _YES),
    Layer.DUTY.value: Word("值班", _YES),
}
