"""The keys of the settings, walked from the models: for error messages and for the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from jieyong.settings import DELIMITER, PREFIX, Settings


@dataclass(frozen=True, slots=True)
class Key:
    """One setting.

    Attributes:
        path: section and name, or the name alone at the top of the file.
    """

    path: tuple[str, ...]
    field: FieldInfo

    @property
    def dotted(self) -> str:
        """As people write it: ``spool.max_bytes``."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """Its environment variable: ``JIEYONG_SPOOL__MAX_BYTES``."""
        return PREFIX + DELIMITER.join(self.path).upper()

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown."""
        return SecretStr.__name__ in str(self.field.annotation)


def sections() -> dict[str, type[BaseModel]]:
    """Return section → model, in the order of the file."""
    return {name: model for name, info in Settings.model_fields.items() if (model := _model(info))}


def keys() -> Iterator[Key]:
    """Yield every setting: those at the top first, then section by section."""
    for name, info in Settings.model_fields.items():
        if _model(info) is None:
            yield Key((name,), info)
    for section, model in sections().items():
        for name, info in model.model_fields.items():
            yield Key((section, name), info)


def _model(info: FieldInfo) -> type[BaseModel] | None:
    annotation: Any = info.annotation
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None
