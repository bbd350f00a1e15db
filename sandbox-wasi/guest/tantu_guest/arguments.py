"""What a function is called with: made from recipes, or from a pickle."""

import pickle
from inspect import Parameter

from .shown import shown

RECEIVER = "self"


class _Call:
    """`names` are the parameters that get something; `size` orders calls from the simplest to the most
    complicated."""

    is_recorded = is_made_up = has_objects = False

    def __init__(self, signature, names, size):
        self.signature, self.names, self.size = signature, names, size

    def passed(self, values):
        """What is passed by position, and what by keyword, of values by parameter."""
        positional, named, by_position = [], {}, True
        for name, parameter in self.signature.parameters.items():
            kind = parameter.kind
            if name not in values:
                by_position = by_position and kind is Parameter.VAR_POSITIONAL
            elif kind is Parameter.VAR_POSITIONAL:
                positional += values[name] if by_position else ()
            elif kind is Parameter.VAR_KEYWORD:
                named |= values[name]
            elif by_position and kind is not Parameter.KEYWORD_ONLY:
                positional.append(values[name])
            elif kind is not Parameter.POSITIONAL_ONLY:
                named[name] = values[name]
        return positional, named

    def fits(self, subject):
        """Whether another version can be called so."""
        key = id(self.signature), *self.names
        if key not in subject.fitting:
            subject.fitting[key] = self._fits(subject.signature)
        return subject.fitting[key]

    def _fits(self, signature):
        variable = {Parameter.VAR_POSITIONAL: (), Parameter.VAR_KEYWORD: {}}
        parameters = self.signature.parameters.items()
        nothing = {name: variable[it.kind] for name, it in parameters if it.kind in variable}
        positional, named = self.passed(dict.fromkeys(self.names) | nothing)
        try:
            signature.bind(*positional, **named)
        except TypeError:
            return False
        return True

    def call(self, subject):
        """As somebody would write it."""
        texts = self.texts(subject.module)
        holder = ""
        if subject.is_method:
            holder = texts[RECEIVER] + "."
        elif subject.owner:
            holder = subject.owner.__name__ + "."
        text = holder + subject.name
        return text if subject.is_property else f"{text}({self.written(texts)})"

    def written(self, texts):
        """The arguments in parentheses, from those of each parameter."""
        positional, named = self.passed(texts)
        return ", ".join([*positional, *(f"{name}={text}" for name, text in named.items())])


    def copy(self, data):
        """The same, from a pickle of its values."""
        call = Pickled(self.signature, data, self.names, self.size, self.texts)
        call.is_made_up, call.is_recorded = self.is_made_up, self.is_recorded
        return call


class Arguments(_Call):
    """Recipes by parameter. A parameter that has none is left out."""

    def __init__(self, signature, recipes):
        super().__init__(signature, recipes, sum(recipe.size + 2 for recipe in recipes.values()))
        self.recipes = recipes
        self.is_made_up = any(recipe.is_made_up for recipe in recipes.values())
        # What has no `repr` of its own.
        self.has_objects = any(recipe.text for recipe in recipes.values())

    def build(self, version):
        """Values by parameter."""
        return {name: recipe.build(version) for name, recipe in self.recipes.items()}

    def texts(self, version):
        return {name: recipe.show(version) for name, recipe in self.recipes.items()}


class Pickled(_Call):
    """Values by parameter, as they were. Classes are found by their names, so in the version of a
    module that is the current one while they are built."""

    has_objects = True

    def __init__(self, signature, data, names, size=None, texts=None):
        super().__init__(signature, names, len(data) if size is None else size)
        self.data, self.known_texts = data, texts

    def build(self, version):
        return pickle.loads(self.data)

    def texts(self, version):
        if self.known_texts:
            return self.known_texts(version)
        values = self.build(version)
        texts = {name: shown(value) for name, value in values.items()}
        for name, parameter in self.signature.parameters.items():
            if parameter.kind is Parameter.VAR_POSITIONAL:
                texts[name] = [shown(value) for value in values[name]]
            elif parameter.kind is Parameter.VAR_KEYWORD:
                texts[name] = {key: shown(value) for key, value in values[name].items()}
        return texts


class Recorded(Pickled):
    """What a test has called the function with."""

    is_recorded = True
