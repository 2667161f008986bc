"""Tables for IMDb's other files, TMDB's credits, and MovieLens' ratings, links and tags.

Revision: 2026_12_03_other_tables, after 2026_12_02_collections

The transaction has `lock_timeout = 5s` (env.py). Nothing is written anew. On the way down, the rows of these tables are
gone; their uploads must be undone before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "2026_12_03_other_tables"
down_revision: str | None = "2026_12_02_collections"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.create_table(
        "alternative_titles",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("ordering", sa.Integer(), nullable=False),
        sa.Column("is_original", sa.Boolean(), nullable=True),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("title_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("attributes", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        postgresql_partition_by="LIST (tenant)",
    )
    op.create_table(
        "credits",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("ordering", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("title_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("job", sa.Text(), nullable=True),
        sa.Column("characters", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        postgresql_partition_by="LIST (tenant)",
    )
    op.create_table(
        "crew",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("title_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("directors", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("writers", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("cast_names", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("cast_ids", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("crew_names", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("crew_ids", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        postgresql_partition_by="LIST (tenant)",
    )
    op.create_table(
        "episodes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("season_number", sa.Integer(), nullable=True),
        sa.Column("episode_number", sa.Integer(), nullable=True),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("series_id", sa.Text(), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        postgresql_partition_by="LIST (tenant)",
    )
    op.create_table(
        "links",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("movie_id", sa.Text(), nullable=False),
        sa.Column("imdb_id", sa.Text(), nullable=True),
        sa.Column("tmdb_id", sa.Text(), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        postgresql_partition_by="LIST (tenant)",
    )
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=True),
        sa.Column("death_year", sa.SmallInteger(), nullable=True),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("professions", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("known_for", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        postgresql_partition_by="LIST (tenant)",
    )
    op.create_table(
        "ratings",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("vote_count", sa.BigInteger(), nullable=True),
        sa.Column("vote_average", sa.Double(), nullable=True),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        postgresql_partition_by="LIST (tenant)",
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tagged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("movie_id", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        postgresql_partition_by="LIST (tenant)",
    )
    op.create_table(
        "user_ratings",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.Double(), nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("movie_id", sa.Text(), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        postgresql_partition_by="LIST (tenant)",
    )
    op.execute("CREATE POLICY of_owner ON alternative_titles TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY of_requests ON alternative_titles TO imdb_api USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')))"
    )
    op.execute("ALTER TABLE alternative_titles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON alternative_titles TO imdb_api")
    op.execute("CREATE POLICY of_owner ON credits TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY of_requests ON credits TO imdb_api USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')))"
    )
    op.execute("ALTER TABLE credits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON credits TO imdb_api")
    op.execute("CREATE POLICY of_owner ON crew TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY of_requests ON crew TO imdb_api USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')))"
    )
    op.execute("ALTER TABLE crew ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON crew TO imdb_api")
    op.execute("CREATE POLICY of_owner ON episodes TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY of_requests ON episodes TO imdb_api USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')))"
    )
    op.execute("ALTER TABLE episodes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON episodes TO imdb_api")
    op.execute("CREATE POLICY of_owner ON links TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY of_requests ON links TO imdb_api USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')))"
    )
    op.execute("ALTER TABLE links ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON links TO imdb_api")
    op.execute("CREATE POLICY of_owner ON people TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY of_requests ON people TO imdb_api USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')))"
    )
    op.execute("ALTER TABLE people ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON people TO imdb_api")
    op.execute("CREATE POLICY of_owner ON ratings TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY of_requests ON ratings TO imdb_api USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')))"
    )
    op.execute("ALTER TABLE ratings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON ratings TO imdb_api")
    op.execute("CREATE POLICY of_owner ON tags TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY of_requests ON tags TO imdb_api USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')))"
    )
    op.execute("ALTER TABLE tags ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON tags TO imdb_api")
    op.execute("CREATE POLICY of_owner ON user_ratings TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY of_requests ON user_ratings TO imdb_api USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')))"
    )
    op.execute("ALTER TABLE user_ratings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON user_ratings TO imdb_api")


def downgrade() -> None:
    op.drop_table("user_ratings")
    op.drop_table("tags")
    op.drop_table("ratings")
    op.drop_table("people")
    op.drop_table("links")
    op.drop_table("episodes")
    op.drop_table("crew")
    op.drop_table("credits")
    op.drop_table("alternative_titles")
