"""Every no to a file of records: its code, the field of the declaration it is about, and what would make it a yes."""

from __future__ import annotations

from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.refusals import Refusal, RefusalKind


def _fault(code: str, advice: str, field: str = "/file") -> Refusal:
    return Refusal(code, RefusalKind.INVALID, advice, field)


SIZE_DIFFERS = _fault(
    "FILE_SIZE_DIFFERS",
    "The file has another length than was declared. Save the draft with the file's own, and upload it again.",
    "/file/bytes",
)
HASH_DIFFERS = _fault(
    "FILE_HASH_DIFFERS",
    "The file is not the one that was declared. Save the draft with the file's own SHA-256, and upload it again.",
    "/file/sha256",
)
NOT_UTF_8 = _fault("FILE_NOT_UTF_8", "Save the file as UTF-8 and declare it again.")
NOT_CSV = _fault("FILE_NOT_CSV", "Save the file as CSV (RFC 4180) with a row of column names, and declare it again.")
CELLS_DIFFER = _fault("FILE_CELLS_DIFFER", "Give every row as many cells as there are columns; leave out empty lines.")
COLUMN_MISSING = _fault(
    "FILE_COLUMN_MISSING",
    f"Give the file a column for each type asked for, of {', '.join(COLUMN_OF.values())}; and a column `domain` where "
    "it is of several domains.",
)
COLUMN_REPEATED = _fault("FILE_COLUMN_REPEATED", "Name each column once.")
CONTROL_CHARACTER = _fault("FILE_CONTROL_CHARACTER", "Take out the control character in this row.")
CELL_TOO_LONG = _fault("FILE_CELL_TOO_LONG", "No pseudonym is as long as a cell of this row.")
ROW_ID_FORM = _fault("FILE_ROW_ID_FORM", "Give the row an id of 1 to 64 visible ASCII characters, or none.")
ROW_ID_IDENTIFIER = _fault(
    "FILE_ROW_ID_IDENTIFIER", "The row's id looks like an NHS number or a pseudonym: give it another, or none."
)
ROW_ID_REPEATED = _fault("FILE_ROW_ID_REPEATED", "Give each row an id of its own, or leave the column out.")
ROW_EMPTY = _fault("FILE_ROW_EMPTY", "Give each row a pseudonym of a type that is asked for, or leave the row out.")
NO_PSEUDONYMS = _fault("FILE_WITHOUT_PSEUDONYMS", "The file has no pseudonym. Declare one that has.")
TOO_MANY = _fault(
    "FILE_TOO_MANY_PSEUDONYMS", "Ask for at most 1,000,000 pseudonyms and rows in one request; divide the file."
)
DOMAIN_UNDECLARED = _fault(
    "FILE_DOMAIN_UNDECLARED",
    "The row names a domain that was not declared. Declare it, or take the row out.",
    "/file/domains",
)
DOMAIN_ABSENT = _fault(
    "FILE_DOMAIN_ABSENT", "A domain is declared that no row is of. Declare only those there are.", "/file/domains"
)
OTHER_DOMAIN = _fault(
    "FILE_OF_ANOTHER_DOMAIN",
    "No pseudonym of a declared domain is one that it can have made. Check the domain and the columns.",
    "/file/domains",
)
REFUSALS = (
    SIZE_DIFFERS,
    HASH_DIFFERS,
    NOT_UTF_8,
    NOT_CSV,
    CELLS_DIFFER,
    COLUMN_MISSING,
    COLUMN_REPEATED,
    CONTROL_CHARACTER,
    CELL_TOO_LONG,
    ROW_ID_FORM,
    ROW_ID_IDENTIFIER,
    ROW_ID_REPEATED,
    ROW_EMPTY,
    NO_PSEUDONYMS,
    TOO_MANY,
    DOMAIN_UNDECLARED,
    DOMAIN_ABSENT,
    OTHER_DOMAIN,
)
BY_CODE = {fault.code: fault for fault in REFUSALS}
