"""Which dataset a file belongs to, by its header and its first records.

A dataset is possible if the header has all columns that a record cannot do without. Each possible dataset gets a score
from 0 to 1: the share of the header's names that it knows and the share of its columns that the header has, as their
harmonic mean in which the first counts most (F 0.25), because what a dataset does not know lands in no field. A column
whose values mostly contradict its rule counts against it. The best score wins, but a general dataset goes before one
that has no more of the file and most of whose own columns the file lacks, or whose columns the values contradict.
Datasets whose scores hardly differ are a tie, unless they would load the file in the same way.

The rows of most datasets are films. Those of the others have few columns, and some of these are in files of films, too
(an id, a rating). So half of the header must be theirs, and a table with a title and a fact of films that they do not
know is one of films.

    choice      every dataset with its score, and the best of them
    score       how well one dataset fits
    values      whether cells look like values of a column
    dates       the formats of dates that a file shows
    names       the names of a header, and what a client's mapping means
    candidate   a dataset that is compared with a file
"""
