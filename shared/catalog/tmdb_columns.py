"""Columns that the files from TMDB have in common."""

from shared.catalog.checks import NOT_BLANK, NOT_NEGATIVE, RELEASE_DAY, RUNTIME, SOURCE_ID, VOTE, matches, one_of
from shared.catalog.dataset import Column
from shared.catalog.rules.basic_rules import Decimal, IsoDate, Rule, Whole
from shared.catalog.rules.list_rules import FirstId, Ids, IdsWhere, Names

LANGUAGE_CODE = matches("invalid_language", "[a-z]{2,3}", "must be two or three lower-case letters")
STATUS = one_of("unknown_status", ("Rumored", "Planned", "In Production", "Post Production", "Released", "Canceled"))
FACTS = (
    Column("budget", "budget", Whole(), "Production budget in US dollars", (NOT_NEGATIVE,)),
    Column("homepage", "homepage", Rule(), "Web address"),
    Column("original_language", "original_language", Rule(), "ISO 639 code", (LANGUAGE_CODE,)),
    Column("original_title", "original_title", Rule(), "Title in the original language"),
    Column("overview", "overview", Rule(), "Summary of the plot", aliases=("description", "plot")),
    Column("release_date", "release_date", IsoDate(), "Day of the first release", (RELEASE_DAY,)),
    Column("revenue", "revenue", Whole(), "Box office in US dollars", (NOT_NEGATIVE,)),
    Column("runtime", "runtime", Whole(), "Length in minutes", (RUNTIME,), aliases=("runtimeMinutes",)),
    Column("status", "status", Rule(), "State of the production", (STATUS,)),
    Column("title", "title", Rule(), "Title in English", (NOT_BLANK,), required=True),
    Column(
        "vote_average", "vote_average", Decimal(), "Mean of the votes, 0 to 10", (VOTE,), aliases=("averageRating",)
    ),
    Column("vote_count", "vote_count", Whole(), "Number of votes", (NOT_NEGATIVE,), aliases=("numVotes",)),
)

ID = Column("id", "source_id", Rule(), "TMDB's id of the film", (SOURCE_ID,), is_key=True)

# lists of objects, as the API of TMDB returns them
OBJECTS = (
    ID,
    Column("genres", "genres", Names(), "Names of the genres; the whole list is kept in `extra`", is_kept=True),
    Column("genres", "genre_id", FirstId(), "TMDB's id of the first genre", (NOT_NEGATIVE,)),
    Column(
        "production_companies",
        "production_company_id",
        FirstId(),
        "TMDB's id of the first company; the whole list is kept in `extra`",
        (NOT_NEGATIVE,),
        is_kept=True,
    ),
    Column(
        "spoken_languages",
        "languages",
        Names(),
        "Names of the spoken languages; the whole list is kept in `extra`",
        is_kept=True,
    ),
    Column(
        "production_countries",
        "countries",
        Names(),
        "Names of the countries of production; the whole list is kept in `extra`",
        is_kept=True,
    ),
)

# who is in a film and who made it, as the API of TMDB returns them
CREDITS = (
    Column(
        "cast",
        "cast_names",
        Names(),
        "Names of the cast, one for each credit; the whole list is kept in `extra`",
        is_kept=True,
    ),
    Column("cast", "cast_ids", Ids(), "TMDB's ids of the cast, one for each credit"),
    Column(
        "crew",
        "crew_names",
        Names(),
        "Names of the crew, one for each credit; the whole list is kept in `extra`",
        is_kept=True,
    ),
    Column("crew", "crew_ids", Ids(), "TMDB's ids of the crew, one for each credit"),
    Column("crew", "directors", IdsWhere("job", "Director"), "TMDB's ids of those whose job is Director"),
    Column("crew", "writers", IdsWhere("department", "Writing"), "TMDB's ids of those whose department is Writing"),
)
