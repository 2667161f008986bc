"""Which dataset a header belongs to, and where a file's columns go."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.csv.unreadable import HeaderMismatch
from tests.conftest import REGISTRY
from tests.rows import GOOD_ROWS, file_of
from tests.unit.ingest.test_validate import check, reasons

# as the files have them, joined by a character that none of them contains
HEADERS = {
    "movies_metadata": "adult;belongs_to_collection;budget;genres;homepage;id;imdb_id;original_language;original_title;"
    "overview;popularity;poster_path;production_companies;production_countries;release_date;revenue;runtime;"
    "spoken_languages;status;tagline;title;video;vote_average;vote_count",
    "tmdb_5000": "budget;genres;homepage;id;keywords;original_language;original_title;overview;popularity;"
    "production_companies;production_countries;release_date;revenue;runtime;spoken_languages;status;tagline;title;"
    "vote_average;vote_count",
    "tmdb_movies": "id;title;vote_average;vote_count;status;release_date;revenue;runtime;adult;backdrop_path;budget;"
    "homepage;imdb_id;original_language;original_title;overview;popularity;poster_path;tagline;genres;"
    "production_companies;production_countries;spoken_languages;keywords",
    "imdb_top_1000": "Poster_Link;Series_Title;Released_Year;Certificate;Runtime;Genre;IMDB_Rating;Overview;Meta_score;"
    "Director;Star1;Star2;Star3;Star4;No_of_Votes;Gross",
    "imdb_movie_data": "Rank;Title;Genre;Description;Director;Actors;Year;Runtime (Minutes);Rating;Votes;"
    "Revenue (Millions);Metascore",
    "movielens": "movieId;title;genres",
    "film": "film_id;title;description;release_year;language_id;original_language_id;rental_duration;rental_rate;"
    "length;replacement_cost;rating;special_features;last_update",
    "films": "movie title;Run Time;Rating;User Rating;Generes;Overview;Plot Kyeword;Director;Top 5 Casts;Writer;year;"
    "path",
    "imdb_5000": "color;director_name;num_critic_for_reviews;duration;director_facebook_likes;actor_3_facebook_likes;"
    "actor_2_name;actor_1_facebook_likes;gross;genres;actor_1_name;movie_title;num_voted_users;"
    "cast_total_facebook_likes;actor_3_name;facenumber_in_poster;plot_keywords;movie_imdb_link;num_user_for_reviews;"
    "language;country;content_rating;budget;title_year;actor_2_facebook_likes;imdb_score;aspect_ratio;"
    "movie_facebook_likes",
    "netflix_titles": "show_id;type;title;director;cast;country;date_added;release_year;rating;duration;listed_in;"
    "description",
    "mymoviedb": "Release_Date;Title;Overview;Popularity;Vote_Count;Vote_Average;Original_Language;Genre;Poster_Url",
    "bechdel": "year;imdb;title;test;clean_test;binary;budget;domgross;intgross;code;budget_2013$;domgross_2013$;"
    "intgross_2013$;period code;decade code",
    "tmdb_movies_data": "id;imdb_id;popularity;budget;revenue;original_title;cast;homepage;director;tagline;keywords;"
    "overview;runtime;genres;production_companies;release_date;vote_count;vote_average;release_year;budget_adj;"
    "revenue_adj",
    "title.ratings": "tconst;averageRating;numVotes",
    "name.basics": "nconst;primaryName;birthYear;deathYear;primaryProfession;knownForTitles",
    "title.principals": "tconst;ordering;nconst;category;job;characters",
    "title.crew": "tconst;directors;writers",
    "title.episode": "tconst;parentTconst;seasonNumber;episodeNumber",
    "title.akas": "titleId;ordering;title;region;language;types;attributes;isOriginalTitle",
    "tmdb_5000_credits": "movie_id;title;cast;crew",
    "tmdb_credits": "cast;crew;id",
    "movielens_ratings": "userId;movieId;rating;timestamp",
    "movielens_links": "movieId;imdbId;tmdbId",
    "movielens_tags": "userId;movieId;tag;timestamp",
    "title.basics": "title_id;type;primary_title;original_title;is_adult;premiered;ended;runtime_minutes;genres",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_recognised(name: str) -> None:
    assert REGISTRY.recognise(HEADERS[name].split(";")).name == name


@pytest.mark.parametrize("name", REGISTRY.names)
def test_the_good_row_is_recognised_and_good(name: str) -> None:
    # A file is one of records written by hand only if its client says so.
    named = name if REGISTRY.get(name).is_hand_made else None
    assert REGISTRY.recognise(list(GOOD_ROWS[name]), named).name == name
    assert reasons(check(file_of(name, {}), name)) == []


def test_a_column_that_two_fields_need_is_missing_once() -> None:
    with pytest.raises(HeaderMismatch) as raised:
        REGISTRY.recognise(["movieId", "genres"], "movielens")
    assert raised.value.fields["missing"] == ["title"]


@pytest.mark.parametrize("name", REGISTRY.names)
def test_no_two_columns_answer_to_one_name_and_no_two_feed_one_field(name: str) -> None:
    columns = REGISTRY.get(name).columns
    assert len({column.field for column in columns}) == len(columns)
    read: dict[str, set[str]] = {}  # a column that feeds two fields has the aliases of both
    for column in columns:
        read.setdefault(column.name, {column.name}).update(column.aliases)
    for one, names in read.items():
        assert all(one == other or not names & others for other, others in read.items())


def loaded(dataset: str, change: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = check(file_of(dataset, change), dataset).rows.to_pylist()[0]
    return row


def test_a_column_may_feed_two_fields() -> None:
    row = loaded("movielens", {"title": "Heat (1995) "})
    assert (row["title"], row["release_year"], row["release_order"]) == ("Heat", 1995, 19950000)
    row = loaded("tmdb_5000", {})
    assert (row["genres"], row["genre_id"]) == (["Animation"], 16)


def test_a_column_that_its_field_holds_in_part_is_kept() -> None:
    companies = "[{'name': 'One', 'id': 1}, {'name': 'Two', 'id': 2}]"
    row = loaded("movies_metadata", {"production_companies": companies, "tagline": "Boo"})
    assert row["production_company_id"] == 1
    extra = json.loads(row["extra"].removeprefix("\x01"))
    lists = {
        name: GOOD_ROWS["movies_metadata"][name] for name in ("genres", "spoken_languages", "production_countries")
    }
    assert extra == {"production_companies": companies, "tagline": "Boo", **lists}


@pytest.mark.parametrize("name", ["tmdb_5000_credits", "tmdb_credits"])
def test_of_lists_of_people_nothing_is_lost(name: str) -> None:
    row = loaded(name, {})
    assert (row["title_id"], row["directors"], row["writers"]) == ("862", ["7879"], ["12891", "7"])
    assert (row["cast_names"], row["cast_ids"]) == (["One", "Two"], ["31", "12898"])
    assert row["crew_names"] == ["Three", "Four", "Five", "Four", "Six"]
    assert row["crew_ids"] == ["7879", "12891", "7", "12891", "7962"]
    extra = json.loads(row["extra"].removeprefix("\x01"))
    assert extra == {column: GOOD_ROWS[name][column] for column in ("cast", "crew")}


def test_a_moment_is_in_utc() -> None:
    assert loaded("movielens_ratings", {})["rated_at"] == datetime(2009, 12, 14, 2, 52, 24, tzinfo=UTC)


def test_an_id_of_imdb_has_its_prefix_again() -> None:
    row = loaded("movielens_links", {})
    assert (row["movie_id"], row["imdb_id"], row["tmdb_id"]) == ("1", "tt0114709", "862")


def test_what_has_no_field_is_kept_as_it_is() -> None:
    row = loaded("film", {"original_language_id": "null", "last_update": "9999-99-99 99:99:99"})
    assert row["extra"] == '\x01{"last_update": "9999-99-99 99:99:99"}'


def test_an_alias_beside_the_name_is_a_column_like_any_other() -> None:
    row = loaded("movies", {"description": "Another summary."})
    assert (row["overview"], row["extra"]) == ("What happens.", '\x01{"description": "Another summary."}')


def test_a_reject_names_the_column_as_the_file_does() -> None:
    content = file_of("imdb_movie_data", {"Revenue": "lots"}).replace(b"Revenue", b"Revenue (Millions)")
    assert reasons(check(content, "imdb_movie_data")) == [("Revenue (Millions)", "not_millions")]
