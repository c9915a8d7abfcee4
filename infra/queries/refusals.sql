-- What was refused, by code and command, of days between two (YYYY-MM-DD, both included).
SELECT json_extract_scalar(data, '$.code') AS code,
       json_extract_scalar(data, '$.command') AS command,
       count(*) AS refusals,
       count(DISTINCT actor) AS people
FROM events
WHERE event_type = 'attempt.refused'
  AND day BETWEEN CAST(? AS varchar) AND CAST(? AS varchar)
GROUP BY 1, 2
ORDER BY refusals DESC, code, command
