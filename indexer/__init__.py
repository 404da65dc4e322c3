"""Indexer: Markdown help articles in, an index that answers how sure it is out.

Only the names below are for other rooms; every module is an inside of this one.
"""

from indexer.access import Access
from indexer.articles import Article, ArticleKey, HandoffRule, Offer, Status, Visibility
from indexer.artifact import builds, current_build, drop_old_builds, publish
from indexer.build import Builder, BuildReport
from indexer.calibration import Calibration, Thresholds
from indexer.confidence import Probabilities
from indexer.encoders import Encoder, open_encoder
from indexer.errors import (
    ArticleError,
    ArtifactError,
    EncoderError,
    EncoderMismatch,
    IndexDamaged,
    IndexerError,
    IndexFormatError,
    IndexNotFound,
    KnowledgeBaseError,
    SettingsError,
)
from indexer.examples import (
    EXAMPLES,
    Example,
    ExampleSource,
    by_article,
    normalised,
    read_examples,
    write_examples,
)
from indexer.examples import LONGEST as LONGEST_EXAMPLE
from indexer.forms import Choice, FieldKind, Form, FormField
from indexer.hits import Hit, SearchResult
from indexer.index import Index
from indexer.language import Detected, detect
from indexer.links import link_target
from indexer.markdown import plain_text, render
from indexer.problems import Problem, Severity
from indexer.replies import CannedReply, open_variables
from indexer.sections import Block, BlockKind, Section
from indexer.sentences import sentences as split_sentences
from indexer.trial import trial_root

__all__ = [
    "EXAMPLES",
    "LONGEST_EXAMPLE",
    "Access",
    "Article",
    "ArticleError",
    "ArticleKey",
    "ArtifactError",
    "Block",
    "BlockKind",
    "BuildReport",
    "Builder",
    "Calibration",
    "CannedReply",
    "Choice",
    "Detected",
    "Encoder",
    "EncoderError",
    "EncoderMismatch",
    "Example",
    "ExampleSource",
    "FieldKind",
    "Form",
    "FormField",
    "HandoffRule",
    "Hit",
    "Index",
    "IndexDamaged",
    "IndexFormatError",
    "IndexNotFound",
    "IndexerError",
    "KnowledgeBaseError",
    "Offer",
    "Probabilities",
    "Problem",
    "SearchResult",
    "Section",
    "SettingsError",
    "Severity",
    "Status",
    "Thresholds",
    "Visibility",
    "builds",
    "by_article",
    "current_build",
    "detect",
    "drop_old_builds",
    "link_target",
    "normalised",
    "open_encoder",
    "open_variables",
    "plain_text",
    "publish",
    "read_examples",
    "render",
    "split_sentences",
    "trial_root",
    "write_examples",
]
