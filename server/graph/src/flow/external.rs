//! What comes from outside the workspace and is followed by name: where it is called, handed on or mentioned.
//!
//! The graph's own edges end at the workspace, so the usual solution keeps nothing of what is outside but the functions whose
//! effect it models. Whoever asks for names (`eval`, `os.system`, `zipfile.ZipFile().extractall`) pays for a solution of
//! their own, in which these are objects like any other: through aliases, containers, attributes, parameters and results.

use std::cell::RefCell;

use rustc_hash::{FxHashMap, FxHashSet};
use syntax::TextRange;

use super::computed::ByName;
use super::nodes::{ArgumentsId, NodeId, Origin, Place, SiteId};
use super::objects::{Object, ObjectId};
use super::outcome::Places;
use super::solver::Solver;
use super::watches::{Invocation, Watch};
use crate::modules::ModuleRef;
use crate::summary::{Expr, Key, Occurs, ScopeIndex};
use crate::{FileId, Name};

/// Parts of a dotted name that are followed: `x = x.next` has no end of them.
const MAX_PARTS: usize = 6;

/// How deep containers are looked into for what they hand on.
const MAX_NESTING: u32 = 3;

/// Names outside the workspace that are to be followed.
#[derive(Debug, Default)]
pub struct Externals {
    listed: FxHashSet<String>,
    /// Modules and classes of which all members are listed.
    whole: FxHashSet<String>,
    /// What leads to listed names: modules, classes, what is made by a call.
    prefixes: FxHashSet<String>,
    attributes: FxHashSet<Name>,
}

/// How something outside the workspace is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExternalUseKind {
    Called,
    /// It is given to something outside the workspace that may call it.
    HandedOn,
    /// An expression has it as its value, or an import binds it.
    Mentioned,
    /// A member of a module is taken by a name that is not known, or a module is given away with all its members.
    Computed,
}

/// A use of something outside the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalUse {
    pub file: FileId,
    /// The callee's name token; where nothing is written that is called, what stands for it.
    pub range: TextRange,
    pub kind: ExternalUseKind,
    /// Dotted, `()` after what is called on the way; the attribute's name alone where only that is known.
    pub name: String,
    /// Of a call that is written so; empty for others.
    pub arguments: Vec<ExternalArgument>,
}

/// What a call gives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExternalArgument {
    /// `None` where it is given by its place.
    pub name: Option<String>,
    /// Those texts that it may be which are short enough to be names.
    pub texts: Vec<String>,
    /// Only functions and classes of the workspace reach it.
    pub is_function: bool,
    /// Nothing but `texts` reaches it.
    pub is_known: bool,
}

/// All uses of some names in a workspace.
#[derive(Clone, Debug, Default)]
pub struct ExternalUses {
    /// Calls and what is handed on, of all files; of the files that were asked about, all uses. Sorted by place.
    pub uses: Vec<ExternalUse>,
    /// Names that are called where the text shows no call: by descriptors, say.
    pub unplaced: Vec<String>,
    /// There would be more, but it would take too long to find.
    pub is_cut: bool,
}

impl Externals {
    /// `names` are dotted; one that ends in `.*` stands for all members, and a call on the way is written `()`.
    /// `attributes` are names that are told whatever they are read from.
    pub fn new(names: impl IntoIterator<Item = String>, attributes: impl IntoIterator<Item = &'static str>) -> Self {
        let mut externals =
            Externals { attributes: attributes.into_iter().map(Name::new).collect(), ..Externals::default() };
        externals.prefixes.insert("builtins".to_owned());
        for name in names {
            let (name, is_whole) = match name.strip_suffix(".*") {
                Some(owner) => (owner.to_owned(), true),
                None => (name, false),
            };
            let mut rest = name.as_str();
            while let Some(shorter) = rest.strip_suffix("()").or_else(|| rest.rsplit_once('.').map(|(owner, _)| owner))
            {
                externals.prefixes.insert(shorter.to_owned());
                rest = shorter;
            }
            if is_whole {
                externals.prefixes.insert(name.clone());
                externals.whole.insert(name);
            } else {
                externals.listed.insert(name);
            }
        }
        externals
    }

    fn is_listed(&self, name: &str) -> bool {
        self.listed.contains(name) || owners(name).any(|owner| self.whole.contains(owner))
    }

    fn leads_on(&self, name: &str) -> bool {
        is_short(name) && (self.prefixes.contains(name) || self.is_listed(name))
    }

    /// Whether nodes keep it that no longer tell apart what they hold: what is listed, what leads there, and modules, of which
    /// that cannot be known. Of the rest there are hundreds, in nodes from which everything goes everywhere.
    pub(super) fn is_kept(&self, name: &str) -> bool {
        self.leads_on(name) || !name.contains('.') && !crate::eval::is_builtin(name)
    }

    /// The module that another one has among its names, as `logging.os`, `random._os` or `numpy.sys`.
    fn imported_by<'a>(&self, owner: &str, member: &'a str) -> Option<&'a str> {
        let module = member.trim_start_matches('_');
        // Other packages call modules of their own so: `django.http`, `sqlalchemy.types`.
        let is_meant =
            crate::is_standard(owner) || matches!(module, "os" | "sys" | "subprocess" | "builtins" | "importlib");
        (is_meant && !owner.contains('(') && self.prefixes.contains(module)).then_some(module)
    }
}

fn is_short(name: &str) -> bool {
    name.split(['.', '(']).count() <= MAX_PARTS
}

/// `a.b` and `a` for `a.b.c`.
fn owners(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(name.rsplit_once('.'), |(owner, _)| owner.rsplit_once('.')).map(|(owner, _)| owner)
}

/// What is kept while a solution follows externals.
pub(super) struct Following<'a> {
    pub externals: &'a Externals,
    called: FxHashSet<(SiteId, Name)>,
    /// What is called that is not of the workspace and whose effect is not known.
    opaque: Vec<(SiteId, ArgumentsId)>,
    /// The members of what is outside that were read.
    members: FxHashMap<(Name, Name), ObjectId>,
    /// Whether an object is listed, as far as that was asked: the same ones are in the hands of most calls.
    listed: RefCell<FxHashMap<ObjectId, Option<Name>>>,
}

impl<'a> Following<'a> {
    pub fn new(externals: &'a Externals) -> Self {
        Following {
            externals,
            called: FxHashSet::default(),
            opaque: Vec::new(),
            members: FxHashMap::default(),
            listed: RefCell::default(),
        }
    }
}

impl Solver<'_> {
    /// What a dotted name outside the workspace is.
    pub fn outside(&mut self, name: Name) -> Object {
        if super::builtins::is_modelled(&name) {
            return Object::Modelled(name);
        }
        let Some(following) = &self.following else { return Object::Unknown };
        if let Some(member) = name.strip_prefix("builtins.").filter(|member| crate::eval::is_builtin(member)) {
            return self.built_in(Name::new(member));
        }
        if following.externals.leads_on(&name) {
            return Object::External(name);
        }
        let Some((owner, member)) = name.rsplit_once('.') else { return Object::Unknown };
        match following.externals.imported_by(owner, member) {
            Some(module) => Object::External(Name::new(module)),
            // It may be a module, as `os.path`, and have others among its names.
            None if crate::is_standard(owner) && is_short(&name) => Object::External(name),
            None => Object::Unknown,
        }
    }

    /// A module outside the workspace: it has others among its names.
    pub fn outside_module(&mut self, name: Name) -> Object {
        match self.outside(name) {
            Object::Unknown if self.following.is_some() && is_short(&name) => Object::External(name),
            object => object,
        }
    }

    pub fn built_in(&self, name: Name) -> Object {
        match name.as_str() {
            "__builtins__" if self.following.is_some() => Object::External(Name::new("builtins")),
            _ => Object::Modelled(name),
        }
    }

    /// An object from outside is called.
    pub fn note_call(&mut self, value: Object, call: Invocation) {
        let Some(following) = &mut self.following else { return };
        match value {
            Object::Modelled(name) | Object::External(name) => {
                let is_listed = following.externals.is_listed(&name);
                if is_listed {
                    following.called.insert((call.site, name));
                }
                if is_listed || matches!(value, Object::External(_)) {
                    following.opaque.push((call.site, call.arguments));
                }
            }
            Object::Unknown => following.opaque.push((call.site, call.arguments)),
            _ => {}
        }
    }

    /// A function is called of which nothing is known but its name.
    pub fn note_opaque(&mut self, site: SiteId, arguments: ArgumentsId) {
        if let Some(following) = &mut self.following {
            following.opaque.push((site, arguments));
        }
    }

    /// An attribute of something outside.
    pub fn load_outside(&mut self, value: Object, owner: Name, name: Name, dest: NodeId) {
        let object = self.intern(value);
        match name.as_str() {
            _ if self.following.is_none() => {}
            // What is called instead of the function.
            "__call__" | "__func__" | "__wrapped__" | "__get__" => return self.add(dest, object),
            "__dict__" => return self.add_object(dest, Object::Vars(object)),
            "__builtins__" => return self.add_object(dest, Object::External(Name::new("builtins"))),
            "__self__" if crate::eval::is_builtin(&owner) => {
                return self.add_object(dest, Object::External(Name::new("builtins")));
            }
            _ => {}
        }
        let is_method = matches!(name.as_str(), "get" | "pop" | "setdefault" | "items" | "values" | "keys" | "copy");
        if owner.as_str() == "sys.modules" && !is_method {
            return self.module_by_name(name, dest);
        }
        let known = self.following.as_ref().and_then(|following| following.members.get(&(owner, name)).copied());
        let member = known.unwrap_or_else(|| {
            let member = self.outside(Name::new(&format!("{owner}.{name}")));
            let member = self.intern(member);
            if let Some(following) = &mut self.following {
                following.members.insert((owner, name), member);
            }
            member
        });
        self.add(dest, member);
    }

    fn module_by_name(&mut self, name: Name, dest: NodeId) {
        let module = match self.snapshot.modules.get(name) {
            ModuleRef::File(file) => Object::Module(file),
            ModuleRef::Namespace(name) => Object::Namespace(name),
            ModuleRef::External | ModuleRef::Missing => self.outside_module(name),
        };
        self.add_object(dest, module);
    }

    /// `value[names]` where that stands for an attribute: `sys.modules[…]`, `vars(x)[…]`, `__builtins__[…]`.
    pub fn load_by_key(&mut self, object: ObjectId, key: Key, key_node: NodeId, dest: NodeId, site: SiteId) {
        match key {
            Key::Text(name) => {
                let value = self.objects.get(object);
                self.load(value, name, dest, false);
            }
            _ => {
                let object = self.holding(object);
                self.computed_names.lookups.push(ByName { names: key_node, object, target: Ok(dest), site });
            }
        }
    }

    /// A method of a namespace: `vars(x).get("name")`.
    pub fn namespace_method(&mut self, value: Object, name: Name, arguments: ArgumentsId, dest: NodeId, site: SiteId) {
        let object = match value {
            Object::Vars(owner) => owner,
            Object::External(owner) if matches!(owner.as_str(), "sys.modules" | "builtins") => self.intern(value),
            _ => return,
        };
        if self.following.is_none() {
            return;
        }
        let key = match name.as_str() {
            "get" | "pop" | "setdefault" | "__getitem__" => self.first_given(arguments),
            // All there is comes out.
            "values" | "items" | "popitem" | "copy" => Some(NodeId::UNKNOWN),
            _ => None,
        };
        if let Some(key) = key {
            let object = self.holding(object);
            self.computed_names.lookups.push(ByName { names: key, object, target: Ok(dest), site });
            self.watch(key, Watch::GetAttribute { object, dest });
        }
    }

    /// What `from module import *` of modules outside gives a name to.
    pub fn outside_by_star(&mut self, file: FileId, name: Name) -> Option<Object> {
        self.following.as_ref()?;
        let summary = self.summary(file);
        let stars = summary.scope(ScopeIndex::MODULE).stars.iter().map(|&star| summary.import(star));
        let modules: Vec<Name> = stars.filter(|import| import.level == 0).map(|import| import.module).collect();
        let members = modules
            .into_iter()
            .filter(|&module| matches!(self.snapshot.modules.get(module), ModuleRef::External | ModuleRef::Missing));
        let members: Vec<Name> = members.map(|module| Name::new(&format!("{module}.{name}"))).collect();
        members.into_iter().map(|member| self.outside(member)).find(|object| *object != Object::Unknown)
    }

    /// The listed names that a node holds.
    fn listed(&self, node: NodeId) -> Vec<Name> {
        let Some(following) = &self.following else { return Vec::new() };
        let name = |object: ObjectId| match self.objects.get(object) {
            Object::Modelled(name) | Object::External(name) if following.externals.is_listed(&name) => Some(name),
            _ => None,
        };
        let mut listed = following.listed.borrow_mut();
        let objects = self.nodes.objects(node).iter();
        objects.filter_map(|&object| *listed.entry(object).or_insert_with(|| name(object))).collect()
    }

    /// The listed names and modules that a node holds, in containers and bound arguments too.
    fn carried(&self, node: NodeId, depth: u32, seen: &mut FxHashMap<NodeId, u32>, found: &mut Vec<(Name, bool)>) {
        // Containers that hold each other are looked into once, and again only where that leads further down.
        match seen.get(&node) {
            Some(&before) if before <= depth => return,
            _ => seen.insert(node, depth),
        };
        found.extend(self.listed(node).into_iter().map(|name| (name, true)));
        for &object in self.nodes.objects(node) {
            match self.objects.get(object) {
                Object::External(name) if self.is_followed_module(name) => found.push((name, false)),
                Object::Container(container) if depth < MAX_NESTING => {
                    for key in self.objects.containers[container.0 as usize].keys.to_vec() {
                        if let Some(element) = self.nodes.known_place(Place::Element(container, key)) {
                            self.carried(element, depth + 1, seen, found);
                        }
                    }
                }
                Object::Partial { function, .. } | Object::Thread { function, .. } if depth < MAX_NESTING => {
                    self.carried(function, depth + 1, seen, found);
                }
                _ => {}
            }
        }
    }

    fn is_followed_module(&self, name: Name) -> bool {
        let last = name.rsplit('.').next().unwrap_or_default();
        let externals = self.following.as_ref().map(|following| following.externals);
        !name.contains('(')
            && last.starts_with(|c: char| c.is_lowercase() || c == '_')
            && externals
                .is_some_and(|externals| externals.prefixes.contains(name.as_str()) && !externals.is_listed(&name))
    }

    /// What the solution says of all that was followed; of `files` also what is mentioned only.
    pub fn external_uses(mut self, files: &[FileId]) -> ExternalUses {
        let mut found = ExternalUses { is_cut: !self.is_complete(), ..ExternalUses::default() };
        let Some(following) = &mut self.following else { return found };
        let (called, opaque) = (std::mem::take(&mut following.called), std::mem::take(&mut following.opaque));
        for (site, name) in called {
            match self.place_of(site) {
                Some((file, range)) => {
                    let arguments = if files.contains(&file) { self.arguments_of(site) } else { Vec::new() };
                    let kind = ExternalUseKind::Called;
                    found.uses.push(ExternalUse { file, range, kind, name: name.to_string(), arguments });
                }
                None => found.unplaced.push(name.to_string()),
            }
        }
        // Most calls of a workspace are given what others are given as well.
        let mut known: FxHashMap<NodeId, Vec<(Name, bool)>> = FxHashMap::default();
        for (site, arguments) in opaque {
            let Some((file, range)) = self.place_of(site) else { continue };
            let given = self.all_given(arguments);
            let mut carried = Vec::new();
            let named = given.keywords.iter().map(|(_, node)| *node);
            for node in given.positional.iter().copied().chain(named).chain(given.star).chain(given.double_star) {
                let of_node = known.entry(node).or_insert_with(|| {
                    let mut found = Vec::new();
                    self.carried(node, 0, &mut FxHashMap::default(), &mut found);
                    found
                });
                carried.extend(of_node.iter().copied());
            }
            for (name, is_listed) in carried {
                let kind = if is_listed { ExternalUseKind::HandedOn } else { ExternalUseKind::Computed };
                // A module that is given away elsewhere was so before.
                if is_listed || files.contains(&file) {
                    found.uses.push(ExternalUse { file, range, kind, name: name.to_string(), arguments: Vec::new() });
                }
            }
        }
        for &file in files {
            self.mentions(file, &mut found.uses);
        }
        self.computed(files, &mut found.uses);
        found.uses.sort_by(|a, b| {
            let place = |it: &ExternalUse| (it.file, it.range.start(), it.range.end(), it.kind);
            place(a).cmp(&place(b)).then_with(|| (&a.name, &a.arguments).cmp(&(&b.name, &b.arguments)))
        });
        found.uses.dedup();
        found.unplaced.sort();
        found.unplaced.dedup();
        found
    }

    fn place_of(&self, site: SiteId) -> Option<(FileId, TextRange)> {
        if site == SiteId::NONE {
            return None;
        }
        let (file, origin) = self.found.sites[site.0 as usize];
        let (_, range) = Places::new(self.summary(file), &[]).place(origin)?;
        Some((file, range))
    }

    fn arguments_of(&mut self, site: SiteId) -> Vec<ExternalArgument> {
        let (file, Origin::Call(call)) = self.found.sites[site.0 as usize] else { return Vec::new() };
        let arguments = &self.summary(file).calls[call as usize].arguments;
        let positional = arguments.positional.iter().map(|&value| (None, value));
        let named = arguments.keywords().iter().map(|&(name, value)| (Some(name.to_string()), value));
        let given: Vec<_> = positional.chain(named).collect();
        given.into_iter().map(|(name, value)| self.argument(name, file, value)).collect()
    }

    fn argument(&mut self, name: Option<String>, file: FileId, value: crate::summary::ExprIndex) -> ExternalArgument {
        let node = self.expr(file, value);
        let objects: Vec<Object> = self.nodes.objects(node).iter().map(|&object| self.objects.get(object)).collect();
        let text = |object: &Object| match object {
            Object::Constant(Key::Text(text)) => Some(text.to_string()),
            _ => None,
        };
        let is_function = |object: &Object| {
            matches!(object, Object::Function(_) | Object::Bound { .. } | Object::Class(_) | Object::Partial { .. })
        };
        ExternalArgument {
            name,
            texts: objects.iter().filter_map(text).collect(),
            is_function: !objects.is_empty() && objects.iter().all(is_function),
            is_known: !objects.is_empty() && objects.iter().all(|object| text(object).is_some()),
        }
    }

    /// What expressions of `file` have as their value, and what its imports bind.
    fn mentions(&mut self, file: FileId, uses: &mut Vec<ExternalUse>) {
        let Some(externals) = self.following.as_ref().map(|following| following.externals) else { return };
        let summary = self.summary(file);
        let mut places: Vec<(TextRange, NodeId)> = Vec::new();
        for occurrence in &summary.occurrences {
            match occurrence.what() {
                Occurs::Load(expr) => {
                    if let Expr::Attribute { name, .. } = summary.expr(expr)
                        && externals.attributes.contains(name)
                    {
                        uses.push(mention(file, occurrence.range, *name));
                    }
                    places.push((occurrence.range, self.expr(file, expr)));
                }
                Occurs::StoreAttribute(expr) => {
                    if let Expr::Attribute { name, .. } = summary.expr(expr)
                        && externals.attributes.contains(name)
                    {
                        uses.push(mention(file, occurrence.range, *name));
                    }
                }
                Occurs::Import(import) => places.push((occurrence.range, self.import(file, import))),
                _ => {}
            }
        }
        places.extend(
            summary
                .implied
                .iter()
                .filter_map(|it| Some((it.range, self.program.exprs[file.index()][it.expr.index()]?))),
        );
        let results = self.program.calls[file.index()].iter().zip(&summary.calls);
        places.extend(results.filter_map(|(node, call)| Some((call.range, (*node)?))));
        for (range, node) in places {
            // What is made by a call was told where it is called.
            let named = self.listed(node).into_iter().filter(|name| !name.ends_with("()"));
            uses.extend(named.map(|name| mention(file, range, name)));
        }
    }

    /// Members that are taken by a name: those that are told by the name alone, and those of modules by names that are not
    /// known.
    fn computed(&mut self, files: &[FileId], uses: &mut Vec<ExternalUse>) {
        let Some(externals) = self.following.as_ref().map(|following| following.externals) else { return };
        for by_name in std::mem::take(&mut self.computed_names.lookups) {
            let Some((file, range)) = self.place_of(by_name.site).filter(|(file, _)| files.contains(file)) else {
                continue;
            };
            let mut is_known = !self.nodes.objects(by_name.names).is_empty();
            for &name in self.nodes.objects(by_name.names) {
                match self.objects.get(name) {
                    Object::Constant(Key::Text(name)) if externals.attributes.contains(&name) => {
                        uses.push(mention(file, range, name));
                    }
                    Object::Constant(_) => {}
                    _ => is_known = false,
                }
            }
            if is_known {
                continue;
            }
            for &object in self.nodes.objects(by_name.object) {
                let name = match self.objects.get(object) {
                    Object::Module(module) => self.snapshot.modules.name(module).to_string(),
                    Object::External(name) if self.is_followed_module(name) || name.as_str() == "sys.modules" => {
                        name.to_string()
                    }
                    _ => continue,
                };
                let kind = ExternalUseKind::Computed;
                uses.push(ExternalUse { file, range, kind, name, arguments: Vec::new() });
            }
        }
    }
}

fn mention(file: FileId, range: TextRange, name: Name) -> ExternalUse {
    let kind = ExternalUseKind::Mentioned;
    ExternalUse { file, range, kind, name: name.to_string(), arguments: Vec::new() }
}

#[cfg(test)]
mod tests;
