"""Which dataset a file is: by a score over its header and its first records; a doubtful file is no guess."""

from dataclasses import replace

import pytest

from shared.catalog.dataset import Column
from shared.catalog.recognition.names import unique_names
from shared.catalog.registry import Registry
from shared.catalog.rules.list_rules import CommaList
from shared.csv.unreadable import AmbiguousDataset, AmbiguousFormat, HeaderMismatch
from shared.ingest.intake.headers import UploadHeader
from tests.conftest import REGISTRY
from tests.rows import MOVIES_HEADER


@pytest.mark.parametrize("name", REGISTRY.names)
def test_each_column_but_the_required_ones_may_be_missing(name: str) -> None:
    dataset = REGISTRY.get(name)
    columns = REGISTRY.recognise(dataset.required_names, name).columns
    assert list(columns.mapped.values()) == dataset.required_names
    assert columns.missing == [column for column in dataset.column_names if column not in dataset.required_names]
    assert columns.extra == [
        column.name for column in dataset.columns if column.is_kept and column.name in dataset.required_names
    ]


@pytest.mark.parametrize("missing", [name for name in MOVIES_HEADER if name != "title"])
def test_a_file_of_one_column_less_is_still_known(missing: str) -> None:
    found = REGISTRY.recognise([name for name in MOVIES_HEADER if name != missing])
    assert (found.name, found.columns.missing) == ("movies", [missing])


@pytest.mark.parametrize(
    "header",
    [
        ["Name", "Year"],
        ["id", "name", "year", "rating"],
        ["Date", "Name", "Year", "Letterboxd URI"],
        ["film", "director"],
        ["id", "title", "year"],
        ["imdb_id", "title", "year", "rating"],
        ["title", "year", "genres"],
        ["title", "year", "overview"],
        ["title", "year", "plot"],
        ["title", "release_date", "genres"],
        ["original_title", "title", "year"],
        ["Title", "Year", "Revenue", "Budget"],
        ["Position", "Name", "Year", "URL", "Description"],
    ],
)
def test_a_table_with_a_title_and_a_little_more_is_one_of_films(header: list[str]) -> None:
    assert REGISTRY.recognise(header).name == "films"


@pytest.mark.parametrize(
    ("header", "mapped"),
    [
        # IMDb's and Letterboxd's exports of what somebody has watched
        (
            "Position,Const,Created,Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,Your Rating",
            "id title type vote_average runtime year genres vote_count",
        ),
        ("Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date", "release_date title year vote_average"),
        # beside the mean of all votes, `rating` is that of one person
        (
            (
                "rated_at,type,title,year,trakt_rating,trakt_id,imdb_id,tmdb_id,tvdb_id,url,released,season_number,"
                "episode_number,episode_title,episode_released,episode_trakt_rating,genres,rating"
            ),
            "type title year vote_average id release_date genres",
        ),
        # Rotten Tomatoes, FilmTV and Box Office Mojo: few columns are ours, and the others are of films, too
        (
            (
                "rotten_tomatoes_link,movie_title,movie_info,critics_consensus,content_rating,genres,directors,authors,"
                "actors,original_release_date,streaming_release_date,runtime,production_company,tomatometer_status,"
                "tomatometer_rating,tomatometer_count,audience_status,audience_rating,audience_count"
            ),
            "title overview genres release_date runtime",
        ),
        (
            (
                "filmtv_id,title,year,genre,duration,country,directors,actors,avg_vote,critics_vote,public_vote,"
                "total_votes,description,notes,humor,rhythm,effort,tension,erotism"
            ),
            "id title year genres runtime countries vote_average vote_count overview",
        ),
        (
            (
                "Rank,Title,Worldwide Lifetime Gross,Domestic Lifetime Gross,Domestic %,Foreign Lifetime Gross,"
                "Foreign %,Year"
            ),
            "title revenue year",
        ),
        (
            "names,date_x,score,genre,overview,crew,orig_title,status,orig_lang,budget_x,revenue,country",
            "title release_date vote_average genres overview original_title status languages budget revenue countries",
        ),
        (
            "Title,Year,Rated,Released,Runtime,Genre,Director,Actors,Plot,Language,Country,imdbRating,imdbVotes,imdbID",
            "title year release_date runtime genres overview languages countries vote_average vote_count id",
        ),
        # other languages
        (
            "Titel,Originaltitel,Jahr,Laufzeit,Genre,Bewertung,Regie",
            "title original_title year runtime genres vote_average",
        ),
        ("Titre,Année,Durée,Genre,Réalisateur", "title year runtime genres"),
        ("Título,Año,Género,Duración,Director,Puntuación", "title year genres runtime vote_average"),
        ("Titolo,Anno,Genere,Durata,Paese,Voto", "title year genres runtime countries vote_average"),
        ("Título,Ano,Gênero,Duração,País,Nota", "title year genres runtime countries vote_average"),
    ],
)
def test_what_people_download_or_write_themselves_is_of_films(header: str, mapped: str) -> None:
    found = REGISTRY.recognise(header.split(","))
    assert (found.name, [*found.columns.mapped.values()]) == ("films", mapped.split())


@pytest.mark.parametrize(
    "header",
    [
        "bookID,title,authors,average_rating,isbn,language_code,num_pages,ratings_count,publication_date,publisher",
        "Name,Platform,Year_of_Release,Genre,Publisher,NA_Sales,Global_Sales,Critic_Score,User_Score,Developer,Rating",
        "id,name,album,artists,explicit,danceability,energy,key,loudness,duration_ms,year,release_date,popularity",
        "title,artist,top genre,year,bpm,nrgy,dnce,dB,live,val,dur,acous,spch,pop",
        "season,episode,title,directed_by,written_by,original_air_date,us_viewers,imdb_rating",
        "id,title,authors,year,abstract,journal,language,keywords,doi",
    ],
)
def test_books_games_and_songs_are_no_films(header: str) -> None:
    with pytest.raises(HeaderMismatch):
        REGISTRY.recognise(header.split(","))


@pytest.mark.parametrize(
    "header",
    [
        ["name", "age"],
        ["id", "name", "age"],
        ["id", "name", "description", "status"],
        ["Date", "Name", "Tags", "URL", "Description"],
        ["title", "price", "stock"],
        ["first", "last", "title", "phone"],
    ],
)
def test_a_header_that_fits_nothing_well_names_the_candidates(header: list[str]) -> None:
    with pytest.raises(HeaderMismatch) as raised:
        REGISTRY.recognise(header)
    fields = raised.value.fields
    assert fields["found"] == header
    assert all({"dataset", "mapping", "lacks", "score"} <= set(candidate) for candidate in fields["candidates"])


@pytest.mark.parametrize(
    ("header", "dataset"),
    [
        ("tconst averageRating", "title.ratings"),
        ("TCONST AVERAGE_RATING NUM_VOTES", "title.ratings"),
        ("title_id rating votes", "title.ratings"),
        ("tconst averageRating numVotes genres", "title.ratings"),
        ("nconst primaryName", "name.basics"),
        ("person_id name born died", "name.basics"),
        ("TCONST ORDERING NCONST CATEGORY", "title.principals"),
        ("tconst ordering nconst category job characters primaryTitle primaryName", "title.principals"),
        ("tconst directors", "title.crew"),
        ("tconst parentTconst seasonNumber episodeNumber primaryTitle", "title.episode"),
        ("TitleId Ordering Title Region Language", "title.akas"),
        ("titleId ordering title", "title.akas"),
        ("movie_id title crew", "tmdb_5000_credits"),
        ("MOVIE_ID TITLE CAST CREW", "tmdb_5000_credits"),
        ("id title cast crew", "tmdb_credits"),
        ("id cast", "tmdb_credits"),
        ("userid movieid rating", "movielens_ratings"),
        ("user_id item_id rating unix_timestamp", "movielens_ratings"),
        ("userId movieId rating timestamp title genres", "movielens_ratings"),
        ("movieId imdbId", "movielens_links"),
        ("MOVIEID IMDBID TMDBID", "movielens_links"),
        ("userId movieId tag timestamp title", "movielens_tags"),
    ],
)
def test_a_table_of_something_else_than_films_is_known(header: str, dataset: str) -> None:
    assert REGISTRY.recognise(header.split()).name == dataset


@pytest.mark.parametrize(
    ("header", "dataset"),
    [
        ("tconst primaryTitle averageRating numVotes", "films"),
        ("title_id title rating votes", "films"),
        ("tconst titleType primaryTitle originalTitle startYear genres averageRating numVotes", "title.basics"),
        ("tconst titleType primaryTitle originalTitle startYear genres directors writers", "title.basics"),
        ("tconst primaryTitle directors writers", "title.basics"),
        ("movieId title genres imdbId tmdbId", "movielens"),
        ("movieId title imdbId tmdbId", "movielens"),
        ("movieId title genres rating", "movielens"),
        ("movie_id title overview genres keywords cast crew", "movielens"),
        ("title cast crew rating", "films"),
        ("title cast", "films"),
        ("id title cast director", "tmdb_5000"),
        ("userId movieId title rating timestamp overview budget", "films"),
        ("name year rating tag", "films"),
    ],
)
def test_films_are_films_although_some_of_their_columns_are_in_other_tables(header: str, dataset: str) -> None:
    assert REGISTRY.recognise(header.split()).name == dataset


@pytest.mark.parametrize(
    "header",
    ["movieId imdbId budget revenue runtime overview heading", "user_id movie_id watched progress device", "tag count"],
)
def test_a_few_names_of_another_table_are_not_enough(header: str) -> None:
    with pytest.raises(HeaderMismatch):
        REGISTRY.recognise(header.split())


def test_ratings_without_a_header_are_known_and_other_numbers_are_not() -> None:
    names = ["userId", "movieId", "rating", "timestamp"]
    assert REGISTRY.without_header([["1", "1193", "5", "978300760"], ["1", "661", "3.5", "978302109"]]) == tuple(names)
    assert REGISTRY.without_header([["1", "2", "3", "4"], ["5", "6", "7", "8"]]) is None
    assert REGISTRY.without_header([["1", "1193", "50", "978300760"], ["1", "661", "35", "978302109"]]) is None
    assert REGISTRY.without_header([["1", "1193", "a tag", "978300760"]]) is None


def test_what_a_candidate_lacks_is_named_and_one_parameter_solves_it() -> None:
    header = ["budget", "revenue", "runtime", "heading"]
    with pytest.raises(HeaderMismatch) as raised:
        REGISTRY.recognise(header)
    nearest = raised.value.fields["candidates"][0]
    assert (nearest["dataset"], nearest["lacks"]) == ("movies", ["title"])
    assert nearest["mapping"] == {"budget": "budget", "revenue": "revenue", "runtime": "runtime"}
    solved = REGISTRY.recognise(header, mapping={"heading": "title"})
    assert solved.columns.mapped["heading"] == "title"


def test_values_that_contradict_a_column_count_against_the_dataset() -> None:
    header = ["movieId", "title", "genres"]
    rows = [["1", "Toy Story (1995)", "Adventure|Comedy"], ["2", "Heat (1995)", "Crime"]]
    assert REGISTRY.recognise(header, sample=rows).name == "movielens"
    lists = [["1", "Toy Story", "[{'id': 16, 'name': 'Animation'}]"], ["2", "Heat", "[{'id': 80, 'name': 'Crime'}]"]]
    found = REGISTRY.recognise(header, sample=lists)
    assert found.name == "films"
    assert found.columns.mapped == {"movieId": "id", "title": "title", "genres": "genres"}


def test_a_tie_names_both_and_says_how_to_choose() -> None:
    one = REGISTRY.get("movielens")
    other = replace(one, name="other", columns=(*one.columns[:-1], Column("genres", "genres", CommaList(), "Genres")))
    registry = Registry([one, other])
    header = ["movieId", "title", "genres"]
    with pytest.raises(AmbiguousDataset, match="dataset=") as raised:
        registry.recognise(header, sample=[["1", "Heat", "Crime"]])
    assert [candidate["dataset"] for candidate in raised.value.fields["candidates"]] == ["movielens", "other"]
    assert registry.recognise(header, sample=[["1", "Heat", "Crime, Drama"]]).name == "other"
    assert registry.recognise(header, "movielens", [["1", "Heat", "Crime"]]).name == "movielens"
    assert Registry([one, replace(one, name="alike")]).recognise(header).name == "movielens"


def test_a_general_dataset_leaves_out_what_looks_otherwise() -> None:
    header = ["Film", "Rating", "Year"]
    found = REGISTRY.recognise(header, sample=[["Heat", "PG-13", "1995"], ["Toy Story", "G", "1995"]])
    assert (found.name, found.columns.mapped) == ("films", {"Film": "title", "Year": "year"})
    assert found.columns.extra == ["Rating"]


def test_a_general_dataset_tells_what_it_leaves_out() -> None:
    rows = [["Z", "2000", "5.000.000 €"], ["Y", "2001", "6.000.000 €"]]
    found = REGISTRY.recognise(["title", "year", "budget"], sample=rows)
    assert (found.left_out, found.columns.extra) == ({"budget": "budget"}, ["budget"])
    chosen = REGISTRY.recognise(["title", "year", "budget"], sample=rows, mapping={"budget": "budget"})
    assert (chosen.left_out, chosen.columns.mapped["budget"]) == ({}, "budget")


def test_years_where_release_days_should_be_are_the_years() -> None:
    header = ["title", "release_date", "rating"]
    found = REGISTRY.recognise(header, sample=[["A", "1995", "7"], ["B", "(1996)", "6"], ["C", "", "6"]])
    assert (found.name, found.columns.mapped["release_date"], found.left_out) == ("films", "year", {})
    found = REGISTRY.recognise([*header, "year"], sample=[["A", "1995", "7", "1995"], ["B", "1996", "6", "1996"]])
    assert (found.columns.mapped["year"], found.left_out) == ("year", {"release_date": "release_date"})


def test_beside_a_label_of_wikidata_its_address_is_no_title() -> None:
    mapped = REGISTRY.recognise(["film", "filmLabel", "genreLabel", "countryLabel"]).columns.mapped
    assert mapped == {"filmLabel": "title", "genreLabel": "genres", "countryLabel": "countries"}


def test_what_has_a_title_is_told_to_be_of_films_rather_than_of_a_table_that_lacks_its_key() -> None:
    with pytest.raises(HeaderMismatch) as raised:
        REGISTRY.recognise(["Title", "Year", "TMDB Id", "IMDB Id", "Path", "Size On Disk", "Has File"])
    assert "if the nearest, films, is right, say so with dataset=" in raised.value.message


@pytest.mark.parametrize(
    ("name", "ratings", "is_told"),
    [
        ("Rating", ["4.5", "5", "0.5"], True),
        ("Rating", ["4.5", "5.5", "0.5"], False),
        ("Rating", ["", "5", " 4 ", "3"], True),
        ("Rating", ["4.5", "5"], False),
        ("IMDb Rating", ["4.5", "5", "0.5"], False),
    ],
)
def test_ratings_that_may_be_stars_are_told(name: str, ratings: list[str], is_told: bool) -> None:
    header, rows = ["Film", "Year", name], [["A", "1990", rating] for rating in ratings]
    found = REGISTRY.recognise(header, sample=rows)
    assert (found.columns.mapped[name], found.small_ratings) == ("vote_average", [name] if is_told else [])
    assert REGISTRY.recognise(header, sample=rows, mapping={name: "vote_average"}).small_ratings == []


def test_days_in_other_years_than_those_of_release_are_days_of_something_else() -> None:
    header = ["Date", "Name", "Year", "Letterboxd URI"]
    rows = [["2021-03-04", "Metropolis", "1927", "x"], ["2021-03-05", "Heat", "1995", "y"]]
    assert REGISTRY.recognise(header, sample=rows).left_out == {"Date": "release_date"}
    rows = [["1927-01-10", "Metropolis", "1927", "x"], ["1995-12-15", "Heat", "1995", "y"]]
    assert REGISTRY.recognise(header, sample=rows).columns.mapped["Date"] == "release_date"


def test_days_that_no_format_describes_are_left_out_of_films() -> None:
    header = ["name", "year", "released"]
    rows = [["The Shining", "1980", "June 13, 1980 (United States)"], ["Alien", "1979", "1979 (Chile)"]]
    assert REGISTRY.recognise(header, sample=rows).left_out == {"released": "release_date"}
    rows = [["The Shining", "1980", "June 13, 1980"], ["Alien", "1979", "1979 (Chile)"]]
    assert REGISTRY.recognise(header, sample=rows).left_out == {}


def test_a_dataset_whose_values_contradict_yields_to_films_which_read_them_all() -> None:
    header = "id budget genres original_language original_title overview release_date revenue runtime status".split()
    header += "spoken_languages title vote_average vote_count popularity production_companies homepage".split()
    header += "backdrop_path poster_path adult tagline imdb_id production_countries".split()

    def chosen(genres: str) -> str:
        return REGISTRY.recognise(
            header, sample=[[{"genres": genres, "title": "Ariel"}.get(name, "") for name in header]]
        ).name

    assert (chosen("Drama, Crime"), chosen("Drama|Crime")) == ("tmdb_movies", "films")


def test_the_title_alone_makes_a_table_one_of_films() -> None:
    header = ["Rank", "Release Group", "Worldwide", "Domestic", "%", "Foreign"]
    with pytest.raises(HeaderMismatch):
        REGISTRY.recognise(header)
    assert REGISTRY.recognise(header, mapping={"Release Group": "title"}).name == "films"


def test_two_names_of_one_column_are_refused() -> None:
    with pytest.raises(HeaderMismatch, match="each once"):
        REGISTRY.recognise(["a", "b"], mapping={"a": "title", "b": "Title"})


def test_the_field_of_a_column_that_feeds_two_does_not_name_it() -> None:
    found = REGISTRY.recognise(["movieId", "yr", "nm", "genres"], mapping={"nm": "title", "yr": "release_year"})
    assert (found.name, found.columns.mapped["yr"], found.columns.mapped["nm"]) == ("films", "year", "title")


def test_a_mapping_names_columns_aliases_or_fields() -> None:
    header = ["a", "b", "c"]
    found = REGISTRY.recognise(header, "title.basics", mapping={"a": "tconst", "b": "title", "c": "premiered"})
    assert found.columns.mapped == {"a": "tconst", "b": "primaryTitle", "c": "startYear"}
    assert REGISTRY.recognise(MOVIES_HEADER, mapping={"budget": ""}).columns.extra == ["budget"]


@pytest.mark.parametrize("mapping", [{"nowhere": "title"}, {"title": "no such column"}])
def test_a_mapping_that_fits_nothing_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(HeaderMismatch):
        REGISTRY.recognise(MOVIES_HEADER, mapping=mapping)


def test_each_column_gets_a_name_of_its_own() -> None:
    assert unique_names(["", "title", "Title", "column_1", "", "title"]) == [
        *("column_2", "title", "Title_2", "column_1", "column_5", "title_3")
    ]


def decided(dates: list[str], header: str = "release_date") -> dict[str, object]:
    rows = [[f"Film {number}", date] for number, date in enumerate(dates)]
    return UploadHeader(REGISTRY, "movies").decide(["title", header], rows).schema.to_json()


def test_a_format_that_alone_fits_all_dates_is_taken() -> None:
    assert decided(["30/10/1995", "01/02/2003"]) == {"fields": [{"name": "release_date", "format": "%d/%m/%Y"}]}
    assert decided(["10/30/1995", "01/02/2003"]) == {"fields": [{"name": "release_date", "format": "%m/%d/%Y"}]}
    assert decided(["1995-10-30", "30/10/1995"]) == {}
    assert decided(["1995-10-30"]) == {}


def test_dates_that_two_formats_fit_are_asked_about() -> None:
    with pytest.raises(AmbiguousFormat, match="schema=") as raised:
        decided(["01/02/2003", "03/04/2005"])
    assert raised.value.fields["readings"] == {"%d/%m/%Y": "2003-02-01", "%m/%d/%Y": "2003-01-02"}
