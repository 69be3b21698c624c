"""Lines of the audit log of a meter, as officers read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from metering.facts.entry_check import NAMES

_ACTIONS: Final = {
    "meter.create": "建立计量表",
    "meter.change": "修改计量表",
    "meter.close": "停用计量表",
    "meter.reopen": "重新启用计量表",
    "meter.recompute": "要求重新计算",
    "ratio.enter": "登记变比",
    "ratio.withdraw": "撤销变比",
    "entry.enter": "录入读数",
    "entry.withdraw": "撤销读数",
    "replace.enter": "登记换表",
    "replace.withdraw": "撤销换表",
    "move.enter": "登记移位",
    "move.withdraw": "撤销移位",
    "main.bind": "设定总表",
    "load_profile.bind": "设定负荷曲线",
}
_KEYS: Final = {
    "id": "编号",
    "ct": "CT",
    "pt": "PT",
    "since": "自",
    "until": "至",
    "at": "时间",
    "kind": "类别",
    "value": "读数",
    "note": "备注",
    "device": "表计",
    "register": "累计量",
    "removed_at": "拆下",
    "installed_at": "装上",
    "room": "房间",
    "name": "名称",
    "energy": "能源",
    "unit": "单位",
    "direction": "方向",
    "item": "分项",
    "formula": "公式",
}
_KINDS: Final = {str(kind): name for kind, name in NAMES.items()}
_TIMES: Final = frozenset({"since", "until", "at", "removed_at", "installed_at"})


def action(code: str) -> str:
    """Name what was done; what has no name here keeps its code."""
    return _ACTIONS.get(code, code)


def detail(content: Mapping[str, Any], zone: ZoneInfo) -> str:
    """Write what was said, without what was left empty.

    Args:
        content: of the line.
        zone: in which times are shown.
    """
    return "，".join(_words(content, zone))


def _words(content: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    # The database keeps no order of keys.
    order = {key: number for number, key in enumerate(_KEYS)}
    for key, value in sorted(content.items(), key=lambda item: order.get(item[0], len(order))):
        if value in (None, ""):
            continue
        shown = _KINDS.get(str(value), value) if key == "kind" else value
        if key in _TIMES:
            shown = f"{datetime.fromisoformat(str(value)).astimezone(zone):%Y-%m-%d %H:%M}"
        elif isinstance(value, list) and len(value) == 2:
            shown = f"{value[0] or '无'} → {value[1] or '无'}"
        yield f"{_KEYS.get(key, key)} {shown}"
