-- Requests by the time from submission to their first end, the longest first; one without an end is open, and counted
-- until the given moment (2026-07-01T09:00:00Z).
WITH submitted AS (
  SELECT stream, min(happened_at) AS since
  FROM events
  WHERE event_type = 'request.submitted'
  GROUP BY stream
), decided AS (
  SELECT stream, min(happened_at) AS until, min_by(event_type, event_number) AS outcome
  FROM events
  WHERE event_type IN ('request.approved', 'request.rejected', 'request.blocked', 'request.withdrawn', 'request.expired')
  GROUP BY stream
)
SELECT submitted.stream,
       coalesce(decided.outcome, 'open') AS outcome,
       (to_unixtime(from_iso8601_timestamp(coalesce(decided.until, CAST(? AS varchar))))
        - to_unixtime(from_iso8601_timestamp(submitted.since))) / 3600 AS hours
FROM submitted LEFT JOIN decided ON decided.stream = submitted.stream
ORDER BY hours DESC, submitted.stream
