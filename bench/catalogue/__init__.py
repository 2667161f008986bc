"""Part `catalogue`: a database of movies, people, ratings and credits, asked side by side with a plain service.

words.py, files.py     made-up titles and names, whose words are as unequally common as those of a language
filling.py             the files, loaded by the product; the plain service's tables, filled from those
questions.py           what is asked: the same of both
asking.py, part.py     the measurement
"""
