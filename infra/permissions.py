"""Function -> what it may do, written by hand: the one place that says who may touch what.

CDK's `grant_*` methods are not used: they add actions nobody asked for (whole-index reads, legal holds, re-encryption).
The deployed policies are compared with this table in the tests, and each function is tried against it on the engine.

There is one KMS key a purpose, so that "who may open what" is a list of keys and needs no condition on a context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.routes import Function


class Holding(StrEnum):
    """Something with an ARN that a function may touch."""

    STEPS = "steps table"
    KEYS = "keys table"
    COUNTERS = "counters table"
    LEDGER = "ledger bucket"
    CONTENT = "content bucket"
    CHOICES = "choices bucket"
    RESULTS = "results bucket"
    EXTRACTS = "extracts bucket"
    UPLOADS = "uploads bucket"
    """Files of records, each for as long as it takes to read it."""
    OUTBOX = "outbox bucket"
    """Lists of NHS numbers, each sealed under a data key of its own, for minutes."""
    VIEW = "view bucket"
    """Made from the ledger alone, and can be made again: nothing that takes effect trusts it."""
    DOMAIN_KEY = "domain key"
    DIGEST_KEY = "digest key"
    TAG_KEY = "tag key"
    CONTENT_KEY = "content key"
    EXTRACT_KEY = "extract key"
    OUTBOX_KEY = "outbox key"
    CONTACT_KEY = "contact key"
    CHECKPOINT_KEY = "checkpoint key"
    MESH_SECRET = "MESH credentials"  # noqa: S105 - a name
    CONTROLLER_KEYS = "controllers' own keys"
    """As many as the deployment names, by default none: a statement about them is then left out."""
    CHECKS_QUEUE = "checks queue"
    EXTRACTS_QUEUE = "extracts queue"
    FILES_QUEUE = "files queue"
    TELL_QUEUE = "queue of what is to be told"
    EVENT_BUS = "event bus"
    NOTICES = "notices table"
    CONTACTS = "contacts table"
    """Where people are told, sealed: personal data, and nothing else in it."""
    NOTIFY_SECRET = "GOV.UK Notify credentials"  # noqa: S105 - a name
    SENDER = "sender of notices"
    LOGS = "own log group"
    WITNESS = "witness's bucket"
    """In the witness's own account, as is its key."""
    WITNESS_KEY = "witness's key"


@dataclass(frozen=True, slots=True)
class Resource:
    """A holding, or a part of it: `part` is what follows its ARN (`/journal/*`, `/index/due`)."""

    holding: Holding
    part: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One Allow: these actions on these resources, and no others."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[Resource, ...]


def _allow(sid: str, actions: tuple[str, ...], *resources: Resource) -> Statement:
    return Statement(sid, actions, resources)


def _objects(holding: Holding, *prefixes: str) -> tuple[Resource, ...]:
    return tuple(Resource(holding, f"/{prefix}*") for prefix in prefixes)


def _decrypt(sid: str, *keys: Holding) -> Statement:
    return _allow(sid, ("kms:Decrypt",), *(Resource(key) for key in keys))


JOURNAL = ("journal/", "checkpoint/")
"""The prefixes of the ledger bucket; its policy refuses any other."""

LOGS = _allow("OwnLogs", ("logs:CreateLogStream", "logs:PutLogEvents"), Resource(Holding.LOGS))

APPEND: tuple[Statement, ...] = (
    _allow(
        "Steps",
        (
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:Query",
            "dynamodb:ConditionCheckItem",
        ),
        Resource(Holding.STEPS),
    ),
    _allow("PendingSteps", ("dynamodb:Query",), Resource(Holding.STEPS, "/index/pending")),
    _allow(
        "Journal",
        ("s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"),
        *_objects(Holding.LEDGER, *JOURNAL),
    ),
    _allow("JournalKeys", ("s3:ListBucket",), Resource(Holding.LEDGER)),
    _allow("Checkpoint", ("kms:Sign",), Resource(Holding.CHECKPOINT_KEY)),
)
"""What it takes to write a step into the ledger and prove it. The list of keys is not narrowed to a prefix, because S3
then answers 403 instead of 404 for a journal object that is not there yet."""

READ_KEYS = _allow("WrappedKeys", ("dynamodb:GetItem",), Resource(Holding.KEYS))
OPEN_OWN_KEYS = _decrypt("OpenOwnKeys", Holding.CONTROLLER_KEYS)
NEW_OWN_KEYS = _allow("NewOwnKeys", ("kms:GenerateDataKeyWithoutPlaintext",), Resource(Holding.CONTROLLER_KEYS))
SEND_EXTRACTS = _allow("SendExtracts", ("sqs:SendMessage",), Resource(Holding.EXTRACTS_QUEUE))
SEND_FILES = _allow("SendFiles", ("sqs:SendMessage",), Resource(Holding.FILES_QUEUE))
SEND_CHECKS = _allow("SendChecks", ("sqs:SendMessage",), Resource(Holding.CHECKS_QUEUE))

PERMISSIONS: Mapping[Function, tuple[Statement, ...]] = {
    Function.REQUESTS: (
        LOGS,
        *APPEND,
        _allow("Content", ("s3:GetObject", "s3:PutObject"), *_objects(Holding.CONTENT, "")),
        _allow("ContentNames", ("s3:ListBucket",), Resource(Holding.CONTENT)),
        _allow("ContentKey", ("kms:GenerateDataKey", "kms:Decrypt"), Resource(Holding.CONTENT_KEY)),
        _allow("Cursors", ("kms:Encrypt",), Resource(Holding.CONTENT_KEY)),
        SEND_CHECKS,
        # An address for an upload can do what who signed it can. Files are read here, where no key of a domain is.
        _allow("Uploads", ("s3:GetObject", "s3:PutObject"), *_objects(Holding.UPLOADS, "records/")),
        _allow("UploadNames", ("s3:ListBucket",), Resource(Holding.UPLOADS)),
        SEND_FILES,
        _allow(
            "AskedFiles",
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            Resource(Holding.FILES_QUEUE),
        ),
    ),
    Function.DECISIONS: (
        LOGS,
        *APPEND,
        _allow("Content", ("s3:GetObject", "s3:PutObject"), *_objects(Holding.CONTENT, "")),
        _allow("ContentNames", ("s3:ListBucket",), Resource(Holding.CONTENT)),
        _decrypt("ContentKey", Holding.CONTENT_KEY),
    ),
    Function.RELEASE: (
        LOGS,
        *APPEND,
        READ_KEYS,
        _decrypt("Open", Holding.DOMAIN_KEY, Holding.DIGEST_KEY, Holding.TAG_KEY, Holding.CONTENT_KEY),
        _allow("Counters", ("dynamodb:PutItem", "dynamodb:Query", "dynamodb:DeleteItem"), Resource(Holding.COUNTERS)),
        OPEN_OWN_KEYS,
        _allow("Content", ("s3:GetObject",), *_objects(Holding.CONTENT, "")),
        _allow("ContentNames", ("s3:ListBucket",), Resource(Holding.CONTENT)),
        _allow("Choices", ("s3:GetObject",), *_objects(Holding.CHOICES, "")),
        _allow("ChoicesKeys", ("s3:ListBucket",), Resource(Holding.CHOICES)),
        _allow("Results", ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), *_objects(Holding.RESULTS, "")),
        _allow("ResultNames", ("s3:ListBucket",), Resource(Holding.RESULTS)),
        _allow(
            "Checks",
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            Resource(Holding.CHECKS_QUEUE),
        ),
        # To have what came as a file released after the call that asked for it.
        SEND_CHECKS,
        # Who puts a list can't read it: that is for functions/mesh, which can open no pseudonym.
        _allow("Outbox", ("s3:PutObject",), *_objects(Holding.OUTBOX, "lists/")),
        _allow("SealLists", ("kms:GenerateDataKey",), Resource(Holding.OUTBOX_KEY)),
        # To have controllers told at once of an emergency access.
        _allow("Alert", ("sqs:SendMessage",), Resource(Holding.TELL_QUEUE)),
    ),
    Function.PSEUDONYMISE: (
        LOGS,
        *APPEND,
        READ_KEYS,
        _decrypt("Open", Holding.DOMAIN_KEY, Holding.DIGEST_KEY),
        OPEN_OWN_KEYS,
        # To delete what says the same as another: row links are joined (docs/decisions/0042).
        _allow("Links", ("s3:PutObject", "s3:GetObject", "s3:DeleteObject"), *_objects(Holding.CHOICES, "links/")),
        # To drop who has a Type 1 opt-out, and to ask all choices of whoever is to be linked.
        _allow(
            "Choices",
            ("s3:GetObject",),
            *_objects(Holding.CHOICES, "national-data-opt-outs/", "type-1/", "consents/"),
        ),
        _allow("ChoicesKeys", ("s3:ListBucket",), Resource(Holding.CHOICES)),
        # An address for an upload or a download can do what who signed it can: this function, and no other.
        _allow("Uploads", ("s3:GetObject", "s3:PutObject"), *_objects(Holding.EXTRACTS, "uploads/")),
        _allow(
            "Extracts",
            ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
            *_objects(Holding.EXTRACTS, "announcements/", "parts/", "progress/"),
        ),
        _allow("ExtractNames", ("s3:ListBucket",), Resource(Holding.EXTRACTS)),
        _allow("ExtractKey", ("kms:GenerateDataKey", "kms:Decrypt"), Resource(Holding.EXTRACT_KEY)),
        SEND_EXTRACTS,
        _allow(
            "AskedExtracts",
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            Resource(Holding.EXTRACTS_QUEUE),
        ),
    ),
    Function.AUDIT: (
        LOGS,
        *APPEND,
        READ_KEYS,
        _decrypt("Open", Holding.TAG_KEY),
        _allow("Cursors", ("kms:Encrypt",), Resource(Holding.TAG_KEY)),
        _allow("JournalVersions", ("s3:GetObjectVersion",), *_objects(Holding.LEDGER, *JOURNAL)),
        _allow("JournalVersionKeys", ("s3:ListBucketVersions",), Resource(Holding.LEDGER)),
        _allow("Views", ("s3:GetObject",), *_objects(Holding.VIEW, "")),
        _allow("ViewNames", ("s3:ListBucket",), Resource(Holding.VIEW)),
    ),
    Function.REGISTRY: (
        LOGS,
        *APPEND,
        _allow("WrappedKeys", ("dynamodb:PutItem", "dynamodb:UpdateItem"), Resource(Holding.KEYS)),
        _allow(
            "NewKeys",
            ("kms:GenerateDataKeyWithoutPlaintext",),
            Resource(Holding.DOMAIN_KEY),
            Resource(Holding.DIGEST_KEY),
            Resource(Holding.TAG_KEY),
        ),
        NEW_OWN_KEYS,
        # Who registers an address seals it, and can't open it again.
        _allow("Contacts", ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"), Resource(Holding.CONTACTS)),
        _allow("SealContacts", ("kms:Encrypt",), Resource(Holding.CONTACT_KEY)),
    ),
    Function.CHOICES: (
        LOGS,
        *APPEND,
        READ_KEYS,
        _decrypt("Open", Holding.DIGEST_KEY),
        _allow(
            "Choices",
            ("s3:GetObject", "s3:PutObject"),
            *_objects(Holding.CHOICES, "national-data-opt-outs/", "type-1/", "consents/"),
        ),
        _allow("ChoicesKeys", ("s3:ListBucket",), Resource(Holding.CHOICES)),
        # Whatever it joins into one; the answers of the opt-out service are deleted by functions/mesh alone.
        _allow("JoinChoices", ("s3:DeleteObject",), *_objects(Holding.CHOICES, "type-1/", "consents/")),
        # To have approved requests looked at when somebody in them withdraws their consent.
        SEND_CHECKS,
    ),
    Function.MESH: (
        LOGS,
        *APPEND,
        _allow("DueSteps", ("dynamodb:Query",), Resource(Holding.STEPS, "/index/due")),
        READ_KEYS,
        _decrypt("Open", Holding.DIGEST_KEY, Holding.OUTBOX_KEY),
        _allow("Outbox", ("s3:GetObject", "s3:DeleteObject"), *_objects(Holding.OUTBOX, "lists/")),
        _allow("OutboxNames", ("s3:ListBucket",), Resource(Holding.OUTBOX)),
        _allow(
            "OptOuts",
            ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
            *_objects(Holding.CHOICES, "national-data-opt-outs/"),
        ),
        _allow("ChoicesKeys", ("s3:ListBucket",), Resource(Holding.CHOICES)),
        _allow("Credentials", ("secretsmanager:GetSecretValue",), Resource(Holding.MESH_SECRET)),
        SEND_CHECKS,
    ),
    Function.SWEEPER: (
        LOGS,
        *APPEND,
        _allow("DueSteps", ("dynamodb:Query",), Resource(Holding.STEPS, "/index/due")),
        # To finish key changes that were cut short, and to make the coming year's tag key.
        _allow("WrappedKeys", ("dynamodb:PutItem", "dynamodb:UpdateItem"), Resource(Holding.KEYS)),
        _allow(
            "NewKeys",
            ("kms:GenerateDataKeyWithoutPlaintext",),
            Resource(Holding.DOMAIN_KEY),
            Resource(Holding.TAG_KEY),
        ),
        NEW_OWN_KEYS,
        SEND_CHECKS,
        SEND_EXTRACTS,
        SEND_FILES,
        # The only function that takes a text away, which it can't read; somebody has ordered that in the ledger.
        _allow("EraseTexts", ("s3:DeleteObject",), *_objects(Holding.CONTENT, "requests/")),
        _allow("Views", ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), *_objects(Holding.VIEW, "")),
        _allow("ViewNames", ("s3:ListBucket",), Resource(Holding.VIEW)),
        _allow("Announce", ("events:PutEvents",), Resource(Holding.EVENT_BUS)),
        _allow("Announced", ("dynamodb:GetItem", "dynamodb:PutItem"), Resource(Holding.NOTICES)),
    ),
    Function.NOTIFY: (
        LOGS,
        # It reads the ledger and can write nothing into it, nor open anything but where people are told.
        _allow("Steps", ("dynamodb:Query",), Resource(Holding.STEPS)),
        _allow("Told", ("dynamodb:GetItem", "dynamodb:UpdateItem"), Resource(Holding.NOTICES)),
        _allow("Contacts", ("dynamodb:GetItem",), Resource(Holding.CONTACTS)),
        _decrypt("OpenContacts", Holding.CONTACT_KEY),
        _allow("Send", ("ses:SendEmail",), Resource(Holding.SENDER)),
        _allow("Credentials", ("secretsmanager:GetSecretValue",), Resource(Holding.NOTIFY_SECRET)),
        _allow(
            "ToTell",
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            Resource(Holding.TELL_QUEUE),
        ),
    ),
    Function.WATCH: (
        LOGS,
        _allow("Steps", ("dynamodb:GetItem", "dynamodb:BatchGetItem"), Resource(Holding.STEPS)),
        _allow("PendingSteps", ("dynamodb:Query",), Resource(Holding.STEPS, "/index/pending")),
        _allow("Journal", ("s3:GetObject",), *_objects(Holding.LEDGER, "journal/")),
        _allow("JournalKeys", ("s3:ListBucket", "s3:ListBucketVersions"), Resource(Holding.LEDGER)),
    ),
    Function.REBUILD: (
        LOGS,
        *APPEND,
        # The only function that takes anything out of the steps table, or sees the whole of it.
        _allow("WholeTable", ("dynamodb:Scan", "dynamodb:DeleteItem"), Resource(Holding.STEPS)),
        _allow("JournalVersions", ("s3:GetObjectVersion",), *_objects(Holding.LEDGER, *JOURNAL)),
        _allow("JournalVersionKeys", ("s3:ListBucketVersions",), Resource(Holding.LEDGER)),
        # It shuts keys that a backup brought back. It makes none, and no key of KMS is here that would open one.
        _allow("WrappedKeys", ("dynamodb:Scan", "dynamodb:UpdateItem"), Resource(Holding.KEYS)),
        _allow("Views", ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), *_objects(Holding.VIEW, "")),
        _allow("ViewNames", ("s3:ListBucket",), Resource(Holding.VIEW)),
    ),
    Function.SERVICE: (LOGS,),
}

COSIGNED = ("cosigned/", "stamped/")
"""What a witness publishes: cosigned checkpoints, and time-stamps."""

WITNESS_KEYS = (*JOURNAL, "seen/", *COSIGNED)
"""The prefixes of the witness's bucket: its copy of the ledger, what it remembers, what it publishes."""

WITNESS: tuple[Statement, ...] = (
    LOGS,
    _allow("Ledger", ("s3:GetObject",), *_objects(Holding.LEDGER, *JOURNAL)),
    _allow("LedgerKeys", ("s3:ListBucket", "s3:ListBucketVersions"), Resource(Holding.LEDGER)),
    _allow(
        "Copy",
        ("s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"),
        *_objects(Holding.WITNESS, *WITNESS_KEYS),
    ),
    _allow("CopyKeys", ("s3:ListBucket",), Resource(Holding.WITNESS)),
    _allow("Cosign", ("kms:Sign", "kms:GetPublicKey"), Resource(Holding.WITNESS_KEY)),
)
"""What functions/witness may do, in another account than all the others: read the ledger, and write its own bucket."""


def allowed(function: Function, action: str, holding: Holding, part: str = "") -> bool:
    """Whether `function` may do `action` on `holding` (`part` as in `Resource`, a concrete key instead of a star)."""
    return any(
        action in statement.actions and _covers(resource, holding, part)
        for statement in PERMISSIONS[function]
        for resource in statement.resources
    )


def _covers(resource: Resource, holding: Holding, part: str) -> bool:
    if resource.holding is not holding:
        return False
    if resource.part.endswith("*"):
        return part.startswith(resource.part[:-1])
    return part == resource.part
