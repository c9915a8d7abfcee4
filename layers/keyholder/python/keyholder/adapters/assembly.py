"""How a function is put together: each part is made when it is first asked for, and kept for the next call.

A function makes only what its role may touch; asking for more gets AccessDenied, and the caller a refusal or 503.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from keyholder.adapters.checkpoint_key import KmsCheckpointKey
from keyholder.adapters.checks_queue import ChecksQueue
from keyholder.adapters.choices import S3ChoiceStore
from keyholder.adapters.clock import SystemClock
from keyholder.adapters.contacts import DynamoDbAddresses, SealedAddressBook
from keyholder.adapters.content import S3ContentStore
from keyholder.adapters.counters import DynamoDbCounters
from keyholder.adapters.event_bus import EventBridgeBus
from keyholder.adapters.extract_files import S3ExtractFiles
from keyholder.adapters.extracts_queue import ExtractsQueue
from keyholder.adapters.files_queue import FilesQueue
from keyholder.adapters.issuer import HttpsIssuerKeys
from keyholder.adapters.key_ring import KeyMaker, KeyShelf, KmsKeyRing, PurposeKeys
from keyholder.adapters.kms_seal import KmsSeal
from keyholder.adapters.ledger_objects import BucketLedger, BucketObjects, ReadAhead
from keyholder.adapters.mailbox_turn import MailboxTurns
from keyholder.adapters.mesh_credentials import read_credentials
from keyholder.adapters.notices import DynamoDbPositions, DynamoDbTold
from keyholder.adapters.outbox import S3Outbox
from keyholder.adapters.record_uploads import S3RecordUploads
from keyholder.adapters.results import S3ResultStore
from keyholder.adapters.ses_post import SesPost
from keyholder.adapters.step_table import DynamoDbStepTable
from keyholder.adapters.steps import DynamoDbSteps
from keyholder.adapters.storage_faults import CLIENT_CONFIG
from keyholder.adapters.tell_queue import TellQueue
from keyholder.adapters.views import S3ViewStore
from keyholder.adapters.worm import S3Worm
from keyholder.audit.facets import Histories
from keyholder.audit.index import IndexView
from keyholder.audit.terms import batch_lines
from keyholder.edge.settings import Settings
from keyholder.edge.tokens import TokenVerifier
from keyholder.emergency.desk import EmergencyDesk, Noted
from keyholder.extracts.service import ExtractDesk
from keyholder.extracts.working import Workshop
from keyholder.ledger.committed import CommittedEvents
from keyholder.ledger.committer import Log
from keyholder.ledger.event import Event
from keyholder.ledger.event_view import EventView
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.note import Verifier, parse_vkey
from keyholder.ledger.ports import StepStore
from keyholder.ledger.tile_view import TileView
from keyholder.ledger.verification import Keys
from keyholder.ledger.views import View, ViewPublisher, ViewStore
from keyholder.ledger.watch import Sighting, watch
from keyholder.limits.limiter import Limiter
from keyholder.limits.thresholds import default_limits
from keyholder.linkage.decide import Objects
from keyholder.linkage.policy_view import objections
from keyholder.linkage.service import Linkage
from keyholder.linkage.translation import Translating
from keyholder.notices.announcing import Announcer
from keyholder.notices.contacts import ContactBook
from keyholder.notices.directory import Directory
from keyholder.notices.domain_event import domain_event
from keyholder.notices.notifying import Notifier, Post
from keyholder.opt_outs.book import CheckBook
from keyholder.opt_outs.mailbox import Correspondence, Mailbox
from keyholder.opt_outs.removal import Removal
from keyholder.opt_outs.requests import OpenRequests
from keyholder.opt_outs.round import Round
from keyholder.policy.book import PolicyBook
from keyholder.policy.digests import Digester
from keyholder.policy.joining import Joining
from keyholder.policy.type1_opt_outs import Type1OptOuts
from keyholder.pseudonyms.ledger_keys import LedgerKeyRing
from keyholder.registry.delegation_book import Delegations
from keyholder.registry.people import person_id
from keyholder.registry.service import Registry
from keyholder.registry.sign_in import ASSURANCE, SignInRules
from keyholder.registry.terms_texts import in_force
from keyholder.release.emergency_release import EmergencyReleasing
from keyholder.release.opt_out_lists import OptOutLists
from keyholder.release.releasing import Releasing
from keyholder.requests.actors import Limits
from keyholder.requests.erasing.book import ErasureBook
from keyholder.requests.filing import RecordFiles
from keyholder.requests.ids import RandomIds
from keyholder.requests.policy_view import VOCABULARY, assess_with
from keyholder.requests.service import RequestDesk
from keyholder.standing.service import Standings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from keyholder.rebuilding.rebuilding import Rebuilding

_ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=2, read_timeout=10)
"""For what must not be sent twice by a client that repeats itself."""

MAILBOX_TURN = timedelta(minutes=6)
"""A little longer than functions/mesh may run."""

_PATIENT = Config(retries={"total_max_attempts": 3, "mode": "standard"}, connect_timeout=2, read_timeout=10)
_PATIENT_REGIONAL = _PATIENT.merge(Config(s3={"addressing_style": "virtual"}))
"""Addresses that are signed for others name the bucket's region, or S3 would redirect them."""


class Assembly:
    """One function's parts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.ids = RandomIds(self.clock)

    def new_id(self) -> str:
        """A time-ordered id for a register, a job, an export."""
        return self.ids.attempt().removeprefix("ATT-")

    @cached_property
    def tokens(self) -> TokenVerifier:
        keys = HttpsIssuerKeys(self.settings.token_issuer, self.clock.now)
        return TokenVerifier(self.settings.token_issuer, self.settings.token_audience, keys)

    @cached_property
    def verifiers(self) -> tuple[Verifier, ...]:
        return (parse_vkey(self.settings.ledger_vkey),)

    @cached_property
    def ledger(self) -> Ledger:
        return self._ledger_over(self._steps)

    def _ledger_over(self, steps: StepStore) -> Ledger:
        kms = boto3.client("kms", config=CLIENT_CONFIG)
        return Ledger(
            Log(self.settings.ledger_origin, self.verifiers[0]),
            steps,
            self._worm,
            KmsCheckpointKey(kms, self.settings.checkpoint_key_arn, self.verifiers[0].kind),
            self.clock,
        )

    @cached_property
    def _steps(self) -> DynamoDbSteps:
        return DynamoDbSteps(boto3.client("dynamodb", config=CLIENT_CONFIG), self.settings.steps_table)

    @cached_property
    def _worm(self) -> S3Worm:
        retention = timedelta(days=int(self.settings.ledger_retention_days))
        s3 = boto3.client("s3", config=CLIENT_CONFIG)
        return S3Worm(s3, self.settings.ledger_bucket, retention, self.clock)

    @cached_property
    def view_store(self) -> S3ViewStore:
        return S3ViewStore(self._s3, self.settings.view_bucket)

    @cached_property
    def views(self) -> tuple[View, ...]:
        """Every view there is. `ledger.views` says what a view may be."""
        return (
            TileView(self.view_store, self.ledger.checkpoint),
            IndexView(self.view_store, batch_lines(self.ledger.read)),
            EventView(self.view_store),
        )

    @cached_property
    def view_publisher(self) -> ViewPublisher:
        return self._publisher_to(self.view_store)

    def _publisher_to(self, store: ViewStore) -> ViewPublisher:
        return ViewPublisher(self.ledger.batch, store, self.views, self.clock)

    @property
    def announcer(self) -> Announcer:
        """Tells other programs what is committed. Made anew for each sweep, which reads each request once."""
        histories = Histories(self.ledger.read)

        def state(event: Event) -> str | None:
            found = histories.state(event)
            return None if found is None or found.status is None else found.status.value

        positions = DynamoDbPositions(self._dynamodb, self.settings.notices_table)
        bus = EventBridgeBus(boto3.client("events", config=_PATIENT), self.settings.event_bus)
        return Announcer(self.ledger, bus, positions, state, self.clock)

    @cached_property
    def notifier(self) -> Notifier | None:
        """Tells people, for the one function that may read where; None where no channel is set up."""
        post = self._post()
        if post is None:
            return None
        seal = KmsSeal(self._kms, self.settings.contact_key_arn)
        return Notifier(
            directory=Directory(CommittedEvents(self._steps)),
            told=DynamoDbTold(self._dynamodb, self.settings.notices_table),
            addresses=SealedAddressBook(self._dynamodb, self.settings.contacts_table, seal),
            post=post,
            links=self.settings.console_url.rstrip("/"),
            clock=self.clock,
        )

    def _post(self) -> Post | None:
        if self.settings.notice_channel == "ses":
            return SesPost(boto3.client("sesv2", config=_ONCE), self.settings.notice_sender)
        if self.settings.notice_channel == "govuk-notify":
            # Not at the top: most deployments need it not, and it brings the token library's signing half.
            from keyholder.adapters.govuk_notify import GovUkNotifyPost, read_notify_credentials

            secrets = boto3.client("secretsmanager", config=_PATIENT)
            return GovUkNotifyPost(read_notify_credentials(secrets, self.settings.notify_secret_arn), self.clock)
        return None

    @cached_property
    def contact_book(self) -> ContactBook:
        """Where people are told, for whoever registers it and can't read it."""
        seal = KmsSeal(self._kms, self.settings.contact_key_arn)
        addresses = DynamoDbAddresses(self._dynamodb, self.settings.contacts_table, seal, self.clock)
        return ContactBook(self.ledger, self.ids, self.registry, addresses)

    @cached_property
    def rebuilding(self) -> Rebuilding:
        """For the one function whose role may change what is in the tables. What it stands on no other has to load."""
        from keyholder.rebuilding.rebuilding import Parts, Rebuilding

        return Rebuilding(
            Parts(
                journal=self.ledger,
                over=self._ledger_over,
                download=lambda size: ReadAhead(self.ledger_objects(size)),
                keys=Keys(self.verifiers),
                worm=self._worm,
                steps=self._steps,
                table=DynamoDbStepTable(self._dynamodb, self.settings.steps_table),
                wrapped=KeyShelf(self._dynamodb, self._kms, self.settings.keys_table),
                views=self.view_store,
                publisher=self._publisher_to,
                clock=self.clock,
            )
        )

    @cached_property
    def registry(self) -> Registry:
        bootstrap = self.settings.bootstrap_operator
        named = person_id(self.settings.token_issuer, bootstrap) if bootstrap else None
        own_keys = frozenset(self.settings.controller_key_arns.split())
        return Registry(self.ledger, self.ids, named, own_keys, terms=in_force(), sign_in=self.sign_in_rules)

    @property
    def sign_in_rules(self) -> SignInRules:
        """What this deployment asks of a sign-in. Raises for an assurance level it doesn't know, or below AAL2."""
        return SignInRules(least_to_release=ASSURANCE[self.settings.release_assurance])

    @cached_property
    def policy(self) -> PolicyBook:
        return PolicyBook(self.ledger, self.ids, self.registry, self.sign_in_rules, in_force())

    @cached_property
    def linkage(self) -> Linkage:
        return Linkage(
            self.ledger, self.registry, self.ids, self._linkage_objections, self.sign_in_rules, terms=in_force()
        )

    @cached_property
    def delegations(self) -> Delegations:
        return Delegations(self.ledger, self.ids, self.sign_in_rules, in_force())

    @cached_property
    def standings(self) -> Standings:
        return Standings(self.ledger, self.registry, self.ids, self.sign_in_rules, in_force())

    def _linkage_objections(self, now: datetime) -> Objects:
        """Under the settings in force at this moment."""
        return objections(self.policy.in_force(), now)

    @cached_property
    def translating(self) -> Translating:
        return Translating(self.linkage, self.key_ring, self.purpose_keys, self.choices, self.policy.in_force)

    @cached_property
    def desk(self) -> RequestDesk:
        return RequestDesk(
            self.ledger,
            self.registry,
            self.contents,
            ids=self.ids,
            clock=self.clock,
            assess=assess_with(self.policy.in_force),
            vocabulary=VOCABULARY,
            limits=Limits(sign_in=self.sign_in_rules),
            terms=in_force(),
        )

    @cached_property
    def record_files(self) -> RecordFiles:
        s3 = boto3.client("s3", config=_PATIENT_REGIONAL)
        uploads = S3RecordUploads(s3, self.settings.uploads_bucket)
        return RecordFiles(self.desk, self.contents, self.registry, uploads, self.files_queue, self.clock)

    @cached_property
    def files_queue(self) -> FilesQueue:
        return FilesQueue(self._sqs, self.settings.files_queue_url)

    @cached_property
    def erasures(self) -> ErasureBook:
        return ErasureBook(self.ledger, self.ids, self.registry, self.sign_in_rules)

    @cached_property
    def contents(self) -> S3ContentStore:
        return S3ContentStore(self._s3, self._kms, self.settings.content_bucket, self.settings.content_key_arn)

    @cached_property
    def choices(self) -> S3ChoiceStore:
        return S3ChoiceStore(self._s3, self.settings.choices_bucket)

    @cached_property
    def key_ring(self) -> LedgerKeyRing:
        wrapped = KmsKeyRing(
            self._dynamodb, self._kms, table=self.settings.keys_table, domain_key_arn=self.settings.domain_key_arn
        )
        return LedgerKeyRing(self.registry, wrapped)

    @cached_property
    def purpose_keys(self) -> PurposeKeys:
        return PurposeKeys(
            self._dynamodb,
            self._kms,
            table=self.settings.keys_table,
            digest_key_arn=self.settings.digest_key_arn,
            tag_key_arn=self.settings.tag_key_arn,
        )

    @cached_property
    def key_maker(self) -> KeyMaker:
        return KeyMaker(
            self._dynamodb,
            self._kms,
            table=self.settings.keys_table,
            domain_key_arn=self.settings.domain_key_arn,
            digest_key_arn=self.settings.digest_key_arn,
            tag_key_arn=self.settings.tag_key_arn,
        )

    @cached_property
    def checks(self) -> ChecksQueue:
        return ChecksQueue(self._sqs, self.settings.checks_queue_url)

    @cached_property
    def extract_files(self) -> S3ExtractFiles:
        return S3ExtractFiles(boto3.client("s3", config=_PATIENT_REGIONAL), self.settings.extracts_bucket)

    @cached_property
    def extracts_queue(self) -> ExtractsQueue:
        return ExtractsQueue(self._sqs, self.settings.extracts_queue_url)

    @cached_property
    def extract_desk(self) -> ExtractDesk:
        return ExtractDesk(self.ledger, self.registry, self.extract_files, self.extracts_queue, self.ids, self.clock)

    @cached_property
    def workshop(self) -> Workshop:
        return Workshop(
            self.ledger,
            self.registry,
            self.key_ring,
            self.purpose_keys.digest,
            lambda key, now: Type1OptOuts(self.choices.type_1(), Digester(key.material), now),
            self.choices,
            self.extract_files,
            self.extracts_queue,
            self.clock,
        )

    @cached_property
    def releasing(self) -> Releasing:
        return Releasing(
            desk=self.desk,
            registry=self.registry,
            ring=self.key_ring,
            secrets=self.purpose_keys,
            choices=self.choices,
            results=S3ResultStore(boto3.client("s3", config=_PATIENT_REGIONAL), self.settings.results_bucket),
            limiter=Limiter(default_limits(), DynamoDbCounters(self._dynamodb, self.settings.counters_table)),
            policy=self.policy.in_force,
            clock=self.clock,
        )

    @cached_property
    def emergency_desk(self) -> EmergencyDesk:
        return EmergencyDesk(self.ledger, self.registry, self.ids, self.clock, self.sign_in_rules)

    def emergency_releasing(self, alert: Callable[[Noted], None]) -> EmergencyReleasing:
        """For `release`. `alert` has the controllers told at once."""
        return EmergencyReleasing(
            desk=self.emergency_desk,
            registry=self.registry,
            ring=self.key_ring,
            secrets=self.purpose_keys,
            choices=self.choices,
            policy=self.policy.in_force,
            alert=alert,
            clock=self.clock,
        )

    def tell_at_once(self, noted: Noted) -> None:
        """The first event of a step goes to who tells people, past the minute that the bus takes.

        Raises the storage errors of `ledger.ports`.
        """
        event, receipt = noted.recorded.events[0], noted.recorded.receipts[0]
        queue = TellQueue(self._sqs, self.settings.tell_queue_url)
        queue.tell(domain_event(event, receipt.index, None))

    @cached_property
    def outbox(self) -> S3Outbox:
        return S3Outbox(self._s3, self._kms, self.settings.outbox_bucket, self.settings.outbox_key_arn)

    @property
    def opt_out_lists(self) -> OptOutLists:
        """For `release`, which alone may open pseudonyms for people. Made anew for the settings in force now."""
        return OptOutLists(
            log=self.ledger,
            desk=self.desk,
            registry=self.registry,
            ring=self.key_ring,
            secrets=self.purpose_keys,
            choices=self.choices,
            outbox=self.outbox,
            facts=self.policy.in_force(),
            clock=self.clock,
        )

    def removal(self, trace: str) -> Removal:
        """Deletes what may be kept for a time only."""
        return Removal(CheckBook(self.ledger, trace), self.choices, self.outbox, self.clock)

    @cached_property
    def correspondence(self) -> Correspondence:
        senders = frozenset(self.settings.mesh_senders.split()) or frozenset({self.settings.mesh_recipient})
        return Correspondence(
            self.settings.mesh_mailbox, self.settings.mesh_recipient, self.settings.mesh_workflow, senders
        )

    def mailbox(self) -> AbstractContextManager[Mailbox]:
        """The MESH mailbox, for a `with` block. Raises `CredentialsError`, `MailboxUnavailableError`."""
        # Not at the top: no other function has the layer this comes with.
        from keyholder.adapters.mesh_mailbox import open_mailbox

        secrets = boto3.client("secretsmanager", config=_PATIENT)
        credentials = read_credentials(secrets, self.settings.mesh_secret_arn)
        return open_mailbox(self.settings.mesh_url, credentials, self.correspondence)

    def joining(self, trace: str) -> Joining:
        """Joins registers of choices."""
        return Joining(self.ledger, self.choices, trace, self.clock.now())

    @contextmanager
    def opt_out_round(self, trace: str) -> Iterator[Round | None]:
        """One round with the mailbox, for a `with` block; None where another one has not ended."""
        turns = MailboxTurns(self._dynamodb, self.settings.steps_table, self.settings.mesh_mailbox)
        with turns.take(trace, self.clock.now(), MAILBOX_TURN) as turn:
            if turn is None:
                yield None
                return
            facts = self.policy.in_force()
            with self.mailbox() as mailbox:
                yield Round(
                    log=self.ledger,
                    store=self.choices,
                    outbox=self.outbox,
                    mailbox=mailbox,
                    turn=turn,
                    requests=OpenRequests(self.ledger, facts, self.checks.ask_for_opt_outs),
                    correspondence=self.correspondence,
                    digester=self.digester,
                    new_id=self.new_id,
                    facts=facts,
                    clock=self.clock,
                    trace=trace,
                )

    def digester(self) -> Digester:
        """Opens the digest key: one call of KMS."""
        with self.purpose_keys.digest() as key:
            return Digester(key.material)

    @cached_property
    def audit_seal(self) -> KmsSeal:
        """For the cursors of auditors, by a key that the audit function has."""
        return KmsSeal(self._kms, self.settings.tag_key_arn)

    @cached_property
    def requests_seal(self) -> KmsSeal:
        """For the cursors of request lists, by a key that the requests function has."""
        return KmsSeal(self._kms, self.settings.content_key_arn)

    @property
    def ledger_objects(self) -> Callable[[int], BucketLedger]:
        """The ledger's objects up to a tree of so many leaves."""
        return lambda size: BucketLedger(self._s3, self.settings.ledger_bucket, size)

    def watch(self) -> Sighting:
        """Look at the ledger as it is now. Raises the storage errors of `ledger.ports`."""
        steps = DynamoDbSteps(self._dynamodb, self.settings.steps_table)
        return watch(steps, BucketObjects(self._s3, self.settings.ledger_bucket), self.clock)

    @cached_property
    def _dynamodb(self) -> DynamoDBClient:
        return boto3.client("dynamodb", config=_PATIENT)

    @cached_property
    def _kms(self) -> KMSClient:
        return boto3.client("kms", config=_PATIENT)

    @cached_property
    def _s3(self) -> S3Client:
        return boto3.client("s3", config=_PATIENT)

    @cached_property
    def _sqs(self) -> SQSClient:
        return boto3.client("sqs", config=_PATIENT)


@cache
def assembly() -> Assembly:
    """The running function's parts. Raises `SettingMissingError` where the environment is not complete."""
    return Assembly(Settings.of(os.environ))
