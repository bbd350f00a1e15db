//! The place of a finding, and what its fixes have in common.

use ruff_python_ast::find_node::covering_node;
use ruff_python_ast::{AnyNodeRef, ArgOrKeyword};
use syntax::ast::token::{Token, TokenKind};
use syntax::ast::{Arguments, Expr, ExprCall};
use syntax::{Ranged, TextEdit, TextRange, TextSize};

use super::imports::Imports;
use crate::{Applicability, Document, Fix};

pub(super) struct Site<'a> {
    pub document: Document<'a>,
    pub range: TextRange,
    pub imports: Imports<'a>,
}

impl<'a> Site<'a> {
    pub fn new(document: Document<'a>, range: TextRange) -> Self {
        Site { document, range, imports: Imports::of(document) }
    }

    pub fn text(&self, range: TextRange) -> &'a str {
        &self.document.text[range]
    }

    /// The nodes around the finding, the innermost first.
    pub fn ancestors(&self) -> Vec<AnyNodeRef<'a>> {
        let root: AnyNodeRef<'a> = self.document.parsed.module().into();
        let covering = covering_node(root, self.range);
        covering.ancestors().collect()
    }

    /// The calls around the finding, the innermost first, as far as the statement that holds it.
    pub fn calls(&self) -> impl Iterator<Item = &'a ExprCall> {
        let nodes = self.ancestors().into_iter().take_while(|node| !node.is_statement());
        nodes.filter_map(|node| match node {
            AnyNodeRef::ExprCall(call) => Some(call),
            _ => None,
        })
    }

    /// The innermost call around the finding of something that `accept` takes by its full name, and that name.
    pub fn call_of(&self, accept: impl Fn(&str) -> bool) -> Option<(&'a ExprCall, String)> {
        self.calls().find_map(|call| {
            let name = self.imports.full_name(&call.func)?;
            accept(&name).then_some((call, name))
        })
    }

    /// Tokens that lie wholly in `range`.
    pub fn tokens(&self, range: TextRange) -> &'a [Token] {
        let tokens: &'a [Token] = self.document.parsed.tokens();
        let start = tokens.partition_point(|token| token.start() < range.start());
        let length = tokens[start..].partition_point(|token| token.end() <= range.end());
        &tokens[start..start + length]
    }

    pub fn has_comment(&self, range: TextRange) -> bool {
        self.tokens(range).iter().any(|token| token.kind() == TokenKind::Comment)
    }

    pub fn newline(&self) -> &'static str {
        match self.document.text.find('\n') {
            Some(end) if self.document.text[..end].ends_with('\r') => "\r\n",
            None if self.document.text.contains('\r') => "\r",
            _ => "\n",
        }
    }

    /// Adds an argument at the end.
    pub fn add_argument(&self, arguments: &Arguments, argument: &str) -> Option<TextEdit> {
        let Some(last) = arguments.iter_source_order().last() else {
            return Some(TextEdit::insert(arguments.l_paren_range().end(), argument));
        };
        // A generator without parentheses of its own must stay alone.
        if let ArgOrKeyword::Arg(Expr::Generator(generator)) = last
            && !generator.parenthesized
        {
            return None;
        }
        let rest = TextRange::new(last.end(), arguments.r_paren_range().start());
        let end = self.tokens(rest).iter().rfind(|token| !is_trivia(token));
        Some(match end {
            Some(comma) if comma.kind() == TokenKind::Comma => TextEdit::insert(comma.end(), format!(" {argument}")),
            Some(parenthesis) => TextEdit::insert(parenthesis.end(), format!(", {argument}")),
            None => TextEdit::insert(last.end(), format!(", {argument}")),
        })
    }

    /// Takes an argument away with its comma; comments before and behind it stay.
    pub fn remove_argument(&self, arguments: &Arguments, argument: TextRange) -> Option<TextEdit> {
        let before = self.tokens(TextRange::new(arguments.l_paren_range().start(), argument.start()));
        let after = self.tokens(TextRange::new(argument.end(), arguments.r_paren_range().end()));
        let comment = before.iter().rev().take_while(|token| is_trivia(token)).find(|token| is_comment(token));
        let before = before.iter().rev().find(|token| !is_trivia(token))?;
        let mut after = after.iter().skip_while(|token| is_trivia(token) && !is_comment(token));
        let next = after.next()?;
        let range = match (before.kind(), next.kind(), comment) {
            (TokenKind::Comma, TokenKind::Comma, Some(comment)) => TextRange::new(comment.end(), next.end()),
            (TokenKind::Comma, TokenKind::Rpar, Some(comment)) => TextRange::new(comment.end(), argument.end()),
            (TokenKind::Comma, TokenKind::Comma | TokenKind::Rpar, None) => {
                TextRange::new(before.start(), argument.end())
            }
            (TokenKind::Lpar, TokenKind::Comma, _) => {
                let rest = after.find(|token| token.kind() != TokenKind::NonLogicalNewline)?;
                TextRange::new(argument.start(), rest.start())
            }
            (TokenKind::Lpar, TokenKind::Rpar, _) => argument,
            _ => return None,
        };
        (!self.has_comment(range)).then(|| TextEdit::replace(range, ""))
    }

    /// The start of the line that holds `offset`.
    pub fn line_start(&self, offset: TextSize) -> TextSize {
        let before = &self.document.text[..offset.to_usize()];
        TextSize::new(before.rfind(['\n', '\r']).map_or(0, |newline| newline + 1) as u32)
    }
}

/// A fix with its edits in order.
pub(super) fn fix(title: impl Into<String>, applicability: Applicability, mut edits: Vec<TextEdit>) -> Option<Fix> {
    edits.sort_by_key(|edit| edit.range.start());
    Some(Fix { title: title.into(), applicability, edits })
}

pub(super) fn is_trivia(token: &Token) -> bool {
    matches!(token.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)
}

fn is_comment(token: &Token) -> bool {
    token.kind() == TokenKind::Comment
}

/// The value of a keyword argument.
pub(super) fn keyword<'a>(call: &'a ExprCall, name: &str) -> Option<&'a Expr> {
    call.arguments.find_keyword(name).map(|keyword| &keyword.value)
}

/// Whether arguments are written out, without `*` and `**`.
pub(super) fn is_plain(arguments: &Arguments) -> bool {
    arguments.args.iter().all(|argument| !argument.is_starred_expr())
        && arguments.keywords.iter().all(|keyword| keyword.arg.is_some())
}
