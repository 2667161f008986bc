"""Films from anywhere: any table with a title, under the names that columns usually have, in six languages."""

from shared.catalog.checks import (
    KEY_TEXT,
    NOT_BLANK,
    NOT_NEGATIVE,
    RELEASE_DAY,
    RELEASE_YEAR,
    RUNTIME,
    VOTE,
    NotBefore,
)
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Decimal, IsoDate, Rule, Whole
from shared.catalog.rules.list_rules import AnyList
from shared.catalog.rules.number_rules import Amount
from shared.catalog.rules.publisher_rules import FilmYear, Minutes, SeriesEnd, TrimmedText, TrueFalse

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
                # beside a label, Wikidata has the address of the film
                *("film label", "movie label", "item label"),
                *("movie title", "movie", "movie name", "film", "film title", "film name", "name", "series title"),
                *("primary title", "title name", "english title", "title (english)", "names"),
                *("titel", "filmtitel", "titre", "título", "titulo", "titolo"),
            ),
        ),
        Column(
            "original_title",
            "original_title",
            TrimmedText(),
            "Title in the original language",
            aliases=(
                *("original name", "title (original)", "foreign title", "orig title"),
                *("originaltitel", "titre original", "título original", "titulo original", "titolo originale"),
            ),
        ),
        Column("type", "title_type", TrimmedText(), "Kind of title", aliases=("title type", "kind")),
        Column(
            "release_date",
            "release_date",
            IsoDate(),
            "Day of the first release",
            (RELEASE_DAY,),
            aliases=(
                *("date", "released", "release", "date published", "released on", "premiere", "premiere date"),
                *("original release date", "theatrical release date", "in theaters date", "date x"),
                *("erscheinungsdatum", "kinostart", "date de sortie", "fecha de estreno", "data di uscita"),
                *("data de lançamento", "data de lancamento"),
            ),
        ),
        Column(
            "year",
            "release_year",
            FilmYear(),
            "Year of release",
            (RELEASE_YEAR,),
            aliases=(
                *("release year", "title year", "released year", "year of release", "start year", "production year"),
                *("jahr", "erscheinungsjahr", "produktionsjahr", "année", "annee", "année de sortie"),
                *("año", "ano", "anno"),
            ),
        ),
        Column("year", "end_year", SeriesEnd(), "Last year of a series", (RELEASE_YEAR,)),
        Column(
            "runtime",
            "runtime",
            Minutes(),
            "Length in minutes",
            (RUNTIME,),
            aliases=(
                *("duration", "length", "run time", "running time", "runtime (minutes)", "runtime (mins)"),
                *("runtime minutes", "duration (minutes)", "duration (min)", "runtime (min)", "minutes"),
                *("runtime in minutes", "laufzeit", "dauer", "durée", "duree", "duración", "duracion", "durata"),
                *("duração", "duracao"),
            ),
        ),
        Column(
            "genres",
            "genres",
            AnyList(),
            "Genres",
            aliases=(
                *("genre", "generes", "listed in", "genre(s)", "categories", "genre label"),
                *("género", "genero", "géneros", "generos", "genere", "generi", "gênero", "gêneros"),
            ),
        ),
        Column(
            "languages",
            "languages",
            AnyList(),
            "Languages",
            aliases=(
                *("language", "spoken languages", "language(s)", "orig lang"),
                *("sprache", "sprachen", "langue", "langues", "idioma", "idiomas", "lingua", "lingue"),
            ),
        ),
        Column(
            "countries",
            "countries",
            AnyList(),
            "Countries of production",
            aliases=(
                *("country", "country of origin", "production countries", "countries of origin", "origin country"),
                *(
                    "country label",
                    "land",
                    "länder",
                    "produktionsland",
                    "pays",
                    "país",
                    "pais",
                    "países",
                    "paises",
                    "paese",
                    "paesi",
                ),
            ),
        ),
        Column("original_language", "original_language", Rule(), "Original language", aliases=("language code",)),
        Column(
            "overview",
            "overview",
            TrimmedText(),
            "Summary of the plot",
            aliases=(
                *("description", "plot", "summary", "storyline", "synopsis", "plot summary", "movie info"),
                *("handlung", "inhalt", "beschreibung", "résumé", "sinopsis", "sinopse", "descripción", "trama"),
            ),
        ),
        Column(
            "vote_average",
            "vote_average",
            Decimal(),
            "Mean of the votes, 0 to 10",
            (VOTE,),
            aliases=(
                # those that say whose mean it is come first: beside them, `rating` is something else
                *("imdb rating", "imdb score", "tmdb rating", "tmdb score", "trakt rating", "avg vote", "average vote"),
                *("average rating", "avg rating", "rating (out of 10)", "users rating", "user rating", "score"),
                *("rating", "imdb", "bewertung", "puntuación", "puntuacion", "calificación", "voto", "nota"),
            ),
        ),
        Column(
            "vote_count",
            "vote_count",
            Whole(),
            "Number of votes",
            (NOT_NEGATIVE,),
            aliases=(
                *("votes", "num voted users", "num votes", "no of votes", "imdb votes", "number of votes"),
                *("total votes", "number of ratings", "rating count", "ratings count", "stimmen", "votos", "voti"),
            ),
        ),
        Column(
            "budget",
            "budget",
            Amount(),
            "Production budget in US dollars",
            (NOT_NEGATIVE,),
            aliases=("production budget", "budget (usd)", "budget x"),
        ),
        Column(
            "revenue",
            "revenue",
            Amount(),
            "Box office in US dollars",
            (NOT_NEGATIVE,),
            aliases=(
                *("gross", "box office", "worldwide gross", "total gross", "world wide sales", "earnings"),
                *("worldwide gross income", "worlwide gross income", "gross worldwide", "worldwide lifetime gross"),
                *("worldwide box office", "worldwide revenue", "global box office"),
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
            aliases=(
                *("movie id", "film id", "imdb id", "tmdb id", "tconst", "const", "title id", "show id"),
                *("imdb title id", "filmtv id"),
            ),
        ),
    ),
    nulls=("", "\\N", "NULL", "null", "NaN", "nan", "N/A"),
    other_columns=(
        *("director", "directors", "directed by", "cast", "actors", "starring", "stars", "writer", "writers", "crew"),
        *("screenwriter", "screenwriters", "composer", "cinematographer", "producer", "producers"),
        *("regie", "regisseur", "réalisateur", "realisateur", "regia", "regista", "diretor", "realizador"),
        *("darsteller", "besetzung", "acteurs", "reparto", "elenco", "attori"),
        *("production company", "production companies", "studio", "distributor"),
        *("certificate", "rated", "mpaa rating", "motion picture rating", "content rating", "age certification"),
        *("poster", "poster link", "oscars", "awards", "popularity", "tagline", "keywords", "imdb url"),
        *("metascore", "meta score", "meta score count", "user score", "your rating", "date rated"),
        *("domestic gross", "foreign gross", "domestic lifetime gross", "foreign lifetime gross"),
        *("domestic %", "foreign %", "usa gross income", "gross us & canada"),
        *("rotten tomatoes", "rotten tomatoes link", "critics consensus", "streaming release date"),
        *("tomatometer status", "tomatometer rating", "tomatometer count", "tomatometer score"),
        *("audience status", "audience rating", "audience count", "audience score"),
        *("letterboxd uri", "rewatch", "watched date", "trakt id", "seasons"),
    ),
    is_general=True,
    generic_names=(
        *("id", "name", "type", "date", "description", "language", "status"),
        *("position", "rank", "url", "notes", "tags", "comments"),
    ),
    row_checks=(
        NotBefore(
            code="ends_before_start", message="must not end before it begins", field="end_year", other="release_year"
        ),
    ),
    derive=release_fields,
)
