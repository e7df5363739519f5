"""The standard name in the name of a class or function, or the one that the unit declares by `like`.

    standard_name(Layer(), "layer_norm", LAYERS)             "layernorm"
    standard_name(None, "MyBatchNormLayerV2", LAYERS)        "batchnorm"
    find_reference(optimizer, "NAG", OPTIMIZERS)             ("nesterov", Optimizer(...))

A name is that of a definition if all other words in it describe nothing that is computed, such as `my`, `layer` or
`v2`. So `AdamOptimizer` is Adam, but `AdaBound`, `hard_sigmoid` and `adam_without_correction` are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.violation import BadInput, NotApplicable

Entry = TypeVar("Entry")

SYNONYMS = {
    "acc": "accuracy", "accuracyscore": "accuracy", "classificationaccuracy": "accuracy",
    "avgpool": "averagepool", "avgpool1d": "averagepool", "avgpool2d": "averagepool", "avgpooling": "averagepool",
    "avgpooling1d": "averagepool", "avgpooling2d": "averagepool", "averagepool1d": "averagepool",
    "averagepool2d": "averagepool", "averagepooling": "averagepool", "averagepooling1d": "averagepool",
    "averagepooling2d": "averagepool", "meanpool": "averagepool", "meanpool1d": "averagepool",
    "meanpool2d": "averagepool", "meanpooling": "averagepool", "globalaveragepool": "averagepool",
    "globalaveragepooling": "averagepool", "globalaveragepooling1d": "averagepool",
    "globalaveragepooling2d": "averagepool", "globalavgpool": "averagepool", "globalavgpool1d": "averagepool",
    "globalavgpool2d": "averagepool", "globalavgpooling": "averagepool", "globalmaxpool": "maxpool",
    "globalmaxpool1d": "maxpool", "globalmaxpool2d": "maxpool", "globalmaxpooling": "maxpool",
    "globalmaxpooling1d": "maxpool", "globalmaxpooling2d": "maxpool",
    "batchnorm1d": "batchnorm", "batchnorm2d": "batchnorm", "batchnormalization": "batchnorm",
    "batchnormalisation": "batchnorm", "batchnormalization1d": "batchnorm", "batchnormalization2d": "batchnorm",
    "spatialbatchnormalization": "batchnorm", "spatialbatchnorm": "batchnorm", "bn": "batchnorm",
    "bce": "binarycrossentropy", "bcewithlogits": "binarycrossentropy", "crossentropybinary": "binarycrossentropy",
    "binarycrossentropywithlogits": "binarycrossentropy", "sigmoidcrossentropy": "binarycrossentropy",
    "conv": "convolution", "conv1d": "convolution", "conv2d": "convolution", "convolution1d": "convolution",
    "convolution2d": "convolution", "convolutional": "convolution",
    "cosineannealingrestarts": "cosinerestarts", "cosineannealingwarmrestarts": "cosinerestarts",
    "cosinedecayrestarts": "cosinerestarts", "cosinewarmrestarts": "cosinerestarts", "sgdr": "cosinerestarts",
    "cosinewithrestarts": "cosinerestarts", "cosinewithwarmrestarts": "cosinerestarts",
    "cosineannealing": "cosine", "cosinedecay": "cosine", "cosinesim": "cosinesimilarity",
    "categoricalcrossentropy": "crossentropy", "cce": "crossentropy", "crossentropyerror": "crossentropy",
    "logloss": "crossentropy", "multiclasscrossentropy": "crossentropy", "nll": "crossentropy",
    "sparsecategoricalcrossentropy": "crossentropy", "xent": "crossentropy",
    "affine": "dense", "fullyconnected": "dense", "linear": "dense",
    "inverteddropout": "dropout", "wordembedding": "embedding", "errorrate": "error",
    "exponentialdecay": "exponential", "f1score": "f1", "macrof1": "f1", "gatedrecurrentunit": "gru", "grucell": "gru",
    "groupnormalization": "groupnorm", "henormal": "he", "kaiming": "he", "kaimingnormal": "he",
    "kaiminguniform": "heuniform", "smoothl1": "huber",
    "instancenorm1d": "instancenorm", "instancenorm2d": "instancenorm", "instancenormalization": "instancenorm",
    "kldiv": "kl", "kldivergence": "kl", "kullbackleibler": "kl", "kullbackleiblerdivergence": "kl",
    "layernormalization": "layernorm", "lrelu": "leakyrelu", "lecunnormal": "lecun", "lineardecay": "linear",
    "longshorttermmemory": "lstm", "lstmcell": "lstm", "l1": "mae", "meanabsoluteerror": "mae",
    "maxpool1d": "maxpool", "maxpool2d": "maxpool", "maxpooling": "maxpool",
    "maxpooling1d": "maxpool", "maxpooling2d": "maxpool",
    "heavyball": "momentum", "momentumsgd": "momentum", "sgdmomentum": "momentum",
    "meansquarederror": "mse", "meansquareerror": "mse",
    "nag": "nesterov", "nesterovacceleratedgradient": "nesterov", "nesterovmomentum": "nesterov",
    "nesterovsgd": "nesterov", "sgdnesterov": "nesterov", "negativeloglikelihood": "nll",
    "rectifiedlinearunit": "relu", "rootmeansquarederror": "rmse", "rmsnormalization": "rmsnorm",
    "poly": "polynomialdecay", "polydecay": "polynomialdecay", "polynomial": "polynomialdecay",
    "elmanrnn": "rnn", "rnncell": "rnn", "simplernn": "rnn",
    "attention": "scaleddotproductattention", "dotproductattention": "scaleddotproductattention",
    "scaleddotproduct": "scaleddotproductattention", "selfattention": "scaleddotproductattention",
    "gd": "sgd", "gradientdescent": "sgd", "stochasticgradientdescent": "sgd",
    "logistic": "sigmoid",
    "crossentropysoftmax": "softmaxcrossentropy", "crossentropywithlogits": "softmaxcrossentropy",
    "softmaxcategoricalcrossentropy": "softmaxcrossentropy", "softmaxcrossentropywithlogits": "softmaxcrossentropy",
    "softmaxloss": "softmaxcrossentropy", "softmaxwithloss": "softmaxcrossentropy",
    "stepdecay": "step", "silu": "swish", "hyperbolictangent": "tanh",
    "glorot": "xavier", "glorotnormal": "xavier", "glorotuniform": "xavieruniform", "xaviernormal": "xavier",
    "triangularlr": "triangular", "zero": "zeros",
}  # fmt: skip
"""Other names for a standard name, both simplified."""

NEUTRAL_WORDS = frozenset({
    "my", "by", "hand", "byhand", "student", "students", "own", "custom", "simple", "naive", "basic", "vanilla",
    "plain", "stable", "numerically", "numpy", "np", "manual", "scratch", "from", "implementation", "impl",
    "version", "new", "old", "mine", "our", "layer", "layers", "optimizer", "optimization",
    "optim", "opt", "function", "functions", "func", "fn", "fun", "activation", "activations", "act", "loss",
    "losses", "cost", "criterion", "forward", "fwd", "fprop", "pass", "propagation", "step", "update", "rule",
    "op", "unit", "class", "the", "a", "of", "with", "using", "and", "on", "compute", "calc", "calculate",
    "calculation", "get", "apply", "init", "initializer", "initialization",
    "initialize", "weight", "weights", "param", "params", "parameter", "parameters", "variable", "variables", "metric",
    "score", "method", "batch", "mini", "minibatch", "ml", "nn", "dnn",
})  # fmt: skip
"""Words that do not describe what is computed."""

VERSION = re.compile(r"(_?v\d+|_\d+)$", re.IGNORECASE)
WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def simplified(name: str) -> str:
    """A name in lower case without separators, so that `LayerNorm`, `layer-norm` and `layer_norm` are equal."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def possible_names(name: str) -> Iterator[str]:
    """The simplified name as it is, then without neutral words at its ends, then without any."""
    yield simplified(name)
    for text in dict.fromkeys((name, VERSION.sub("", name))):
        words = [word.lower() for word in WORD.findall(text)]
        neutral = [word in NEUTRAL_WORDS for word in words]
        for length in range(len(words), 0, -1):
            for first in range(len(words) - length + 1):
                if all(neutral[:first]) and all(neutral[first + length :]):
                    yield "".join(words[first : first + length])
        yield "".join(word for word, skip in zip(words, neutral, strict=True) if not skip)


def standard_name(thing: object, name: str, table: Mapping[str, Entry]) -> str:
    """The name in `table` that `thing` declares by `like`, else the one that `name` means; "" if there is no such name.

    Raises BadInput if `like` is not a standard name.
    """
    like = declared_value(thing, "like")
    known = {simplified(key): key for key in table}
    for key in (simplified(like),) if like else possible_names(name):
        found = known.get(key) or known.get(SYNONYMS.get(key, ""), "")
        if found:
            return found
    if like:
        raise BadInput(f"like = {like!r} is not a standard name; known: {', '.join(sorted(table))}")
    return ""


def find_reference(thing: object, name: str, table: Mapping[str, Entry]) -> tuple[str, Entry]:
    """The standard name of `thing` and its row of `table`. Raises NotApplicable if it has no standard name."""
    found = standard_name(thing, name, table)
    if not found:
        raise NotApplicable(f"{name or 'it'} is not a standard name, and like= is not declared")
    return found, table[found]


def numeric_constants(thing: object) -> list[float]:
    """The numbers among the attributes of an instance and its class: slope, rate, ε; without dunder names."""
    values = subject_of(thing).attributes().values()
    numbers = [v for v in values if isinstance(v, int | float | np.number) and not isinstance(v, bool)]
    return list(dict.fromkeys(float(v) for v in numbers))
