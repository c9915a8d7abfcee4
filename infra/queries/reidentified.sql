-- Who re-identified the person with this keyed tag? Finds nothing it was not told of: absence is proven by
-- `keyholder audit verify --subject` over the verified ledger, never by this.
SELECT happened_at, stream, actor, leaf_index, json_extract_scalar(data, '$.release_id') AS release_id
FROM events
WHERE event_type = 'release.items_released'
  AND strpos(data, '"' || CAST(? AS varchar) || '"') > 0
ORDER BY leaf_index
