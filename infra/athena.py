"""Athena over the events of the ledger, for logs too large for one machine: a stack of its own, deployed if wanted.

It reads the view of events (`keyholder.ledger.event_view`), which is made from the ledger and proves nothing; and what
is asked here is in CloudTrail and not in the ledger (docs/decisions/0022-athena.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws, CfnOutput, CfnParameter, Duration, RemovalPolicy, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.findings import accept
from infra.routes import ROOT
from keyholder.ledger.event_view import COLUMNS, EVENTS

DATABASE = "keyholder_ledger"
TABLE = "events"
FOLDER = ROOT / "infra" / "queries"
MOST_SCANNED = 100 * 10**9
"""Bytes of one query: about half a dollar."""


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A file of `infra/queries` and what it answers."""

    file: str
    name: str

    @property
    def sql(self) -> str:
        """The text that is deployed, and that the tests run."""
        return (FOLDER / f"{self.file}.sql").read_text(encoding="utf-8")


QUERIES = (
    SavedQuery("releases", "Releases per project and purpose"),
    SavedQuery("reidentified", "Who re-identified the person with this tag"),
    SavedQuery("decisions", "Decisions per controller"),
    SavedQuery("refusals", "Refusals by code"),
    SavedQuery("time_to_decide", "Pending and longest time to decide"),
)


class QueriesStack(Stack):
    """A table whose partitions are worked out and not listed, a workgroup, a bucket for results, five saved queries."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name, description="Keyholder: Athena over the events of its ledger.")
        view = CfnParameter(
            self,
            "ViewBucket",
            description="The view bucket of the stack Keyholder (its output ViewBucket).",
            allowed_pattern="[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        ).value_as_string
        first_day = CfnParameter(
            self,
            "FirstDay",
            description="The day of the ledger's first event.",
            default="2026-01-01",
            allowed_pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}",
        ).value_as_string
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(name=DATABASE),
        )
        self._table(f"s3://{view}/{EVENTS}", first_day).add_resource_dependency(database)
        workgroup = self._workgroup(self._results())
        for query in QUERIES:
            saved = athena.CfnNamedQuery(
                self,
                f"Query{query.file.title().replace('_', '')}",
                database=DATABASE,
                name=query.name,
                query_string=query.sql,
                work_group=workgroup.name,
            )
            saved.add_resource_dependency(workgroup)
            saved.add_resource_dependency(database)
        CfnOutput(self, "WorkgroupName", value=workgroup.name)

    def _table(self, location: str, first_day: str) -> glue.CfnTable:
        return glue.CfnTable(
            self,
            "Events",
            catalog_id=Aws.ACCOUNT_ID,
            database_name=DATABASE,
            table_input=glue.CfnTable.TableInputProperty(
                name=TABLE,
                table_type="EXTERNAL_TABLE",
                parameters={
                    "EXTERNAL": "TRUE",
                    "projection.enabled": "true",
                    "projection.day.type": "date",
                    "projection.day.format": "yyyy-MM-dd",
                    "projection.day.range": f"{first_day},NOW",
                    "projection.day.interval": "1",
                    "projection.day.interval.unit": "DAYS",
                    "storage.location.template": f"{location}day=${{day}}/",
                },
                partition_keys=[glue.CfnTable.ColumnProperty(name="day", type="string")],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[glue.CfnTable.ColumnProperty(name=name, type=kind) for name, kind in COLUMNS.items()],
                    location=location,
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.openx.data.jsonserde.JsonSerDe"
                    ),
                ),
            ),
        )

    def _results(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Results",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(id="expire", expiration=Duration.days(30))],
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
        )
        accept(bucket, "AwsSolutions-S1", "Who asked what is in CloudTrail; results are gone after 30 days.")
        return bucket

    def _workgroup(self, results: s3.Bucket) -> athena.CfnWorkGroup:
        """Its settings win over a client's, so that no result goes elsewhere or lies there unencrypted."""
        return athena.CfnWorkGroup(
            self,
            "Workgroup",
            name="keyholder-ledger",
            description="Questions about the ledger's events.",
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                bytes_scanned_cutoff_per_query=MOST_SCANNED,
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                    expected_bucket_owner=Aws.ACCOUNT_ID,
                    output_location=f"s3://{results.bucket_name}/",
                ),
            ),
        )
