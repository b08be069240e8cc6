"""The part of the config tree about training."""

from typing import Literal

from pydantic import Field, model_validator

from tuneloom.config.section import Section


class Train(Section):
    """Fine-tuning."""

    method: Literal["lora", "dora", "full"] = "lora"
    """`lora` trains a float32 adapter (PEFT), `dora` one with a length for each of a layer's outputs beside it, `full`
    every weight."""
    continue_from: str | None = None
    """An adapter to train on: its folder, relative to the config file, or a registered version (`models:/NAME/3`); its
    rank, alpha and target modules hold."""
    rank: int = Field(8, gt=0)
    """Rank of the adapter."""
    alpha: float = Field(16, gt=0)
    """LoRA's alpha: the update is scaled by alpha / rank."""
    rslora: bool = False
    """Scales by alpha / sqrt(rank) instead (rsLoRA), for high ranks."""
    init: Literal["zero", "gaussian", "orthogonal", "olora", "pissa"] = "zero"
    """How an adapter begins: without effect (`zero`, `gaussian`, `orthogonal`), or as the base's largest part (`pissa`,
    its singular vectors, or `olora`, its QR factors), which leaves the base for the time of training."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout on the adapter's input."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """Layers that get an adapter: `all-linear`, a list of names such as `q_proj`, or a regular expression of whole
    names."""
    modules_to_save: tuple[str, ...] = ()
    """Names of other modules that train whole and are kept with the adapter (norms, `lm_head`)."""
    four_bit: bool = False
    """Holds the frozen base in 4 bits (QLoRA: NF4 by bitsandbytes), on a CUDA GPU alone."""
    neftune: float = Field(0.0, ge=0)
    """NEFTune's alpha: noise on the embeddings while training; 5 is usual, 0 none."""
    learning_rate: float = Field(1e-3, gt=0)
    """Peak learning rate."""
    lora_plus: float = Field(1.0, ge=1)
    """The learning rate of an adapter's second matrix, B, is so many times as high (LoRA+; its paper takes 16)."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls after the warm-up."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    weight_decay: float = Field(0.0, ge=0)
    """AdamW's weight decay."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Gradients are clipped to this norm."""
    epochs: float = Field(1.0, gt=0)
    """Passes over the training rows."""
    max_tokens: int | None = Field(None, gt=0)
    """Stops after about this many tokens, whatever `epochs` says."""
    tokens_per_step: int = Field(2048, gt=0)
    """Tokens in one optimiser step (a fixed list of rows)."""
    micro_batch_tokens: int | None = Field(None, gt=0)
    """Tokens computed at once; changes memory and speed, never the result. Default: what pays and fits in memory."""
    validate_every: int | None = Field(None, ge=0)
    """Steps between two looks at the validation side's loss; 0: none; default: as often as costs 3 % of the time."""
    validation_tokens: int = Field(20_000, gt=0)
    """Most tokens of the validation side that a look takes."""
    validation_by: Literal["overall", "tasks"] = "overall"
    """Which loss says what is better: that of all tokens, or the mean of the tasks' losses."""
    patience: int | None = Field(None, gt=0)
    """Training ends after so many looks in a row without a better loss; the best look's weights are the result."""
    log_checkpoints: bool = False
    """Whether MLflow gets a copy of every checkpoint."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the computation; `auto` measures this machine and takes the faster."""
    processes: int = Field(1, gt=0)
    """Processes that train together: one a GPU, or on the CPU a share of its cores each."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """How several ranks share the work: each holds the whole model, or (`fsdp`) a part of every layer."""

    @model_validator(mode="after")
    def _check_method(self) -> "Train":
        """What only adapters have says nothing of full training, and is not passed over silently."""
        if self.method == "full":
            foreign = ("continue_from", "rslora", "init", "modules_to_save", "four_bit", "lora_plus")
            defaults = {name: type(self).model_fields[name].default for name in foreign}
            if given := [name for name in foreign if getattr(self, name) != defaults[name]]:
                raise ValueError(f"method `full` trains every weight and has no `{given[0]}`")
        if self.init in ("pissa", "olora") and (self.four_bit or self.continue_from):
            other = "four_bit" if self.four_bit else "continue_from"
            raise ValueError(f"init `{self.init}` takes a part out of the base, which `{other}` does not allow")
        if self.four_bit and self.parallel == "fsdp" and self.processes > 1:
            raise ValueError("parallel `fsdp` cannot part a base in 4 bits; take `ddp`, or `four_bit: false`")
        return self
