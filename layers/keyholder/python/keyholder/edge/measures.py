"""What functions measure, so that an alarm has something to look at: counts and seconds, never whose."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Keyholder"


class Measure(Enum):
    """A metric of the namespace `Keyholder`; its one dimension is the function (`service`)."""

    OLDEST_PENDING = "OldestPendingSeconds"
    """How long the oldest step has been waiting for the ledger; 0 where none is."""
    UNCOVERED = "UncoveredSeconds"
    """How long steps have been waiting without a new checkpoint."""
    UNEXPECTED_OBJECTS = "UnexpectedObjects"
    """Keys of the ledger bucket with a second version or a delete marker, gaps, foreign keys."""

    OVERDUE_CHECKS = "OverdueOptOutChecks"
    """Lists that the opt-out service should have answered by now."""
    FAILED_CHECKS = "FailedOptOutChecks"
    """Lists that ended without an answer within a day."""
    GOING_STALE = "OptOutsGoingStale"
    """Approved requests whose people's newest answers are, or will be in six hours, too old."""

    WITNESS_DISAGREES = "WitnessDisagreements"
    """1 where the ledger is not what the witness saw, or not what it must be."""
    STAMP_FAILED = "StampFailures"
    """1 where the witness wanted a time-stamp and got none that counts."""
    UNSIGNED = "UnsignedSeconds"
    """How long the newest batch has been waiting for its checkpoint, as the witness sees it."""

    @property
    def unit(self) -> MetricUnit:
        """By the name's ending."""
        return MetricUnit.Seconds if self.value.endswith("Seconds") else MetricUnit.Count


def publish(service: str, measured: Mapping[Measure, float]) -> None:
    """One line in CloudWatch's embedded metric format, from which CloudWatch makes the metrics."""
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=service)
    for measure, value in measured.items():
        metrics.add_metric(measure.value, measure.unit, value)
    metrics.flush_metrics()
