"""The composition: read this file first. `python -m infra.app` writes the templates and their assets to `cdk.out`."""

from __future__ import annotations

import json
import os
from pathlib import Path

# Node 20 is past its end of life and jsii says so in eleven lines at every start; the value is the major number.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App, CfnOutput, CfnParameter, Duration, Stack, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.api import Api
from infra.athena import QueriesStack
from infra.checks import WorkQueue, call_every_minute
from infra.functions import SIZES, Functions
from infra.keys import KeysStack, controller_key_arns
from infra.ledger import Ledger
from infra.mesh import Mesh
from infra.notices import Notices
from infra.observability import Alarms
from infra.permissions import Holding
from infra.routes import ROOT, Function, check
from infra.state import State
from infra.witness import WitnessStack

LAYERS = ROOT / "build" / "layers" / "lambda"
"""Where `build_layers` puts what runs on Lambda; the environment variable KEYHOLDER_LAYERS names another place."""

EIGHT_YEARS = 8 * 365 + 2
"""In days, leap days included: a default, for the organisation's own retention schedule to set."""


class KeyholderStack(Stack):
    """Everything but the keys."""

    def __init__(self, scope: Construct, name: str, *, keys: KeysStack, layers: Path) -> None:
        super().__init__(scope, name, description="Keyholder: re-identification requests for health data in England.")
        parameters = _Parameters(self)
        ledger = Ledger(
            self,
            "Ledger",
            retention_days=parameters.retention_days.value_as_number,
            minimum_days=parameters.minimum_retention_days.value_as_number,
        )
        state = State(self, "State", extract_key=keys.extract, content_key=keys.content)
        controller_keys = controller_key_arns(self)
        checks, extracts, files = (
            WorkQueue(self, name, worker_timeout=Duration.seconds(SIZES[worker].seconds))
            for name, worker in (
                ("Checks", Function.RELEASE),
                ("Extracts", Function.PSEUDONYMISE),
                ("Files", Function.REQUESTS),
            )
        )
        mesh = Mesh(self, "Mesh")
        notices = Notices(self, "Notices", worker_timeout=Duration.seconds(SIZES[Function.NOTIFY].seconds))
        arns = {
            Holding.STEPS: state.steps.table_arn,
            Holding.KEYS: state.keys.table_arn,
            Holding.LEDGER: ledger.bucket.bucket_arn,
            Holding.CONTENT: state.content.bucket_arn,
            Holding.CHOICES: state.choices.bucket_arn,
            Holding.RESULTS: state.results.bucket_arn,
            Holding.EXTRACTS: state.extracts.bucket_arn,
            Holding.UPLOADS: state.uploads.bucket_arn,
            Holding.OUTBOX: state.outbox.bucket_arn,
            Holding.VIEW: state.view.bucket_arn,
            Holding.COUNTERS: state.counters.table_arn,
            Holding.DOMAIN_KEY: keys.domain.key_arn,
            Holding.DIGEST_KEY: keys.digest.key_arn,
            Holding.TAG_KEY: keys.tag.key_arn,
            Holding.CONTENT_KEY: keys.content.key_arn,
            Holding.EXTRACT_KEY: keys.extract.key_arn,
            Holding.OUTBOX_KEY: keys.outbox.key_arn,
            Holding.CHECKPOINT_KEY: keys.checkpoint.key_arn,
            Holding.MESH_SECRET: mesh.secret.secret_arn,
            Holding.CHECKS_QUEUE: checks.queue.queue_arn,
            Holding.EXTRACTS_QUEUE: extracts.queue.queue_arn,
            Holding.FILES_QUEUE: files.queue.queue_arn,
            Holding.CONTACT_KEY: keys.contact.key_arn,
            Holding.NOTICES: state.notices.table_arn,
            Holding.CONTACTS: state.contacts.table_arn,
            Holding.EVENT_BUS: notices.bus.event_bus_arn,
            Holding.TELL_QUEUE: notices.work.queue.queue_arn,
            Holding.NOTIFY_SECRET: notices.secret.secret_arn,
            Holding.SENDER: notices.identity_arn,
        }
        environment = {
            "STEPS_TABLE": state.steps.table_name,
            "KEYS_TABLE": state.keys.table_name,
            "COUNTERS_TABLE": state.counters.table_name,
            "LEDGER_BUCKET": ledger.bucket.bucket_name,
            "CONTENT_BUCKET": state.content.bucket_name,
            "CHOICES_BUCKET": state.choices.bucket_name,
            "RESULTS_BUCKET": state.results.bucket_name,
            "EXTRACTS_BUCKET": state.extracts.bucket_name,
            "UPLOADS_BUCKET": state.uploads.bucket_name,
            "VIEW_BUCKET": state.view.bucket_name,
            "DOMAIN_KEY_ARN": keys.domain.key_arn,
            "DIGEST_KEY_ARN": keys.digest.key_arn,
            "TAG_KEY_ARN": keys.tag.key_arn,
            "CONTENT_KEY_ARN": keys.content.key_arn,
            "CHECKPOINT_KEY_ARN": keys.checkpoint.key_arn,
            "LEDGER_ORIGIN": parameters.ledger_origin.value_as_string,
            "LEDGER_VKEY": parameters.ledger_vkey.value_as_string,
            "LEDGER_RETENTION_DAYS": parameters.retention_days.value_as_string,
            "TOKEN_ISSUER": parameters.token_issuer.value_as_string,
            "TOKEN_AUDIENCE": parameters.token_audience.value_as_string,
            "CHECKS_QUEUE_URL": checks.queue.queue_url,
            "EXTRACTS_QUEUE_URL": extracts.queue.queue_url,
            "FILES_QUEUE_URL": files.queue.queue_url,
            "BOOTSTRAP_OPERATOR": parameters.bootstrap_operator.value_as_string,
            "CONTROLLER_KEY_ARNS": " ".join(controller_keys),
            "RELEASE_ASSURANCE": parameters.release_assurance.value_as_string,
            "OUTBOX_BUCKET": state.outbox.bucket_name,
            "OUTBOX_KEY_ARN": keys.outbox.key_arn,
            **mesh.environment,
            "NOTICES_TABLE": state.notices.table_name,
            "CONTACTS_TABLE": state.contacts.table_name,
            "CONTACT_KEY_ARN": keys.contact.key_arn,
            "TELL_QUEUE_URL": notices.work.queue.queue_url,
            **notices.environment,
        }
        functions = Functions(
            self,
            "Functions",
            layers=layers,
            arns=arns,
            controller_keys=controller_keys,
            environment=environment,
        ).functions
        checks.feed(functions[Function.RELEASE])
        extracts.feed(functions[Function.PSEUDONYMISE])
        files.feed(functions[Function.REQUESTS])
        notices.work.feed(functions[Function.NOTIFY])
        mesh.call(functions[Function.MESH])
        call_every_minute(self, (functions[Function.SWEEPER], functions[Function.WATCH]))
        queues = {"Checks": checks, "Extracts": extracts, "Files": files, "Notices": notices.work}
        failed = {name: work.failed for name, work in queues.items()}
        Alarms(self, "Alarms", functions=functions, failed=failed, ledger=ledger.bucket)
        api = Api(self, "Api", functions).api
        CfnOutput(self, "ApiId", value=api.api_id)
        CfnOutput(self, "ApiUrl", value=api.api_endpoint)
        CfnOutput(self, "LedgerBucket", value=ledger.bucket.bucket_name)
        CfnOutput(self, "ViewBucket", value=state.view.bucket_name)
        CfnOutput(
            self,
            "RebuildFunction",
            value=functions[Function.REBUILD].function_name,
            description="What keyholder admin rebuild calls. Its caller may invoke it, and needs nothing else.",
        )


class _Parameters:
    """What differs from one deployment to the next."""

    def __init__(self, stack: Stack) -> None:
        self.token_issuer = CfnParameter(
            stack,
            "TokenIssuer",
            description="The OpenID issuer whose tokens are accepted, exactly as its tokens name it.",
            allowed_pattern="https://.+",
        )
        self.token_audience = CfnParameter(
            stack, "TokenAudience", description="The audience a token must be for.", default="keyholder-api"
        )
        self.ledger_origin = CfnParameter(
            stack,
            "LedgerOrigin",
            description="The ledger's name in its checkpoints (C2SP tlog-checkpoint), a URL without its scheme.",
            allowed_pattern="[^\\s+]+",
        )
        self.ledger_vkey = CfnParameter(
            stack,
            "LedgerVkey",
            description="The checkpoint key's public half (C2SP vkey), pinned: name, key id and key, joined by +.",
            allowed_pattern="[^\\s+]+\\+[0-9a-f]{8}\\+[A-Za-z0-9+/=]+",
        )
        self.retention_days = CfnParameter(
            stack,
            "LedgerRetentionDays",
            type="Number",
            description="How long nobody can delete an entry of the ledger.",
            default=EIGHT_YEARS,
            min_value=1,
        )
        self.minimum_retention_days = CfnParameter(
            stack,
            "LedgerMinimumRetentionDays",
            type="Number",
            description="One less than LedgerRetentionDays: what no writer may go below, a day having begun meanwhile.",
            default=EIGHT_YEARS - 1,
            min_value=0,
        )
        self.release_assurance = CfnParameter(
            stack,
            "ReleaseAssurance",
            description="How strongly somebody must have signed in, 15 minutes ago at most, before identifiers leave.",
            allowed_values=["AAL2", "AAL3"],
            default="AAL2",
        )
        self.bootstrap_operator = CfnParameter(
            stack,
            "BootstrapOperator",
            description="The subject (sub) of the first operator, who registers everybody else.",
            min_length=1,
        )


def compose(app: App, layers: Path) -> tuple[KeysStack, KeyholderStack]:
    """The service's two stacks of `app`, with the layers found in `layers`.

    Those of the witness and of Athena are added, each deployed alone. cdk-nag checks all when the app is synthesised.
    """
    check()
    keys = KeysStack(app, "KeyholderKeys")
    keyholder = KeyholderStack(app, "Keyholder", keys=keys, layers=layers)
    WitnessStack(app, "KeyholderWitness", layers=layers)
    QueriesStack(app, "KeyholderQueries")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    return keys, keyholder


def main() -> None:
    """Synthesise into CDK_OUTDIR (default `cdk.out`). Raises if a rule of cdk-nag is broken."""
    # The CLI reads the context from cdk.json; without it the same templates have to come out.
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(outdir=os.environ.get("CDK_OUTDIR", str(ROOT / "cdk.out")), context=context)
    compose(app, Path(os.environ.get("KEYHOLDER_LAYERS", LAYERS)))
    app.synth()


if __name__ == "__main__":
    main()
