from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from storage.errors import AlreadyThere, RowsRefused, StorageUnavailable, translated


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (errors.UniqueViolation, AlreadyThere),
        (errors.NotNullViolation, RowsRefused),
        (errors.CheckViolation, RowsRefused),
        (errors.NumericValueOutOfRange, RowsRefused),
        (errors.BadCopyFileFormat, RowsRefused),
        (errors.InvalidTextRepresentation, RowsRefused),
        (errors.UntranslatableCharacter, RowsRefused),
        (errors.StatementTooComplex, RowsRefused),
        (errors.ProgramLimitExceeded, RowsRefused),
        (errors.AdminShutdown, StorageUnavailable),
        (errors.CannotConnectNow, StorageUnavailable),
        (errors.DiskFull, StorageUnavailable),
        (errors.OutOfMemory, StorageUnavailable),
        (errors.TooManyConnections, StorageUnavailable),
        (errors.LockNotAvailable, StorageUnavailable),
        (errors.QueryCanceled, StorageUnavailable),
        (errors.DeadlockDetected, StorageUnavailable),
        (errors.SerializationFailure, StorageUnavailable),
        (errors.UndefinedTable, StorageUnavailable),
        (errors.InsufficientPrivilege, StorageUnavailable),
        (errors.ReadOnlySqlTransaction, StorageUnavailable),
        (errors.ConfigurationLimitExceeded, StorageUnavailable),
        (errors.InternalError_, StorageUnavailable),
        (psycopg.OperationalError, StorageUnavailable),
        (psycopg.InterfaceError, StorageUnavailable),
    ],
)
def test_only_what_is_the_rows_own_fault_refuses_them(
    error: type[psycopg.Error], meaning: type[Exception]
) -> None:
    assert type(translated(error("so it is"))) is meaning


def test_the_servers_words_and_the_code_are_kept() -> None:
    said = str(translated(errors.DiskFull("could not extend file")))
    assert said == "could not extend file (SQLSTATE 53100)"
