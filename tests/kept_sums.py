"""What kept sums must be, by counting what is there."""

from typing import Final

# Without the loader's statements. Each row that there is names a tenant, a breakdown, values, and both numbers.
WRONG_SUMS: Final = """
SELECT collections.tenant, breakdown, facets::text, coalesce(told, 0), coalesce(counted, 0)
FROM (
    SELECT collection, breakdown, facets, row_count AS told
    FROM collection_totals WHERE table_name = 'movies' AND row_count <> 0
) AS kept
FULL JOIN (
    SELECT collection, breakdown, facets, count(*) AS counted
    FROM (
        SELECT collection, 'rows' AS breakdown,
               jsonb_build_object('release_year', release_year, 'original_language', original_language) AS facets
        FROM movies
        UNION ALL
        SELECT collection, 'title_type', jsonb_build_object('title_type', title_type)
        FROM movies WHERE title_type IS NOT NULL
        UNION ALL
        SELECT collection, 'rating', jsonb_build_object('rating', trunc(vote_average)::int)
        FROM movies WHERE vote_average IS NOT NULL
        UNION ALL
        SELECT DISTINCT ON (id, country) collection, 'country', jsonb_build_object('country', country)
        FROM movies, unnest(countries) AS country
        UNION ALL
        SELECT DISTINCT ON (id, genre)
               collection, 'genre', jsonb_build_object('genre', genre, 'decade', release_year - release_year % 10)
        FROM movies, unnest(genres) AS genre
        UNION ALL
        SELECT collection, 'rejected', jsonb_build_object('code', code)
        FROM rejects JOIN uploads ON number = upload_number
        WHERE position = 0 AND table_name = 'movies' AND state = 'completed' AND corrects IS NULL
          AND superseded_by IS NULL
    ) AS each GROUP BY 1, 2, 3
) AS found USING (collection, breakdown, facets)
JOIN collections ON number = collection
WHERE coalesce(told, 0) <> coalesce(counted, 0)
LIMIT 20
"""

# Of uploads, whether or not later ones have superseded their rows: what they say, and their totals.
WRONG_SUMS_OF_UPLOADS: Final = """
SELECT number, current_records, rejected_records,
       coalesce(sum(row_count) FILTER (WHERE breakdown = 'rows'), 0),
       coalesce(sum(row_count) FILTER (WHERE breakdown = 'rejected'), 0)
FROM uploads LEFT JOIN upload_totals ON upload_number = number
WHERE state = 'completed' AND corrects IS NULL
GROUP BY number
HAVING current_records <> coalesce(sum(row_count) FILTER (WHERE breakdown = 'rows'), 0)
    OR rejected_records <> coalesce(sum(row_count) FILTER (WHERE breakdown = 'rejected'), 0)
"""
