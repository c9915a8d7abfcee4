"""The words every part of Keyholder shares: who people are, what things are called.

Identifiers of things are semantic string types, so that a request can never be passed where a person is meant.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

PersonId = NewType("PersonId", str)
"""`person/<32 hex>`: derived from the token's issuer and subject (`registry.person_id`), never a name or an e-mail."""

ProjectId = NewType("ProjectId", str)
DomainId = NewType("DomainId", str)
RequestId = NewType("RequestId", str)
ExtractId = NewType("ExtractId", str)
OrganisationCode = NewType("OrganisationCode", str)
"""An ODS code, for example `X26`."""

StreamId = NewType("StreamId", str)
"""`<kind>/<id>`: one thing's sequence of events, for example `request/REQ-01J…`."""

ActorId = NewType("ActorId", str)
"""A `PersonId`, or `system/<function>` where Keyholder itself acts on a clock."""

ContentHash = NewType("ContentHash", str)
"""SHA-256 of canonical JSON, 64 lower-case hexadecimal digits."""

Pseudonym = NewType("Pseudonym", str)


class IdentifierType(StrEnum):
    """What a pseudonym stands for: the five columns of the GP extract (NHS Data Dictionary, GPDataSet Patient)."""

    NHS_NUMBER = "nhs_number"
    GP_LOCAL_PATIENT_NUMBER = "gp_local_patient_number"
    POSTCODE = "postcode"
    DATE_OF_BIRTH = "date_of_birth"
    DATE_OF_DEATH = "date_of_death"


class Role(StrEnum):
    """What a person may be to Keyholder. Held in Keyholder's own membership records, never read from a token."""

    RESEARCHER = "researcher"
    CONTROLLER = "controller"
    CALDICOTT_GUARDIAN = "caldicott_guardian"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    AUDITOR = "auditor"
    PROVIDER = "provider"
    OPERATOR = "operator"
