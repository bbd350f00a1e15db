"""What a parameter without a hint has to be like, read off what its function does with it: attributes
that are read, keys that are looked up, what it is looped over for, what it is compared and reckoned with.

The statements are read once, in their order and without their conditions: a guess only has to be good
enough for calls to come to a result.
"""

import ast
import types

from .inputs import ANYTHING, MAX_DEPTH, CannotGenerate, Recipe, Strategy, for_hint, mapping, product, sequence, union

_NUMBERS = (ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Pow, ast.LShift, ast.RShift, ast.BitAnd, ast.BitOr)
_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_NUMBER_OF = {"abs", "round", "range", "chr", "divmod", "pow"}
_ITEMS_OF = {"sorted", "reversed", "list", "tuple", "set", "frozenset", "iter", "sum", "min", "max", "any", "all"}
_TYPES = {"int": int, "str": str, "float": float, "bool": bool, "bytes": bytes, "list": list[int], "dict": dict[str, int]}
# The first of these types that has all the methods which are called is meant.
_WITH_METHODS = (str, list, dict, set, bytes, int, float)


def of(text, qualname):
    """Strategies by the names of those parameters of which anything can be told."""
    try:
        function = _find(ast.parse(text), qualname.split("."))
    except (SyntaxError, ValueError, RecursionError):
        return {}
    if function is None:
        return {}
    arguments = function.args
    names = [it.arg for it in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    uses = _Uses(names)
    found = {}
    try:
        for statement in function.body:
            uses.visit(statement)
        for name in names:
            if strategy := uses.parameters[name].strategy():
                found[name] = strategy
    except (CannotGenerate, RecursionError):
        pass
    return found


def _find(tree, names):
    for name in names:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        found = [it for it in ast.walk(tree) if isinstance(it, kinds) and it.name == name]
        if not found:
            return None
        tree = found[0]
    return tree if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef) else None


class _Shape:
    """What is known of one value."""

    def __init__(self):
        self.attributes = {}  # by name
        self.keys = {}  # those that are written out
        self.item = None  # what it is looped over for, or what lies at an index
        self.value = None  # what lies at a key that is not known
        self.parts = []  # of a tuple
        self.hints = []
        self.methods = set()

    def of_attribute(self, name):
        return self.attributes.setdefault(name, _Shape())

    def of_key(self, key):
        return self.keys.setdefault(key, _Shape())

    def of_item(self):
        self.item = self.item or _Shape()
        return self.item

    def of_value(self):
        self.value = self.value or _Shape()
        return self.value

    def is_a(self, hint):
        if hint not in self.hints:
            self.hints.append(hint)

    def is_known(self):
        return bool(self.attributes or self.keys or self.item or self.value or self.parts or self.hints or self.methods)

    def strategy(self, depth=0):
        """None where nothing is known."""
        if not self.is_known():
            return None
        if self.methods:
            kinds = [it for it in _WITH_METHODS if all(hasattr(it, name) for name in self.methods)]
            if not kinds or self.attributes:
                raise CannotGenerate(f"something with the method {min(self.methods)}")
            if kinds[0] not in (list, dict, set):
                return for_hint(kinds[0], depth)
        if depth > MAX_DEPTH:
            return for_hint(int, depth)
        if self.attributes:
            return _namespaces({name: it.anything(depth) for name, it in self.attributes.items()})
        if self.keys:
            return _records({key: it.anything(depth) for key, it in self.keys.items()})
        if self.value or "items" in self.methods or "keys" in self.methods:
            return mapping(dict, for_hint(str), (self.value or _Shape()).anything(depth), depth)
        if self.parts:
            return product(tuple, [it.anything(depth) for it in self.parts])
        if self.item and str not in self.hints:
            return sequence(set if "add" in self.methods else list, self.item.anything(depth), depth)
        return union(self.hints or [list[int]], depth)

    def anything(self, depth):
        return self.strategy(depth + 1) or union(ANYTHING[:3], depth + 1)


def _namespaces(fields):
    def make(values):
        return types.SimpleNamespace(**dict(zip(fields, values)))

    def written(texts):
        return f"SimpleNamespace({', '.join(f'{name}={text}' for name, text in zip(fields, texts))})"

    inner = product(make, [*fields.values()], written)

    def with_text(recipe):  # a namespace has a `repr`, by which nobody could make one
        text = recipe.text or (lambda version: repr(recipe.build(version)).replace("namespace(", "SimpleNamespace("))
        return Recipe(recipe.build, recipe.size, text, recipe.is_made_up)

    return Strategy([with_text(edge) for edge in inner.edges], lambda rng: with_text(inner.draw(rng)))


def _records(fields):
    def written(texts):
        return f"{{{', '.join(f'{key!r}: {text}' for key, text in zip(fields, texts))}}}"

    return product(lambda values: dict(zip(fields, values)), [*fields.values()], written)


class _Uses(ast.NodeVisitor):
    def __init__(self, names):
        self.parameters = {name: _Shape() for name in names}
        self.known = dict(self.parameters)

    def shape(self, node):
        match node:
            case ast.Name(id=name):
                return self.known.get(name)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                self.known[name] = self.shape(value)
                return self.known[name]
            case ast.Attribute(value=value, attr=name):
                return (base := self.shape(value)) and base.of_attribute(name)
            case ast.Subscript(value=value, slice=ast.Slice()):
                if base := self.shape(value):
                    base.of_item()
                return base
            case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
                return (base := self.shape(value)) and base.of_key(key)
            case ast.Subscript(value=value, slice=index):
                return (base := self.shape(value)) and self._at(base, index)
            case ast.Call(func=ast.Attribute(value=value, attr=name), args=arguments):
                return (base := self.shape(value)) and self._of_method(base, name, arguments)
            case ast.BoolOp(values=values):
                return next(filter(None, map(self.shape, values)), None)
        return None

    def _at(self, base, index):
        if (key := self.shape(index)) and not isinstance(index, ast.Constant):
            if int not in key.hints:
                key.is_a(str)
                return base.of_value()
        return base.of_item()

    def _of_method(self, base, name, arguments):
        base.methods.add(name)
        match name, arguments:
            case "get", [ast.Constant(value=str(key)), *_]:
                return base.of_key(key)
            case ("get" | "pop" | "setdefault"), [_, *_]:
                return base.of_value()
        return None

    def items(self, node):
        """The shape of what is met when `node` is looped over."""
        match node:
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]):
                return _tuple(None, self.items(inner))
            case ast.Call(func=ast.Name(id="zip"), args=inner):
                return _tuple(*map(self.items, inner))
            case ast.Call(func=ast.Name(id=name), args=[inner, *_]) if name in _ITEMS_OF:
                return self.items(inner)
            case ast.Call(func=ast.Attribute(value=value, attr=("items" | "values" | "keys") as name), args=[]):
                if base := self.shape(value):
                    base.methods.add(name)
                    inner = base.of_value()
                    return {"items": _tuple(None, inner), "values": inner}.get(name)
                return None
        return (base := self.shape(node)) and base.of_item()

    def bind(self, target, shape):
        match target:
            case ast.Name(id=name):
                self.known[name] = shape
            case ast.Tuple(elts=elements) | ast.List(elts=elements) if shape:
                if not any(isinstance(it, ast.Starred) for it in elements):
                    if not shape.parts:
                        shape.parts = [_Shape() for _ in elements]
                    for element, part in zip(elements, shape.parts):
                        self.bind(element, part)

    def visit_For(self, node):
        self.visit(node.iter)
        self.bind(node.target, self.items(node.iter))
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    visit_AsyncFor = visit_For

    def _comprehension(self, node):
        for generator in node.generators:
            self.visit(generator.iter)
            self.bind(generator.target, self.items(generator.iter))
            for condition in generator.ifs:
                self.visit(condition)
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.comprehension):
                self.visit(child)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_Assign(self, node):
        self.visit(node.value)
        for target in node.targets:
            self.bind(target, self.shape(node.value))

    def visit_AugAssign(self, node):
        self._reckon(node.target, node.op, node.value)
        self.visit(node.value)

    def visit_BinOp(self, node):
        self._reckon(node.left, node.op, node.right)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, ast.USub | ast.UAdd | ast.Invert) and (shape := self.shape(node.operand)):
            shape.is_a(int)
        self.generic_visit(node)

    def _reckon(self, left, operator, right):
        for one, other in ((left, right), (right, left)):
            shape = self.shape(one)
            if shape is None or shape.methods or shape.item:
                continue
            if isinstance(other, ast.Constant) and isinstance(other.value, int | float | str | bytes):
                is_repeated = isinstance(operator, ast.Mult) and isinstance(other.value, str)
                shape.is_a(int if is_repeated else type(other.value))
            elif isinstance(operator, _NUMBERS) or isinstance(operator, ast.Add | ast.Mod):
                is_text = isinstance(other, ast.JoinedStr)
                shape.is_a(str if is_text else int)

    def visit_Compare(self, node):
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:]):
            for one, other in ((left, right), (right, left)):
                if shape := self.shape(one):
                    if isinstance(operator, ast.In | ast.NotIn):
                        self._contained(one is right, shape, other)
                    elif isinstance(other, ast.Constant):
                        shape.is_a(type(other.value) if other.value is not None else type(None))
                    elif isinstance(operator, _ORDERED):
                        shape.is_a(int)
        self.generic_visit(node)

    def _contained(self, is_container, shape, other):
        if is_container and isinstance(other, ast.Constant):
            shape.of_item().is_a(type(other.value))
        elif is_container:
            shape.of_item()
        elif isinstance(other, ast.Tuple | ast.List | ast.Set):
            for it in other.elts:
                if isinstance(it, ast.Constant):
                    shape.is_a(type(it.value))
        elif isinstance(other, ast.Constant):
            shape.is_a(type(other.value))

    def visit_Call(self, node):
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[it, kinds]) if shape := self.shape(it):
                for kind in kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]:
                    if isinstance(kind, ast.Name) and kind.id in _TYPES:
                        shape.is_a(_TYPES[kind.id])
            case ast.Call(func=ast.Name(id=name), args=[it, *_]) if name in _ITEMS_OF or name == "len":
                if (items := self.items(it)) and name == "sum":
                    items.is_a(int)
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in _NUMBER_OF:
                for it in arguments:
                    if shape := self.shape(it):
                        shape.is_a(int)
            case ast.Call(func=ast.Attribute()):
                self.shape(node)
            case ast.Call(func=ast.Name(id=name)) if shape := self.known.get(name):
                shape.methods.add("__call__")
        for child in (*node.args, *(it.value for it in node.keywords)):
            self.visit(child)
        # The method of a call is no attribute that it has besides.
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)

    def visit_Attribute(self, node):
        self.shape(node)
        self.generic_visit(node)

    def visit_Subscript(self, node):
        self.shape(node)
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        for statement in node.body:
            self.visit(statement)


def _tuple(*parts):
    shape = _Shape()
    shape.parts = [part or _Shape() for part in parts]
    return shape
