"""Films from anywhere: any table with a title, under the names that columns usually have."""

from shared.catalog.checks import KEY_TEXT, NOT_BLANK, NOT_NEGATIVE, RELEASE_DAY, RELEASE_YEAR, RUNTIME, VOTE
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Decimal, IsoDate, Rule, Whole
from shared.catalog.rules.list_rules import AnyList
from shared.catalog.rules.number_rules import Amount
from shared.catalog.rules.publisher_rules import FilmYear, Minutes, TrimmedText, TrueFalse

DATASET = Dataset(
    name="films",
    title="Films from anywhere",
    description="Any table of films: only a title is needed. Lists may be written in any notation that shows itself.",
    columns=(
        Column(
            "title",
            "title",
            TrimmedText(),
            "Title",
            (NOT_BLANK,),
            required=True,
            aliases=(
                *("movie title", "movie", "movie name", "film", "film title", "film name", "name", "series title"),
                *("primary title", "title name", "english title", "title (english)"),
            ),
        ),
        Column(
            "original_title",
            "original_title",
            TrimmedText(),
            "Title in the original language",
            aliases=("original name", "title (original)", "foreign title"),
        ),
        Column("type", "title_type", TrimmedText(), "Kind of title", aliases=("title type", "kind")),
        Column(
            "release_date",
            "release_date",
            IsoDate(),
            "Day of the first release",
            (RELEASE_DAY,),
            aliases=("date", "released", "release", "date published", "released on", "premiere", "premiere date"),
        ),
        Column(
            "year",
            "release_year",
            FilmYear(),
            "Year of release",
            (RELEASE_YEAR,),
            aliases=("release year", "title year", "released year", "year of release", "start year", "production year"),
        ),
        Column(
            "runtime",
            "runtime",
            Minutes(),
            "Length in minutes",
            (RUNTIME,),
            aliases=(
                *("duration", "length", "run time", "running time", "runtime (minutes)", "runtime (mins)"),
                *("runtime minutes", "duration (minutes)", "duration (min)", "runtime (min)", "minutes"),
            ),
        ),
        Column(
            "genres", "genres", AnyList(), "Genres", aliases=("genre", "generes", "listed in", "genre(s)", "categories")
        ),
        Column(
            "languages", "languages", AnyList(), "Languages", aliases=("language", "spoken languages", "language(s)")
        ),
        Column(
            "countries",
            "countries",
            AnyList(),
            "Countries of production",
            aliases=("country", "country of origin", "production countries", "countries of origin"),
        ),
        Column("original_language", "original_language", Rule(), "Original language", aliases=("language code",)),
        Column(
            "overview",
            "overview",
            TrimmedText(),
            "Summary of the plot",
            aliases=("description", "plot", "summary", "storyline", "synopsis", "plot summary"),
        ),
        Column(
            "vote_average",
            "vote_average",
            Decimal(),
            "Mean of the votes, 0 to 10",
            (VOTE,),
            aliases=(
                *("rating", "imdb rating", "imdb score", "score", "avg vote", "average rating", "user rating"),
                *("average vote", "imdb", "rating (out of 10)", "users rating"),
            ),
        ),
        Column(
            "vote_count",
            "vote_count",
            Whole(),
            "Number of votes",
            (NOT_NEGATIVE,),
            aliases=("votes", "num voted users", "num votes", "no of votes", "imdb votes", "number of votes"),
        ),
        Column("budget", "budget", Amount(), "Production budget in US dollars", (NOT_NEGATIVE,)),
        Column(
            "revenue",
            "revenue",
            Amount(),
            "Box office in US dollars",
            (NOT_NEGATIVE,),
            aliases=(
                *(
                    "gross",
                    "box office",
                    "worldwide gross",
                    "total gross",
                    "world wide sales",
                    "worldwide gross income",
                ),
                *("worlwide gross income", "gross worldwide", "earnings"),
            ),
        ),
        Column("homepage", "homepage", Rule(), "Web address", aliases=("website",)),
        Column("status", "status", Rule(), "State of the production"),
        Column("adult", "is_adult", TrueFalse(), "True for an adult film", aliases=("is adult",)),
        Column(
            "id",
            "source_id",
            TrimmedText(),
            "The film's id in its source",
            (KEY_TEXT,),
            aliases=("movie id", "film id", "imdb id", "tmdb id", "tconst", "title id", "show id", "imdb title id"),
        ),
    ),
    nulls=("", "\\N", "NULL", "null", "NaN", "nan", "N/A"),
    other_columns=(
        *("director", "directors", "directed by", "cast", "actors", "starring", "stars", "writer", "writers", "crew"),
        *("production company", "production companies", "studio"),
        *("distributor", "certificate", "rated", "mpaa rating", "poster", "poster link", "metascore", "meta score"),
        *("oscars", "awards", "popularity", "tagline", "keywords", "imdb url", "letterboxd uri", "rotten tomatoes"),
    ),
    is_general=True,
    generic_names=(
        *("id", "name", "type", "date", "description", "language", "status"),
        *("position", "rank", "url", "notes", "tags", "comments"),
    ),
    derive=release_fields,
)
