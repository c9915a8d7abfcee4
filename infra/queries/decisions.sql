-- Decisions per controller and domain, of days between two (YYYY-MM-DD, both included).
SELECT coalesce(json_extract_scalar(data, '$.approver'), json_extract_scalar(data, '$.controller')) AS controller,
       json_extract_scalar(data, '$.domain') AS domain,
       sum(CASE WHEN event_type = 'request.domain_approved' THEN 1 ELSE 0 END) AS approved,
       sum(CASE WHEN event_type = 'request.domain_rejected' THEN 1 ELSE 0 END) AS rejected,
       sum(CASE WHEN event_type = 'request.revoked' THEN 1 ELSE 0 END) AS revoked
FROM events
WHERE event_type IN ('request.domain_approved', 'request.domain_rejected', 'request.revoked')
  AND day BETWEEN CAST(? AS varchar) AND CAST(? AS varchar)
GROUP BY 1, 2
ORDER BY 1, 2
