"""The ids that films of one source have in others."""

from shared.catalog.table import Field, FieldType, Index, Reference, Table

TABLE = Table(
    name="links",
    description="The ids that films of one source have in others",
    fields=(
        Field("movie_id", FieldType.TEXT, "The film's id in the source of the file", required=True),
        Field("imdb_id", FieldType.TEXT, "IMDb's id of the title"),
        Field("tmdb_id", FieldType.TEXT, "TMDB's id of the film"),
    ),
    key=("movie_id",),
    indexes=(
        Index("imdb", ("imdb_id",), leaves_out_null=True),
        Index("tmdb", ("tmdb_id",), leaves_out_null=True),
    ),
    references=(Reference("movie_id", "movies"),),
)
