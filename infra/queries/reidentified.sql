-- Who re-identified the person with this keyed tag? Finds nothing it was not told of: absence is proven by
-- `keyholder audit verify --subject` over the verified ledger, never by this.
-- An emergency access has its own id in the place of a release's.
SELECT happened_at, stream, actor, leaf_index,
       coalesce(json_extract_scalar(data, '$.release_id'), json_extract_scalar(data, '$.access_id')) AS release_id
FROM events
WHERE event_type IN ('release.items_released', 'emergency.released')
  AND strpos(data, '"' || CAST(? AS varchar) || '"') > 0
ORDER BY leaf_index
