//! What two functions have in common that do the same under other names: one number for each statement.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use syntax::ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal, walk_stmt};
use syntax::ast::{AnyNodeRef, BoolOp, CmpOp, Expr, ExprContext, Operator, Stmt, StmtFunctionDef, TypeParams, UnaryOp};
use syntax::{Parsed, Ranged, TextSize};

/// A function with so many names in common is most often the only one.
const NAMES: usize = 4;

/// A function's normal form.
#[derive(Clone, Debug)]
pub(super) struct Form {
    /// Where its name begins.
    pub at: TextSize,
    pub is_async: bool,
    /// All of it, each variable known by where it comes first.
    pub exact: u64,
    /// Each statement, the head of a compound one, in order; all variables are the same.
    pub items: Box<[u32]>,
    /// How big it is.
    pub nodes: u32,
    /// The longest names in it that are none of its own variables, the longest first; at most [`NAMES`].
    pub names: Box<[Box<str>]>,
}

impl Form {
    pub fn is_same(&self, other: &Form) -> bool {
        self.exact == other.exact && self.is_async == other.is_async && self.items == other.items
    }
}

/// The forms of all functions and methods of a text; what is defined in a function is a part of that.
pub(super) fn forms(parsed: &Parsed) -> Vec<Form> {
    struct Functions(Vec<Form>);
    impl<'a> SourceOrderVisitor<'a> for Functions {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            match stmt {
                Stmt::FunctionDef(function) => self.0.push(form(function)),
                Stmt::ClassDef(_) | Stmt::If(_) | Stmt::Try(_) | Stmt::With(_) => walk_stmt(self, stmt),
                _ => {}
            }
        }
        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut functions = Functions(Vec::new());
    functions.visit_body(parsed.statements());
    functions.0
}

fn form(function: &StmtFunctionDef) -> Form {
    let mut own = Own::default();
    own.visit_parameters(&function.parameters);
    own.visit_body(&function.body);
    let mut normaliser = Normaliser {
        own: own.bound.difference(&own.elsewhere).copied().collect(),
        first: FxHashMap::default(),
        exact: FxHasher::default(),
        heads: vec![FxHasher::default()],
        items: Vec::new(),
        depth: 0,
        nodes: 0,
        names: Vec::new(),
    };
    normaliser.visit_parameters(&function.parameters);
    normaliser.visit_body(&function.body);
    Form {
        at: function.name.start(),
        is_async: function.is_async,
        exact: normaliser.exact.finish(),
        items: normaliser.items.into(),
        nodes: normaliser.nodes,
        names: normaliser.names.into_iter().map(Box::from).collect(),
    }
}

/// The names that a function binds for itself.
#[derive(Default)]
struct Own<'a> {
    bound: FxHashSet<&'a str>,
    /// `global` and `nonlocal` ones.
    elsewhere: FxHashSet<&'a str>,
}

impl<'a> SourceOrderVisitor<'a> for Own<'a> {
    fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
        match node {
            AnyNodeRef::ExprName(name) if name.ctx != ExprContext::Load => {
                self.bound.insert(&name.id);
            }
            AnyNodeRef::Parameter(parameter) => {
                self.bound.insert(&parameter.name);
            }
            AnyNodeRef::StmtFunctionDef(function) => {
                self.bound.insert(&function.name);
            }
            AnyNodeRef::ExceptHandlerExceptHandler(handler) => {
                self.bound.extend(handler.name.as_ref().map(|name| name.as_str()));
            }
            AnyNodeRef::StmtGlobal(it) => self.elsewhere.extend(it.names.iter().map(|name| name.as_str())),
            AnyNodeRef::StmtNonlocal(it) => self.elsewhere.extend(it.names.iter().map(|name| name.as_str())),
            _ => {}
        }
        TraversalSignal::Traverse
    }
}

struct Normaliser<'a> {
    own: FxHashSet<&'a str>,
    /// The number of each variable.
    first: FxHashMap<&'a str, usize>,
    exact: FxHasher,
    /// The statements that are around, the innermost last.
    heads: Vec<FxHasher>,
    items: Vec<u32>,
    depth: u32,
    nodes: u32,
    names: Vec<&'a str>,
}

impl<'a> Normaliser<'a> {
    fn add(&mut self, what: impl Hash) {
        what.hash(&mut self.exact);
        if let Some(head) = self.heads.last_mut() {
            what.hash(head);
        }
    }

    fn name(&mut self, name: &'a str) {
        if !self.own.contains(name) {
            return self.fixed_name(name);
        }
        let next = self.first.len();
        let number = *self.first.entry(name).or_insert(next);
        number.hash(&mut self.exact);
    }

    /// A name that means the same wherever it stands.
    fn fixed_name(&mut self, name: &'a str) {
        self.add(name);
        if !self.names.contains(&name) {
            self.names.push(name);
            self.names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            self.names.truncate(NAMES);
        }
    }
}

impl<'a> SourceOrderVisitor<'a> for Normaliser<'a> {
    fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
        self.nodes += 1;
        self.add(node.kind());
        match node {
            AnyNodeRef::ExprName(it) => self.name(&it.id),
            AnyNodeRef::ExprAttribute(it) => self.fixed_name(&it.attr),
            AnyNodeRef::Parameter(it) => self.name(&it.name),
            AnyNodeRef::StmtFunctionDef(it) => self.name(&it.name),
            AnyNodeRef::StmtClassDef(it) => self.name(&it.name),
            AnyNodeRef::ExceptHandlerExceptHandler(it) => {
                if let Some(name) = &it.name {
                    self.name(name);
                }
            }
            AnyNodeRef::Keyword(it) => {
                if let Some(name) = &it.arg {
                    self.add(name.as_str());
                }
            }
            AnyNodeRef::StmtImportFrom(it) => self.add((it.module.as_ref().map(|it| it.as_str()), it.level)),
            AnyNodeRef::Alias(it) => self.add((it.name.as_str(), it.asname.as_ref().map(|it| it.as_str()))),
            AnyNodeRef::StmtGlobal(it) => it.names.iter().for_each(|name| self.name(name)),
            AnyNodeRef::StmtNonlocal(it) => it.names.iter().for_each(|name| self.name(name)),
            AnyNodeRef::StringLiteral(it) => self.add(&*it.value),
            AnyNodeRef::BytesLiteral(it) => self.add(&*it.value),
            AnyNodeRef::InterpolatedStringLiteralElement(it) => self.add(&*it.value),
            AnyNodeRef::ExprNumberLiteral(it) => self.add(format!("{:?}", it.value)),
            AnyNodeRef::ExprBooleanLiteral(it) => self.add(it.value),
            // Which part of a statement is missing is a difference.
            AnyNodeRef::ExprSlice(it) => self.add((it.lower.is_some(), it.upper.is_some(), it.step.is_some())),
            AnyNodeRef::StmtFor(it) => self.add(it.is_async),
            AnyNodeRef::StmtWith(it) => self.add(it.is_async),
            AnyNodeRef::ExprDict(it) => self.add(it.items.len()),
            AnyNodeRef::ExprCall(it) => self.add((it.arguments.args.len(), it.arguments.keywords.len())),
            AnyNodeRef::Parameters(it) => self.add((it.posonlyargs.len(), it.args.len(), it.kwonlyargs.len())),
            _ => {}
        }
        TraversalSignal::Traverse
    }

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let says_nothing = match stmt {
            Stmt::Expr(it) => it.value.is_string_literal_expr(),
            Stmt::Pass(_) => true,
            _ => false,
        };
        if says_nothing {
            return;
        }
        let place = self.items.len();
        self.items.push(0);
        self.heads.push(FxHasher::default());
        self.add(self.depth);
        walk_stmt(self, stmt);
        let head = self.heads.pop().unwrap_or_default().finish();
        self.items[place] = (head ^ (head >> 32)) as u32;
    }

    fn visit_body(&mut self, body: &'a [Stmt]) {
        self.depth += 1;
        body.iter().for_each(|stmt| self.visit_stmt(stmt));
        self.depth -= 1;
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_type_params(&mut self, _: &'a TypeParams) {}

    fn visit_bool_op(&mut self, op: &'a BoolOp) {
        self.add(op);
    }

    fn visit_operator(&mut self, op: &'a Operator) {
        self.add(op);
    }

    fn visit_unary_op(&mut self, op: &'a UnaryOp) {
        self.add(op);
    }

    fn visit_cmp_op(&mut self, op: &'a CmpOp) {
        self.add(op);
    }
}
