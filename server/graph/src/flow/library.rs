//! What functions of the standard library do with functions they are given, as a table.

use super::nodes::{ArgumentsId, NodeId, SiteId};
use super::objects::{ContainerId, ContainerKind, Object, ObjectId, Origin as Made};
use super::solver::Solver;
use super::watches::{ArgumentNodes, Invocation, Watch};
use crate::modules::ModuleRef;
use crate::summary::Key;
use crate::{EdgeKind, Name};

/// What a call of a function of the standard library does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Gives back the argument at this position.
    Gives(usize),
    /// Gives a function that returns the argument at this position.
    Returns(usize),
    /// Calls the function at a position, or given under a name, with the arguments after it, and gives what it returns.
    Calls(usize, &'static str),
    /// Calls it with something of its own.
    CallsBack(usize, &'static str),
    /// Something calls it later, not where it is handed over.
    Keeps(usize, &'static str),
    /// Makes a future of what the function returns.
    Submits(usize),
    /// Keeps the function at a position, or given under a name, and the arguments `args` at the next one, for `start()`.
    Starts(usize, &'static str),
    /// Makes an object whose methods are listed below its name.
    Makes,
    /// Makes an object of the kind that is named.
    MakesA(&'static str),
    /// Makes an empty container, or one of what the first argument holds.
    MakesQueue,
    /// Makes a parser of arguments.
    MakesParser,
    /// Makes a tuple of the results.
    Gathers,
    /// `with` gives the argument; it is closed in the end.
    Closes,
    /// `with` gives the argument.
    Wraps,
    /// Enters the context.
    Enters,
    Imports,
    /// `operator.attrgetter(…)` and the like.
    Getter,
    /// A function that an operator stands for.
    Operates,
}

use Effect::{
    Calls, CallsBack, Closes, Enters, Gathers, Getter, Gives, Imports, Keeps, Makes, MakesA, MakesParser, MakesQueue,
    Operates, Returns, Starts, Submits, Wraps,
};

/// Sorted by name.
const EFFECTS: &[(&str, Effect)] = &[
    ("__import__", Imports),
    ("argparse.ArgumentParser", MakesParser),
    ("asyncio.AbstractEventLoop.call_at", CallsBack(1, "callback")),
    ("asyncio.AbstractEventLoop.call_later", Calls(1, "callback")),
    ("asyncio.AbstractEventLoop.call_soon", Calls(0, "callback")),
    ("asyncio.AbstractEventLoop.call_soon_threadsafe", Calls(0, "callback")),
    ("asyncio.AbstractEventLoop.create_task", Gives(0)),
    ("asyncio.AbstractEventLoop.run_in_executor", Calls(1, "func")),
    ("asyncio.AbstractEventLoop.run_until_complete", Gives(0)),
    ("asyncio.Queue", MakesQueue),
    ("asyncio.TaskGroup", Makes),
    ("asyncio.TaskGroup.create_task", Gives(0)),
    ("asyncio.create_task", Gives(0)),
    ("asyncio.ensure_future", Gives(0)),
    ("asyncio.gather", Gathers),
    ("asyncio.get_event_loop", MakesA("asyncio.AbstractEventLoop")),
    ("asyncio.get_running_loop", MakesA("asyncio.AbstractEventLoop")),
    ("asyncio.new_event_loop", MakesA("asyncio.AbstractEventLoop")),
    ("asyncio.run", Gives(0)),
    ("asyncio.shield", Gives(0)),
    ("asyncio.to_thread", Calls(0, "func")),
    ("asyncio.wait_for", Gives(0)),
    ("atexit.unregister", Keeps(0, "func")),
    ("concurrent.futures.ProcessPoolExecutor", Makes),
    ("concurrent.futures.ProcessPoolExecutor.map", CallsBack(0, "fn")),
    ("concurrent.futures.ProcessPoolExecutor.submit", Submits(0)),
    ("concurrent.futures.ThreadPoolExecutor", Makes),
    ("concurrent.futures.ThreadPoolExecutor.map", CallsBack(0, "fn")),
    ("concurrent.futures.ThreadPoolExecutor.submit", Submits(0)),
    ("contextlib.AsyncExitStack", Makes),
    ("contextlib.AsyncExitStack.callback", Calls(0, "callback")),
    ("contextlib.AsyncExitStack.enter_async_context", Enters),
    ("contextlib.AsyncExitStack.enter_context", Enters),
    ("contextlib.ExitStack", Makes),
    ("contextlib.ExitStack.callback", Calls(0, "callback")),
    ("contextlib.ExitStack.enter_context", Enters),
    ("contextlib.aclosing", Wraps),
    ("contextlib.closing", Closes),
    ("contextlib.nullcontext", Wraps),
    ("copy.copy", Gives(0)),
    ("copy.deepcopy", Gives(0)),
    ("functools.cmp_to_key", Gives(0)),
    ("importlib.import_module", Imports),
    ("multiprocessing.Process", Starts(1, "target")),
    ("operator.add", Operates),
    ("operator.and_", Operates),
    ("operator.attrgetter", Getter),
    ("operator.contains", Operates),
    ("operator.eq", Operates),
    ("operator.floordiv", Operates),
    ("operator.ge", Operates),
    ("operator.getitem", Operates),
    ("operator.gt", Operates),
    ("operator.iadd", Operates),
    ("operator.itemgetter", Getter),
    ("operator.le", Operates),
    ("operator.lt", Operates),
    ("operator.matmul", Operates),
    ("operator.methodcaller", Getter),
    ("operator.mod", Operates),
    ("operator.mul", Operates),
    ("operator.ne", Operates),
    ("operator.or_", Operates),
    ("operator.pow", Operates),
    ("operator.sub", Operates),
    ("operator.truediv", Operates),
    ("operator.xor", Operates),
    ("queue.LifoQueue", MakesQueue),
    ("queue.PriorityQueue", MakesQueue),
    ("queue.Queue", MakesQueue),
    ("queue.SimpleQueue", MakesQueue),
    ("re.sub", CallsBack(1, "repl")),
    ("re.subn", CallsBack(1, "repl")),
    ("signal.signal", Keeps(1, "handler")),
    ("threading.Thread", Starts(1, "target")),
    ("threading.Timer", Starts(1, "function")),
    ("types.MappingProxyType", Gives(0)),
    ("weakref.WeakMethod", Returns(0)),
    ("weakref.finalize", Keeps(1, "func")),
    ("weakref.proxy", Gives(0)),
    ("weakref.ref", Returns(0)),
];

/// What a table that is sorted by name has for `name`.
pub(super) fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.binary_search_by(|(other, _)| (*other).cmp(name)).ok().map(|index| table[index].1)
}

/// Whether a table that is sorted by name has the function, or functions of the module or class.
pub(super) fn has<T: Copy>(table: &[(&str, T)], name: &str) -> bool {
    let starts = |prefix: &str| {
        let at = table.partition_point(|(other, _)| *other < prefix);
        table.get(at).is_some_and(|(other, _)| other.starts_with(prefix))
    };
    find(table, name).is_some() || starts(&format!("{name}."))
}

/// Whether a function is in the table here, or functions of the module or class are.
pub(super) fn is_listed(name: &str) -> bool {
    has(EFFECTS, name)
}

impl Solver<'_> {
    /// A function of the table is called; says whether there is one of this name.
    pub fn library_call(&mut self, name: Name, arguments: ArgumentsId, dest: NodeId, site: SiteId) -> bool {
        let Some(effect) = find(EFFECTS, &name) else { return false };
        let given = self.all_given(arguments);
        let named =
            |keyword: &str| given.keywords.iter().find(|(key, _)| key.as_str() == keyword).map(|(_, node)| *node);
        let argument =
            |position: usize, keyword: &str| given.positional.get(position).copied().or_else(|| named(keyword));
        match effect {
            Gives(position) => argument(position, "").into_iter().for_each(|value| self.copy(value, dest)),
            Returns(position) => {
                if let Some(value) = argument(position, "") {
                    self.add_object(dest, Object::Returning(value));
                }
            }
            Calls(position, keyword) => {
                if let Some(function) = argument(position, keyword) {
                    let mut rest = ArgumentNodes::clone(&given);
                    rest.positional = given.positional.iter().skip(position + 1).copied().collect();
                    rest.keywords.retain(|(name, _)| name.as_str() != keyword);
                    let arguments = self.arguments(rest);
                    self.watch(function, Watch::Call(Invocation { arguments, dest, site, kind: EdgeKind::Callback }));
                }
            }
            CallsBack(position, keyword) => {
                if let Some(function) = argument(position, keyword) {
                    let own =
                        if keyword == "fn" { self.elements_of(&given.positional, 1, site) } else { NodeId::PLAIN };
                    let result = if keyword == "fn" { self.made(dest) } else { NodeId::NOTHING };
                    self.call_back(function, &[own], result, site);
                }
            }
            Keeps(position, keyword) => {
                if let Some(function) = argument(position, keyword) {
                    // Nothing there calls it, but it is there that it gets away.
                    let site = if self.following.is_some() { site } else { SiteId::NONE };
                    self.call_back(function, &[NodeId::PLAIN, NodeId::PLAIN], NodeId::NOTHING, site);
                }
            }
            Submits(position) => {
                if let Some(function) = argument(position, "fn") {
                    let mut rest = ArgumentNodes::clone(&given);
                    rest.positional = given.positional.iter().skip(position + 1).copied().collect();
                    let arguments = self.arguments(rest);
                    let result = self.place(super::nodes::Place::Accumulated(dest));
                    self.watch(
                        function,
                        Watch::Call(Invocation { arguments, dest: result, site, kind: EdgeKind::Callback }),
                    );
                    self.add_object(dest, Object::Future(result));
                }
            }
            Starts(position, keyword) => {
                if let Some(function) = argument(position, keyword) {
                    let star = argument(position + if keyword == "target" { 2 } else { 1 }, "args");
                    let double_star = named("kwargs");
                    let rest = ArgumentNodes { star, double_star, ..ArgumentNodes::default() };
                    let arguments = self.arguments(rest);
                    self.add_object(dest, Object::Thread { function, arguments });
                }
            }
            Makes => self.add_object(dest, Object::Made(name)),
            MakesA(kind) => self.add_object(dest, Object::Made(Name::new(kind))),
            MakesQueue => {
                self.made(dest);
            }
            MakesParser => {
                let parser = self.container(Made::Expr(dest), ContainerKind::Parser);
                self.add_object(dest, Object::Container(parser));
            }
            Gathers => {
                let container = self.container(Made::Expr(dest), ContainerKind::Tuple);
                self.add_object(dest, Object::Container(container));
                for (index, &value) in given.positional.iter().enumerate() {
                    self.store_element(container, Key::Index(index as i32), value);
                }
                if let Some(values) = given.star {
                    self.watch(values, Watch::Extend { container, site });
                }
            }
            Closes | Wraps => {
                if let Some(value) = argument(0, "thing") {
                    self.add_object(dest, Object::Context { value, closes: effect == Closes });
                }
            }
            Enters => {
                if let Some(context) = argument(0, "cm") {
                    self.watch(context, Watch::Enter { dest, site });
                }
            }
            Imports => {
                if let Some(module) = argument(0, "name") {
                    let is_top = name.as_str() == "__import__";
                    self.watch(module, Watch::Import { is_top, dest });
                }
            }
            Getter => {
                self.getter_object(&name, &given, dest);
                // What it gets is not known then, but what it is given is.
                if self.following.is_some() && self.nodes.objects(dest).is_empty() {
                    self.add(dest, ObjectId::UNKNOWN);
                }
            }
            Operates => self.operator_call(&name, &given, dest, site),
        }
        true
    }

    fn elements_of(&mut self, given: &[NodeId], position: usize, site: SiteId) -> NodeId {
        match given.get(position) {
            Some(&iterable) => self.elements(iterable, site),
            None => NodeId::PLAIN,
        }
    }

    /// `operator.attrgetter("name")`, `methodcaller("name", …)`, `itemgetter(key)`.
    fn getter_object(&mut self, function: &str, given: &ArgumentNodes, dest: NodeId) {
        let Some(&first) = given.positional.first() else { return };
        let several = given.positional.len() > 1;
        // Their arguments are nearly always literals, which are there from the beginning.
        let Some(&constant) = self.nodes.objects(first).first() else { return };
        let Object::Constant(key) = self.objects.get(constant) else { return };
        let object = match (function, key) {
            ("operator.methodcaller", Key::Text(name)) => {
                let mut rest = given.clone();
                rest.positional.remove(0);
                Object::MethodCaller { name, arguments: self.arguments(rest) }
            }
            ("operator.attrgetter", Key::Text(path)) if !several => Object::AttributeGetter(path),
            ("operator.itemgetter", key) if !several => Object::ItemGetter(key),
            _ => return,
        };
        self.add_object(dest, object);
    }

    /// A getter is called on `value`.
    pub fn apply_getter(&mut self, getter: Object, value: NodeId, dest: NodeId, site: SiteId) {
        match getter {
            Object::AttributeGetter(path) => {
                let mut value = value;
                let mut parts = path.as_str().split('.').peekable();
                while let Some(part) = parts.next() {
                    let result = if parts.peek().is_some() { self.nodes.new_node() } else { dest };
                    self.watch(value, Watch::Load { name: Name::new(part), dest: result, called: false });
                    value = result;
                }
            }
            Object::MethodCaller { name, arguments } => {
                let method = self.nodes.new_node();
                self.watch(value, Watch::Load { name, dest: method, called: true });
                self.watch(method, Watch::Call(Invocation { arguments, dest, site, kind: EdgeKind::Callback }));
                self.watch(value, Watch::Method { name, arguments, dest, site });
            }
            Object::ItemGetter(key) => {
                let object = self.intern(Object::Constant(key));
                let key_node = self.holding(object);
                self.watch(value, Watch::LoadItem { key, key_node, dest, site });
            }
            _ => {}
        }
    }

    /// `operator.add(a, b)`
    fn operator_call(&mut self, function: &str, given: &ArgumentNodes, dest: NodeId, site: SiteId) {
        let &[left, right, ..] = given.positional.as_slice() else { return };
        let name = function.trim_start_matches("operator.").trim_end_matches('_');
        if name == "getitem" {
            let key = Key::Any;
            return self.watch(left, Watch::LoadItem { key, key_node: right, dest, site });
        }
        let method = Name::new(&format!("__{name}__"));
        self.watch(left, Watch::Operate { method, other: right, dest, site });
        self.watch(right, Watch::Reflect { method, other: left, dest, site });
    }

    /// A method of a parser of arguments: `set_defaults(run=f)` is what `parse_args().run` gives.
    pub fn parser_method(&mut self, parser: ContainerId, name: &str, given: &ArgumentNodes, dest: NodeId) {
        match name {
            "set_defaults" => {
                for &(name, value) in &given.keywords {
                    self.store_element(parser, Key::Text(name), value);
                }
            }
            "add_argument" => {
                let named = |wanted: &str| given.keywords.iter().find(|(name, _)| name.as_str() == wanted);
                if let (Some(&(_, name)), Some(&(_, value))) = (named("dest"), named("const").or(named("default"))) {
                    self.watch(name, Watch::StoreKey { container: parser, source: value });
                }
            }
            "add_subparsers" | "add_parser" | "add_argument_group" | "add_mutually_exclusive_group" => {
                self.add_object(dest, Object::Container(parser));
            }
            "parse_args" | "parse_intermixed_args" => self.add_object(dest, Object::Parsed(parser)),
            "parse_known_args" => {
                let parsed = self.intern(Object::Parsed(parser));
                let parsed = self.holding(parsed);
                let pair = self.container(Made::Expr(dest), ContainerKind::Tuple);
                self.store_element(pair, Key::Index(0), parsed);
                self.add_object(dest, Object::Container(pair));
            }
            _ => {}
        }
    }

    /// A module that is imported by a computed name.
    pub fn import_by_name(&mut self, name: super::objects::Object, is_top: bool, dest: NodeId) {
        let Object::Constant(Key::Text(name)) = name else { return };
        let name = if is_top { Name::new(name.split('.').next().unwrap_or_default()) } else { name };
        let object = match self.snapshot.modules.get(name) {
            ModuleRef::File(file) => Object::Module(file),
            ModuleRef::Namespace(name) => Object::Namespace(name),
            ModuleRef::External | ModuleRef::Missing => self.outside_module(name),
        };
        self.add_object(dest, object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_sorted() {
        assert!(EFFECTS.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn modules_and_classes_of_listed_functions_are_listed() {
        for name in ["re", "re.sub", "asyncio", "asyncio.AbstractEventLoop", "concurrent", "concurrent.futures"] {
            assert!(is_listed(name), "{name}");
        }
        for name in ["r", "re.s", "asyncio.x", "numpy", "zlib"] {
            assert!(!is_listed(name), "{name}");
        }
    }
}
