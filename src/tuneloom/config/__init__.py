"""The one config tree: a YAML file, Prefect's deployment form and a run all speak it.

Each field is documented here and nowhere else (`tuneloom config --schema` prints it). Paths are relative to the config
file; `config_file` reads one.
"""

from typing import Annotated, Literal

from pydantic import Field

from tuneloom.config.section import Section
from tuneloom.config.training import Train


class Source(Section):
    """One place that instruction data comes from."""

    name: str = Field(min_length=1, pattern=r"^[\w.-]+$")
    """Short name; it stands in every row's origin."""
    path: str
    """A file, a folder or a glob, relative to the config file or as a URL (s3://, https://); or hub:owner/name."""
    format: str = "auto"
    """A format's name, or `auto` to detect it from the content."""
    columns: dict[str, str] | None = None
    """Maps our names (instruction, input, output, ...) to the source's columns."""
    use: Literal["train", "evaluate", "decontaminate"] = "train"
    """What its rows are for; only `train` rows compete in deduplication and may train."""
    priority: int = 0
    """Of duplicates across sources the row from the higher priority survives."""
    language: str | None = None
    """Language of its rows (`en`, `zh`, ...), where they do not say; detected otherwise."""
    license: str | None = None
    """Licence of its rows; it travels with them to the model's tags."""


class Licenses(Section):
    """Which licences may train."""

    allow: tuple[str, ...] | None = Field(None, min_length=1)
    """Rows to train with another licence, or none, are rejected; default: every row may train."""


class Near(Section):
    """Near-duplicate removal: candidates are found, true Jaccard similarity decides."""

    threshold: float = Field(0.8, gt=0, le=1)
    """Smallest Jaccard similarity of shingle sets that makes two rows near-duplicates."""
    compare: Literal["prompt", "answer", "both"] = "both"
    """What must be that similar; `both`: the prompt, and the answer equal or similar too."""
    search: Literal["lsh", "exact"] = "lsh"
    """How candidates are found: MinHash bands miss up to one pair in 200 at the threshold; the exact join misses none,
    several times slower and with all shingles in memory."""


class Dedup(Section):
    """Removal of duplicates; each rejected row names the kept row it resembles."""

    exact: bool = True
    """Reject rows whose normalised words equal a kept row's, and conversations that a kept row's begins with."""
    near: Near | None = Near()
    """Near-duplicates; `null` turns it off."""


class Split(Section):
    """Which rows train and which stay unseen."""

    validation: float = Field(0.02, ge=0, lt=0.5)
    """Share of the rows for choices during training."""
    test: float = Field(0.05, ge=0, lt=0.5)
    """Share of the rows that judge the model."""
    held_out_tasks: tuple[str, ...] = ()
    """Tasks whose rows all go to the test side, to measure generalisation."""


class Decontaminate(Section):
    """Which rows give an evaluation row away: those that ask the same, resemble it, or hold much of its wording."""

    ngram: int = Field(8, ge=5, le=13)
    """Words in a run that is compared; of scripts without spaces, one and a half times as many characters."""
    coverage: float = Field(0.5, ge=0, lt=1)
    """Rows that hold more than this share of an evaluation text's runs are rejected."""


class Rule(Section):
    """`value` must lie within the bounds, for rows of the kinds, scripts and languages where `when` holds."""

    name: str = Field(min_length=1, max_length=60)
    """The reason of the reject; a rule of the profile with this name gives way to it."""
    value: str
    """A signal, or an expression of SQL over signals (docs/quality.md); yes and no count as 1 and 0."""
    source: str = "the config"
    """Where the bound comes from."""
    min: float | None = Field(None, allow_inf_nan=False)
    """Least value that passes."""
    max: float | None = Field(None, allow_inf_nan=False)
    """Largest value that passes."""
    when: str | None = None
    """A condition on signals, such as `answer_words >= 32`; other rows are not judged."""
    kinds: tuple[Literal["natural", "code", "mixed"], ...] = ("natural", "code", "mixed")
    """Kinds of rows that are judged."""
    scripts: Literal["any", "spaced", "unspaced"] = "any"
    """Whether rows are judged whose language has spaces between words, has none (Chinese, Japanese, Thai), or both."""
    languages: tuple[str, ...] = ()
    """Languages that are judged; all where it is empty."""


Fate = Literal["keep", "flag", "hold", "reject"]


class Safety(Section):
    """What becomes of rows that teach harm; an unsafe request that the answer declines is kept, whatever this says."""

    unsafe_answer: Fate = "flag"
    """An unsafe request (rules of words, in English and Chinese) with an answer that complies: kept, flagged, held for
    review, or rejected."""
    toxic: Fate = "flag"
    """Answers with toxic words, in English alone (a packaged classifier)."""
    toxic_from: float = Field(0.9, gt=0, le=1)
    """Probability from which words count as toxic."""


class Quality(Section):
    """Rules that a row must pass, edits of your own, and what happens to personal data."""

    rules: str = "standard"
    """Name of a rule profile: `none`, or a file of quality/profiles (standard, strict, code, math, chat, zh)."""
    more: tuple[Rule, ...] = ()
    """Rules of your own, asked after the profile's."""
    without: tuple[str, ...] = ()
    """Names of the profile's rules that are not asked."""
    transforms: tuple[str, ...] = ()
    """Python files with a function `transform` that edits a row, relative to the config file (docs/quality.md)."""
    pii: Literal["keep", "mask", "reject"] = "mask"
    """Personal data (mail, phone, identity and card numbers, keys): replaced by a mark, or the row rejected."""
    safety: Safety = Safety()
    """Rows that teach harm."""


class Review(Section):
    """Rows that people look at: they are held, and the run goes on without them until somebody has decided."""

    decisions: str | None = None
    """A JSONL file of what people decided; `tuneloom review CONFIG import SHEET` adds to it."""
    sample: float = Field(0, ge=0, allow_inf_nan=False)
    """Training rows held at random: a share of them below 1, a number of rows from 1 on."""
    near: float = Field(0, ge=0, le=1)
    """Training rows held whose value is nearer to a rule's bound than this share of the bound (0.1: 10 %)."""


class Mixture(Section):
    """Which training rows are used, and how often."""

    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = {}
    """Factor by source: 0.5 keeps half of its training rows, 2 uses each twice (column `repeat`); default 1."""
    cap: int | None = Field(None, gt=0)
    """At most this many training rows a task (examples-proportional mixing with a cap, as in T5; FLAN took 3000)."""
    temperature: float = Field(1.0, gt=0, allow_inf_nan=False)
    """T5's T: tasks are used in proportion to (rows of the task, at most `cap`)^(1/T); 1 leaves them as they are."""
    by: Literal["task", "source", "language"] = "task"
    """What `cap` and `temperature` count; a row without a task or language counts as its source's one."""
    tokens: dict[str, Annotated[int, Field(ge=0)]] = {}
    """Most tokens by source, repeats included: those of the messages, without what a template adds."""


class Render(Section):
    """Conversations to tokens."""

    template: Literal["model"] = "model"
    """`model`: the chat template that the model brings; for a base model without one, ChatML (docs/templates.md)."""
    prompts: Literal["all"] | tuple[str, ...] | None = None
    """Prompt templates that rows with fields are put into: `all` that are shipped, or a list of families, names and
    folders of your own (`./templates`); `null` leaves every prompt as it is."""
    shots: int = Field(0, ge=0, le=16)
    """Examples of the same task, from the training side, before the prompt of a row that gets a prompt template."""
    learn: Literal["all", "last"] = "all"
    """Which of a conversation's answers are learnt: all that have weight, or the last one alone."""
    too_long: Literal["reject", "truncate", "split"] = "reject"
    """Rows over `max_length`: rejected, or their oldest turns dropped, or cut between turns into several rows."""
    max_length: int = Field(1024, gt=16)
    """Longest row in tokens, and the length of a pack."""


class Evaluate(Section):
    """Scores on rows that never trained."""

    loss_rows: int = Field(150, gt=0)
    """Most test rows for the held-out loss."""
    generate_rows: int = Field(48, ge=0)
    """Most test rows whose answer is generated and compared with the references."""
    max_new_tokens: int = Field(48, gt=0)
    """Longest generated answer in tokens."""
    suites: tuple[str, ...] = ()
    """Evaluation suites beside the test rows: names of data/suites, or YAML files relative to the config file."""


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Gate(Section):
    """When a candidate may become the champion."""

    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Confidence of the intervals that decide."""
    better: tuple[str, ...] = ("loss",)
    """Metrics in which the candidate must beat its baseline; with no champion, that is the base."""
    margin: float = Field(0.02, ge=0)
    """Against a champion: the largest loss increase (nats a token) that still counts as no worse."""
    guards: dict[str, Positive] = {}
    """Metric -> margin: no worse than the baseline by more; undecidable ones stop a promotion over a champion only."""
    floors: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = {}
    """Metric -> the least score (of a loss: the largest) that a champion may have, whatever its baseline has."""
    reject_jump: float = Field(0.1, ge=0)
    """How much larger than the champion's the share of rejected rows may be."""
    cost: Positive | None = None
    """How many times as long as the baseline's the generated answers may be, in tokens."""


class Release(Section):
    """The MLflow registry."""

    model_name: str = Field("tuneloom", pattern=r"^[\w.-]+$")
    """Name of the registered model."""
    gate: Gate = Gate()
    """The conditions of promotion."""


class Budgets(Section):
    """Limits that stop a run where more than so many rows, and more than 100, are taken; without one nothing does."""

    largest_cluster: float | None = Field(None, gt=0, le=1)
    """Largest share of the rows to train that may be duplicates of one row."""
    source_loss: float | None = Field(None, gt=0, le=1)
    """Largest share of a source's rows to train that may be lost as duplicates."""
    fresh: float = Field(0, ge=0, allow_inf_nan=False)
    """Training rows that must be new, gone or changed since the last release before a scheduled refresh trains: a share
    of them below 1, a number of rows from 1 on. A change of settings or code always trains."""
    on_breach: Literal["stop", "ask"] = "stop"
    """`stop` ends the run as failed; `ask` ends it waiting for `tuneloom approve`, after which it goes on."""


class Run(Section):
    """Where and how the data stages work; never what comes out."""

    task_runner: Literal["thread", "process", "dask", "ray"] = "thread"
    """What works on the parts of the data: threads or processes of this machine, or workers of a Dask or Ray cluster
    (extras `dask`, `ray`), which must reach the store."""
    address: str | None = None
    """The cluster's scheduler (`tcp://host:8786`, `ray://host:10001`); without one, a local cluster for the run."""
    partitions: int | None = Field(None, gt=0)
    """Parts worked on at a time; default: as many as there are cores, or workers in the cluster."""
    memory: float = Field(1.0, gt=0)
    """GiB for what a stage compares at a time; what does not fit is worked on in several passes."""


class Config(Section):
    """A whole pipeline. Only `sources` is needed besides `model`."""

    version: Literal[1] = 1
    """Form of this tree; a Tuneloom that reads another one refuses the file instead of guessing."""
    name: str = "tuneloom"
    """Name of the pipeline, for people: flow runs and reports bear it."""
    seed: int = 0
    """Seeds every random choice."""
    store: str | None = None
    """Where artifacts lie: a folder relative to the config file, or any fsspec URL; default `.tuneloom/store`."""
    model: str
    """A folder, a hub name, or `smollm2-135m-instruct` for the packaged one."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """The instruction data."""
    licenses: Licenses = Licenses()
    """Licences."""
    takedowns: str | None = None
    """A file of row ids, one a line, that may never be used."""
    dedup: Dedup = Dedup()
    """Duplicates."""
    split: Split = Split()
    """Sides."""
    decontaminate: Decontaminate | None = Decontaminate()
    """Keeping rows of `use: evaluate` and `decontaminate` out of training; `null` turns it off."""
    quality: Quality = Quality()
    """Rules and personal data."""
    review: Review = Review()
    """The human round trip."""
    mixture: Mixture = Mixture()
    """Selection."""
    render: Render = Render()
    """Tokens."""
    train: Train = Train()
    """Fine-tuning."""
    evaluate: Evaluate = Evaluate()
    """Scores."""
    release: Release = Release()
    """Gate and registry."""
    budgets: Budgets = Budgets()
    """Limits."""
    run: Run = Run()
    """Workers and memory."""
    plugins: tuple[str, ...] = ()
    """Files of your own, relative to the config file: Python files with a format (docs/bring-your-data.md) or a metric,
    YAML files with a suite (docs/evaluation.md)."""
