"""Small files in the shape of the datasets."""

import csv
import io
import json
from typing import Any

MOVIES_HEADER = (
    "budget homepage original_language original_title overview release_date revenue runtime status title "
    "vote_average vote_count production_company_id genre_id languages"
).split()
TITLES_HEADER = "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres".split()

GOOD_MOVIE = {
    "budget": "30000000.0",
    "homepage": "",
    "original_language": "en",
    "original_title": "A Film",
    "overview": "What happens.",
    "release_date": "1995-10-30",
    "revenue": "373554033.0",
    "runtime": "81",
    "status": "Released",
    "title": "A Film",
    "vote_average": "7.7",
    "vote_count": "5415.0",
    "production_company_id": "3",
    "genre_id": "16",
    "languages": "['English']",
}
GOOD_TITLE = {
    "tconst": "tt0000001",
    "titleType": "short",
    "primaryTitle": "Carmencita",
    "originalTitle": "Carmencita",
    "isAdult": "0",
    "startYear": "1894",
    "endYear": "\\N",
    "runtimeMinutes": "1",
    "genres": "Documentary,Short",
}

# They are separated by tabs, and never quoted.
IMDB_FILES = (
    *("title.basics", "title.ratings", "name.basics", "title.principals", "title.crew", "title.episode", "title.akas"),
)


def movies(*changes: dict[str, str], header: list[str] = MOVIES_HEADER, end: str = "\r\n") -> bytes:
    """A movies file with a row for each change of the good movie."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerow(header)
    for change in changes:
        row: dict[str, Any] = GOOD_MOVIE | change
        writer.writerow([row.get(name, "") for name in header])
    return text.getvalue().encode()


def titles(*changes: dict[str, str]) -> bytes:
    """A title.basics file with a row for each change of the good title; each has an id of its own."""
    keys = ({"tconst": f"tt{number:07}"} for number in range(1, len(changes) + 1))
    return _with_tabs(GOOD_TITLE, *(key | change for key, change in zip(keys, changes, strict=True)))


def _with_tabs(good: dict[str, str], *changes: dict[str, str]) -> bytes:
    """A file as IMDb writes it: tabs between the cells, and no quotes around them."""
    rows = [list(good), *(list((good | change).values()) for change in changes)]
    return "".join("\t".join(row) + "\n" for row in rows).encode()


GOOD_TMDB = {
    name: GOOD_MOVIE[name] for name in MOVIES_HEADER if name not in ("production_company_id", "genre_id", "languages")
} | {
    "id": "862",
    "genres": "[{'id': 16, 'name': 'Animation'}, {'id': 35, 'name': 'Comedy'}]",
    "production_companies": "[{'name': 'Pixar Animation Studios', 'id': 3}]",
    "spoken_languages": "[{'iso_639_1': 'en', 'name': 'English'}]",
    "production_countries": "[{'iso_3166_1': 'DE', 'name': 'Germany'}]",
}
GOOD_CAST = [
    {"cast_id": 14, "character": "Woody (voice)", "credit_id": "52fe4284c3a36847f8024f95", "id": 31, "name": "One"},
    {"cast_id": 15, "character": "Buzz (voice)", "credit_id": "52fe4284c3a36847f8024f99", "id": 12898, "name": "Two"},
]
GOOD_CREW = [
    {
        "credit_id": "52fe4284c3a36847f8024f49",
        "department": "Directing",
        "id": 7879,
        "job": "Director",
        "name": "Three",
    },
    {
        "credit_id": "52fe4284c3a36847f8024f4f",
        "department": "Writing",
        "id": 12891,
        "job": "Screenplay",
        "name": "Four",
    },
    {"credit_id": "52fe4284c3a36847f8024f55", "department": "Writing", "id": 7, "job": "Screenplay", "name": "Five"},
    {"credit_id": "52fe4284c3a36847f8024f5b", "department": "Writing", "id": 12891, "job": "Story", "name": "Four"},
    {"credit_id": "52fe4284c3a36847f8024f61", "department": "Editing", "id": 7962, "job": "Editor", "name": "Six"},
]
GOOD_ROWS: dict[str, dict[str, str]] = {
    "manual": {
        "title": "A Film",
        "original_title": "Un film",
        "title_type": "movie",
        "original_language": "fr",
        "overview": "What happens.",
        "release_date": "1994-09-10",
        "release_year": "1994",
        "end_year": "1995",
        "runtime": "142",
        "is_adult": "0",
        "budget": "25000000",
        "revenue": "28341469",
        "status": "Released",
        "vote_average": "9.3",
        "vote_count": "2343110",
        "languages": '["Français"]',
        "genres": '["Drama", "Crime"]',
        "countries": '["France"]',
        "homepage": "https://film.example",
        "genre_id": "18",
        "production_company_id": "97",
        "source_id": "tt0111161",
    },
    "movies": GOOD_MOVIE,
    "title.basics": GOOD_TITLE,
    "movies_metadata": GOOD_TMDB | {"adult": "False"},
    "tmdb_5000": GOOD_TMDB | {"genres": '[{"id": 16, "name": "Animation"}]', "runtime": "162"},
    "tmdb_movies": GOOD_TMDB
    | {
        "adult": "False",
        "genres": "Animation, Comedy",
        "production_companies": "Pixar Animation Studios",
        "spoken_languages": "English, Français",
        "production_countries": "Germany, France",
        "backdrop_path": "/a.jpg",
        "keywords": "toy, boy",
    },
    "imdb_top_1000": {
        "Series_Title": "A Film",
        "Released_Year": "1994",
        "Runtime": "142 min",
        "Genre": "Crime, Drama",
        "IMDB_Rating": "9.3",
        "Overview": "What happens.",
        "No_of_Votes": "2343110",
        "Gross": "28,341,469",
    },
    "imdb_movie_data": {
        "Title": "A Film",
        "Genre": "Action,Adventure",
        "Description": "What happens.",
        "Year": "2014",
        "Runtime": "121",
        "Rating": "8.1",
        "Votes": "757074",
        "Revenue": "333.13",
        "Director": "Bryan Singer",
        "Actors": "Kevin Spacey, Gabriel Byrne",
        "Metascore": "77",
    },
    "movielens": {"movieId": "1", "title": "A Film (1995)", "genres": "Adventure|Comedy"},
    "film": {
        "film_id": "1",
        "title": "A FILM",
        "description": "What happens.",
        "release_year": "2006",
        "length": "86",
    },
    "films": {
        "Movie Name": "A Film",
        "Year of Release": "1994",
        "Run Time": "2h 22min",
        "Generes": "Crime|Drama",
        "User Rating": "9.3",
        "Box Office": "$28,341,469",
        "Path": "/title/tt0111161/",
    },
    "imdb_5000": {
        "color": "Color",
        "director_name": "Somebody",
        "duration": "178",
        "gross": "760505847",
        "genres": "Action|Adventure",
        "movie_title": "A Film\u00a0",
        "num_voted_users": "886204",
        "language": "English",
        "country": "UK",
        "budget": "237000000",
        "title_year": "2009",
        "imdb_score": "7.9",
        "movie_imdb_link": "http://www.imdb.com/title/tt0499549/?ref_=fn_tt_tt_1",
    },
    "netflix_titles": {
        "show_id": "s1",
        "type": "Movie",
        "title": "A Film",
        "director": "Somebody",
        "country": "France, Germany",
        "date_added": "September 25, 2021",
        "release_year": "2020",
        "rating": "PG-13",
        "duration": "90 min",
        "listed_in": "Documentaries, Dramas",
        "description": "What happens.",
    },
    "mymoviedb": {
        "Release_Date": "2021-12-15",
        "Title": "A Film",
        "Overview": "What happens.",
        "Popularity": "5083.954",
        "Vote_Count": "8940",
        "Vote_Average": "8.3",
        "Original_Language": "en",
        "Genre": "Action, Adventure",
        "Poster_Url": "https://example.com/a.jpg",
    },
    "bechdel": {
        "year": "2013",
        "imdb": "tt1711425",
        "title": "A Film",
        "test": "notalk",
        "clean_test": "notalk",
        "binary": "FAIL",
        "budget": "13000000",
        "domgross": "25682380",
        "intgross": "42195766",
        "code": "2013FAIL",
    },
    "movielens_100k": {
        "movie id": "1",
        "movie title": "A Film (1995)",
        "release date": "1995-01-01",
        "video release date": "",
        "IMDb URL": "http://us.imdb.com/M/title-exact?A%20Film",
        "unknown": "0",
        "Action": "1",
        "Adventure": "0",
    },
    "title.ratings": {"tconst": "tt0000001", "averageRating": "5.7", "numVotes": "2001"},
    "name.basics": {
        "nconst": "nm0000001",
        "primaryName": "Somebody",
        "birthYear": "1899",
        "deathYear": "1987",
        "primaryProfession": "actor,producer",
        "knownForTitles": "tt0000001,tt0000002",
    },
    "title.principals": {
        "tconst": "tt0000001",
        "ordering": "1",
        "nconst": "nm0000001",
        "category": "self",
        "job": "\\N",
        "characters": '["Herself"]',
    },
    "title.crew": {"tconst": "tt0000001", "directors": "nm0000001", "writers": "nm0000001,nm0000002"},
    "title.episode": {
        "tconst": "tt0000001",
        "parentTconst": "tt0000002",
        "seasonNumber": "1",
        "episodeNumber": "9",
    },
    "title.akas": {
        "titleId": "tt0000001",
        "ordering": "1",
        "title": "A Film",
        "region": "HU",
        "language": "\\N",
        "types": "imdbDisplay",
        "attributes": "\\N",
        "isOriginalTitle": "0",
    },
    "tmdb_5000_credits": {
        "movie_id": "862",
        "title": "A Film",
        "cast": json.dumps(GOOD_CAST),
        "crew": json.dumps(GOOD_CREW),
    },
    "tmdb_credits": {"cast": repr(GOOD_CAST), "crew": repr(GOOD_CREW), "id": "862"},
    "movielens_ratings": {"userId": "1", "movieId": "31", "rating": "2.5", "timestamp": "1260759144"},
    "movielens_links": {"movieId": "1", "imdbId": "0114709", "tmdbId": "862"},
    "movielens_tags": {"userId": "15", "movieId": "339", "tag": "a tag", "timestamp": "1138537770"},
    "tmdb_movies_data": {
        "id": "135397",
        "imdb_id": "tt0369610",
        "budget": "150000000",
        "revenue": "1513528810",
        "original_title": "A Film",
        "homepage": "http://example.com/",
        "overview": "What happens.",
        "runtime": "124",
        "genres": "Action|Adventure",
        "release_date": "6/9/15",
        "vote_count": "5562",
        "vote_average": "6.5",
        "release_year": "2015",
        "budget_adj": "137999939.280026",
        "revenue_adj": "1392445892.5238",
    },
}


def file_of(dataset: str, *changes: dict[str, str]) -> bytes:
    """A file of this dataset with a row for each change of its good row."""
    good = GOOD_ROWS[dataset]
    if dataset in IMDB_FILES:
        return _with_tabs(good, *changes)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys([*good, *(name for change in changes for name in change)])))
    writer.writeheader()
    writer.writerows(good | change for change in changes)
    return text.getvalue().encode()
