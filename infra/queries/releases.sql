-- Releases per project and purpose, of days between two (YYYY-MM-DD, both included).
WITH submitted AS (
  SELECT stream,
         max_by(json_extract_scalar(data, '$.project'), event_number) AS project,
         max_by(json_extract_scalar(data, '$.purpose'), event_number) AS purpose
  FROM events
  WHERE event_type = 'request.submitted'
  GROUP BY stream
)
SELECT submitted.project, submitted.purpose,
       count(DISTINCT json_extract_scalar(events.data, '$.release_id')) AS releases,
       sum(CAST(json_extract_scalar(events.data, '$.count') AS bigint)) AS records
FROM events JOIN submitted ON submitted.stream = events.stream
WHERE events.event_type = 'release.items_released'
  AND events.day BETWEEN CAST(? AS varchar) AND CAST(? AS varchar)
GROUP BY submitted.project, submitted.purpose
ORDER BY submitted.project, submitted.purpose
