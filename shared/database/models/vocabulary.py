"""Words of titles and names, in which a search looks up what a mistyped word may have meant."""

from sqlalchemy import BigInteger, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.models.base import Base


class Word(Base):
    """A word of a title or a name that a row of the tenant has, or has had."""

    __tablename__ = "vocabulary"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)


class VocabularyProgress(Base):
    """Up to which `version` of a collection, and to which id of the next version, the vocabulary has its words."""

    __tablename__ = "vocabulary_progress"

    collection: Mapped[int] = mapped_column(ForeignKey("collections.number", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    next_id: Mapped[int] = mapped_column(BigInteger)
