"""What publishing and undoing do to the rows of a collection, one version after the other.

What readers see is what the uploads that are completed make of each other, in the order in which they were published:
an `append` adds its rows, a `replace` takes the place of all rows before it, and an `upsert` that of the rows that have
one of its keys and other values. So undoing an upload leaves what there would be without it, and what a later upload
has set stays.

A row is superseded by the first upload that took its place. If that one is undone, the next one that would have done so
takes over, or the row is visible again.
"""
